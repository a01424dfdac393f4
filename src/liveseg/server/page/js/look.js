/** How results are drawn, for all tabs, and kept from visit to visit. */

import { USUAL_ALPHA } from "./paint.js";

const KEY = "liveseg.look";

/** @typedef {"model" | "voc" | "safe" | "vivid"} PaletteName */

/** The background's blur, in percent of the shorter side, as on the command line. */
export const USUAL_BLUR = 4;

class Look extends EventTarget {
  /** Opacity of the colours, in [0, 1]. */
  alpha = USUAL_ALPHA;
  /** One for all eyes, until another is chosen. @type {PaletteName} */
  palette = "safe";
  /** Standard deviation of the background's blur, in percent of the shorter side. */
  blur = USUAL_BLUR;

  constructor() {
    super();
    try {
      const { alpha, palette, blur } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      if (alpha >= 0 && alpha <= 1) this.alpha = alpha;
      if (["model", "voc", "safe", "vivid"].includes(palette)) this.palette = palette;
      if (blur > 0 && blur <= 50) this.blur = blur;
    } catch {
      localStorage.removeItem(KEY); // written by something else
    }
  }

  /**
   * Change some of it; `change` is dispatched.
   * @param {{ alpha?: number, palette?: PaletteName, blur?: number }} to
   */
  set(to) {
    Object.assign(this, to);
    const { alpha, palette, blur } = this;
    localStorage.setItem(KEY, JSON.stringify({ alpha, palette, blur }));
    this.dispatchEvent(new Event("change"));
  }
}

/** The one of this page. */
export const look = new Look();
