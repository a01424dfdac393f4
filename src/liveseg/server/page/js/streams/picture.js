/** The picture of a stream: moving, as one answer without an end, or still, as a new one now and then. */

import { el } from "../dom.js";

/**
 * moving: MJPEG; still: a snapshot now and then; none: nothing is loaded, what was shown stays.
 * @typedef {"moving" | "still" | "none"} Mode
 */

/** Time between two snapshots, and before another try when a picture did not come, in ms. */
const BETWEEN = 1000;
const AGAIN = 2000;

export class StreamPicture {
  /** @param {string} alt */
  constructor(alt) {
    this.img = el("img", { class: "stream-picture", alt, hidden: true });
    this.img.addEventListener("load", () => {
      this.img.hidden = false;
    });
    this.img.addEventListener("error", () => this.#failed());
    /** @type {Mode} */
    this.mode = "none";
    /** The newest links, whose tickets are good for longest. @type {{ mjpeg: string, snapshot: string }} */
    this.links = { mjpeg: "", snapshot: "" };
    this.timer = 0;
  }

  /**
   * @param {Mode} mode
   * @param {{ mjpeg: string, snapshot: string }} links
   */
  show(mode, links) {
    this.links = links;
    // A picture that is loading is left alone: its address is good although there is a newer one.
    if (mode === this.mode) return;
    this.mode = mode;
    window.clearTimeout(this.timer);
    // Without its address an endless answer is closed, and the service knows that nobody looks.
    this.img.removeAttribute("src");
    this.img.hidden = true;
    if (mode === "moving") this.#move();
    else if (mode === "still") this.#still();
  }

  /** Load nothing more. */
  stop() {
    this.show("none", this.links);
  }

  #move() {
    this.img.src = fresh(this.links.mjpeg);
  }

  async #still() {
    const next = new Image();
    next.src = fresh(this.links.snapshot);
    let wait = BETWEEN;
    try {
      await next.decode();
      if (this.mode !== "still") return;
      this.img.src = next.src;
    } catch {
      wait = AGAIN; // there is no picture now; there may be one soon
    }
    if (this.mode === "still") this.timer = window.setTimeout(() => this.#still(), wait);
  }

  #failed() {
    this.img.hidden = true;
    if (this.mode !== "moving") return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.mode === "moving" && this.#move(), AGAIN);
  }
}

/**
 * The same address, new to the browser's store of pictures.
 * @param {string} link
 */
function fresh(link) {
  const address = new URL(link, document.baseURI);
  address.searchParams.set("at", String(Date.now()));
  return address.href;
}
