/** The slider that wipes between the source on the left and the result on the right. */

import { el, prefersStillness } from "./dom.js";
import { icon } from "./icons.js";
import { percent, words } from "./strings.js";

const STEP = 0.02;
const BIG_STEP = 0.1;

/** @type {Record<string, (at: number) => number>} */
const KEYS = {
  ArrowLeft: (at) => at - STEP,
  ArrowDown: (at) => at - STEP,
  ArrowRight: (at) => at + STEP,
  ArrowUp: (at) => at + STEP,
  PageDown: (at) => at - BIG_STEP,
  PageUp: (at) => at + BIG_STEP,
  Home: () => 0,
  End: () => 1,
};

export class Wipe {
  /**
   * @param {HTMLElement} stage holds both pictures; has `--wipe` set, the share of the width that shows the source
   */
  constructor(stage) {
    this.stage = stage;
    this.at = 0.5;
    this.element = el(
      "div",
      {
        class: "wipe",
        role: "slider",
        tabindex: 0,
        "aria-label": words.wipe.label,
        "aria-orientation": "horizontal",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
      },
      el("span", { class: "wipe-line" }),
      el("span", { class: "wipe-knob" }, icon("swap")),
    );
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("pointerdown", (event) => this.#grab(event));
    this.set(this.at);
  }

  /** @param {number} at in [0, 1]: 0 shows the result alone, 1 the source */
  set(at) {
    this.at = Math.min(1, Math.max(0, at));
    this.stage.style.setProperty("--wipe", String(this.at));
    this.element.setAttribute("aria-valuenow", String(Math.round(100 * this.at)));
    this.element.setAttribute("aria-valuetext", words.wipe.value(percent(this.at)));
  }

  /**
   * Sweep from the source to a place, so that a new result is seen to arrive.
   * @param {number} to
   */
  sweep(to) {
    if (prefersStillness()) {
      this.set(to);
      return;
    }
    const from = 1;
    const start = performance.now();
    this.set(from);
    const step = (/** @type {number} */ now) => {
      // Whoever takes hold of it meanwhile has it.
      if (this.#held || !this.#sweeping) return;
      const share = Math.min(1, (now - start) / 700);
      this.set(from + (to - from) * (1 - (1 - share) ** 3));
      if (share < 1) requestAnimationFrame(step);
      else this.#sweeping = false;
    };
    this.#sweeping = true;
    requestAnimationFrame(step);
  }

  #held = false;
  #sweeping = false;

  /** @param {KeyboardEvent} event */
  #key(event) {
    const move = KEYS[event.key];
    if (move === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#sweeping = false;
    this.set(event.shiftKey && event.key.startsWith("Arrow") ? this.at + 5 * (move(this.at) - this.at) : move(this.at));
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (event.button !== 0) return;
    this.#held = true;
    this.element.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => {
      const { left, width } = this.stage.getBoundingClientRect();
      this.set((moved.clientX - left) / width);
    };
    const end = () => {
      this.#held = false;
      this.#sweeping = false;
      this.element.removeEventListener("pointermove", move);
    };
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("lostpointercapture", end, { once: true });
  }
}
