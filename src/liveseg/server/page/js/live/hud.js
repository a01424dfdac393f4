/** The numbers on a live view: how many frames a second, and how old they are. Silent to screen readers: they change all the time. */

import { el } from "../dom.js";
import { number, words } from "../strings.js";

/** @typedef {import("./meter.js").Reading} Reading */

/** The numbers are written so many ms apart, which is as often as they can be read. */
const BETWEEN = 500;

export class Hud {
  /** @param {() => Reading} read */
  constructor(read) {
    const { meter } = words.live;
    this.read = read;
    this.rate = el("span", { class: "hud-number" });
    this.age = el("span", { class: "hud-number" });
    /** What lies on the picture. */
    this.element = el("div", { class: "hud number", hidden: true, "aria-hidden": "true" }, this.rate, this.age);
    this.cells = { rate: cell(), age: cell(), worked: cell(), waited: cell(), dropped: cell() };
    /** The same and more, as a list. */
    this.list = el(
      "dl",
      { class: "live-facts", "aria-label": meter.label },
      ...Object.entries(this.cells).map(([name, value]) =>
        el("div", {}, el("dt", { text: meter[/** @type {keyof typeof this.cells} */ (name)] }), value),
      ),
    );
    this.timer = 0;
  }

  start() {
    this.stop();
    this.element.hidden = false;
    this.timer = window.setInterval(() => this.tell(), BETWEEN);
    this.tell();
  }

  stop() {
    window.clearInterval(this.timer);
    this.element.hidden = true;
  }

  tell() {
    const { rate, age, worked, waited, dropped } = this.read();
    const { meter } = words.live;
    const ms = (/** @type {number | null} */ value) => (value === null ? meter.none : meter.ms(number(value)));
    this.rate.textContent = rate === null ? "" : meter.perSecond(number(rate, rate < 10 ? 1 : 0));
    this.age.textContent = age === null ? "" : meter.old(number(age));
    this.rate.hidden = rate === null;
    this.age.hidden = age === null;
    this.cells.rate.textContent = rate === null ? meter.none : number(rate, 1);
    this.cells.age.textContent = ms(age);
    this.cells.worked.textContent = ms(worked);
    this.cells.waited.textContent = ms(waited);
    this.cells.dropped.textContent = number(dropped);
  }
}

function cell() {
  return el("dd", { class: "number" });
}
