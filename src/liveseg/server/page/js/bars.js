/** Bars that say how much of a picture each class covers. */

import { el } from "./dom.js";
import { cssColor } from "./labels.js";

/** A bar from 0 to the whole picture; the words beside it say the number. */
export class Bar {
  constructor() {
    this.element = el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "bar-fill" }));
  }

  /**
   * @param {number} share in [0, 1]
   * @param {import("./labels.js").Rgb | undefined} color
   */
  set(share, color) {
    this.element.style.setProperty("--share", String(share));
    this.element.style.setProperty("--color", cssColor(color));
  }
}

/**
 * How much of a mask each class covers, and how sure the network was on average, by falling area.
 * @param {import("./wire.js").Layers} layers
 * @returns {{ index: number, share: number }[]}
 */
export function areasOf({ mask }) {
  const counts = new Uint32Array(256);
  for (const index of mask) counts[index] += 1;
  return Array.from(counts, (count, index) => ({ index, share: count / mask.length }))
    .filter(({ index, share }) => share > 0 && index < 255)
    .sort((a, b) => b.share - a.share || a.index - b.index);
}
