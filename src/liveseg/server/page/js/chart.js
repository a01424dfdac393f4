/** Areas over time: a chart under a player, whose playhead follows the player and which seeks where it is clicked. */

import { el, fill } from "./dom.js";
import { bucket, clockTime, frameAt, ranking, roof, stack, timeMarks } from "./series.js";
import { percent, words } from "./strings.js";

/** @typedef {import("./series.js").Areas} Areas */
/** @typedef {import("./series.js").Band} Band */
/** @typedef {"stack" | "lines"} Kind */

/**
 * @typedef {object} Host what the chart asks of the page around it
 * @property {(index: number) => string} name of a class
 * @property {(index: number) => string} color of a class, in CSS
 * @property {(index: number) => boolean} shown whether a class is switched on
 * @property {(seconds: number) => void} seek
 * @property {() => void} toggle play or pause
 */

const SVG = "http://www.w3.org/2000/svg";

/** The height that paths are drawn in; the picture is stretched to the element's. */
const HEIGHT = 100;

/** One column of the drawing for so many CSS pixels, and at most so many in all. */
const PIXELS_EACH = 2;
const MOST_COLUMNS = 600;

/** So many classes are named under the pointer and to a screen reader. */
const NAMED = 4;

/** Room for a mark on the axis of time, in CSS pixels. */
const MARK_PIXELS = 72;

export class Chart {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** @type {Areas} */
    this.areas = { times: [], classes: [] };
    this.duration = 0;
    this.until = 0;
    this.time = 0;
    /** @type {Kind} */
    this.kind = "stack";
    /** @type {number | null} the class that the pointer lights up */
    this.lit = null;
    this.columns = 0;
    this.scaleY = el("div", { class: "chart-scale-y", "aria-hidden": "true" });
    this.scaleX = el("div", { class: "chart-scale-x", "aria-hidden": "true" });
    this.picture = document.createElementNS(SVG, "svg");
    this.picture.setAttribute("preserveAspectRatio", "none");
    this.picture.setAttribute("aria-hidden", "true");
    this.bands = document.createElementNS(SVG, "g");
    this.picture.append(this.bands);
    this.playhead = el("div", { class: "chart-playhead" });
    this.pointer = el("div", { class: "chart-pointer", hidden: true });
    this.tip = el("div", { class: "chart-tip", hidden: true });
    this.plot = el(
      "div",
      {
        class: "chart-plot",
        tabindex: 0,
        role: "slider",
        "aria-label": words.video.chart.label,
        "aria-valuemin": 0,
        "aria-valuemax": 0,
        "aria-valuenow": 0,
      },
      el("div", { class: "chart-clip" }, this.picture),
      this.pointer,
      this.playhead,
      this.tip,
    );
    this.empty = el("p", { class: "chart-empty muted", hidden: true, text: words.video.chart.empty });
    this.element = el("div", { class: "chart" }, this.scaleY, this.plot, this.scaleX, this.empty);
    this.#listen();
    new ResizeObserver(() => {
      if (this.plot.clientWidth > 0) this.draw();
    }).observe(this.plot);
  }

  /**
   * @param {Areas} areas
   * @param {number} duration in seconds
   * @param {number} until seconds from the begin that are known; more than that is still being made
   */
  setAreas(areas, duration, until) {
    this.areas = areas;
    this.duration = duration;
    this.until = until;
    this.plot.setAttribute("aria-valuemax", String(Math.round(duration * 10) / 10));
    this.draw();
    this.moveTo(Math.min(this.time, duration), true);
  }

  /** @param {Kind} kind */
  setKind(kind) {
    this.kind = kind;
    this.draw();
  }

  /** @param {number | null} index of the class to light up */
  light(index) {
    this.lit = index;
    for (const path of this.bands.children) {
      path.classList.toggle("dim", index !== null && path.getAttribute("data-class") !== String(index));
    }
  }

  /**
   * Put the playhead somewhere.
   *
   * @param {number} seconds
   * @param {boolean} tell a screen reader, too: not while the video plays, or it would talk all the time
   */
  moveTo(seconds, tell) {
    this.time = seconds;
    const share = this.duration > 0 ? Math.min(1, seconds / this.duration) : 0;
    this.playhead.style.insetInlineStart = `${100 * share}%`;
    if (!tell) return;
    this.plot.setAttribute("aria-valuenow", String(Math.round(seconds * 10) / 10));
    this.plot.setAttribute(
      "aria-valuetext",
      words.video.chart.at(clockTime(seconds), clockTime(this.duration), this.#say(seconds)),
    );
  }

  /** Draw again: other classes are switched on, or other colours. */
  draw() {
    this.columns = Math.max(2, Math.min(MOST_COLUMNS, Math.floor(this.plot.clientWidth / PIXELS_EACH)));
    const order = ranking(this.areas).map(({ index }) => index);
    const shown = bucket(this.areas, this.columns, this.duration, this.until)
      .filter(({ index }) => this.host.shown(index))
      .sort((a, b) => order.indexOf(a.index) - order.indexOf(b.index));
    const bands =
      this.kind === "stack" ? stack(shown) : shown.map(({ index, share }) => ({ index, low: [], high: share }));
    const top = roof(bands);
    this.picture.setAttribute("viewBox", `0 0 ${this.columns - 1} ${HEIGHT}`);
    this.bands.replaceChildren(...bands.map((band) => this.#path(band, top)));
    this.light(this.lit);
    this.#scale(top);
    this.empty.hidden = bands.length > 0;
  }

  #listen() {
    this.plot.addEventListener("keydown", (event) => this.#key(event));
    this.plot.addEventListener("focus", () => this.moveTo(this.time, true));
    this.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.plot.setPointerCapture(event.pointerId);
      this.#seek(this.#timeAt(event));
    });
    this.plot.addEventListener("pointermove", (event) => {
      this.#point(event);
      if (this.plot.hasPointerCapture(event.pointerId)) this.#seek(this.#timeAt(event));
    });
    for (const leave of ["pointerleave", "pointercancel"]) {
      this.plot.addEventListener(leave, () => {
        this.pointer.hidden = this.tip.hidden = true;
      });
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = event.shiftKey ? 10 : 1;
    const tenth = this.duration / 10;
    /** @type {Record<string, number>} */
    const places = {
      ArrowLeft: this.time - step,
      ArrowDown: this.time - step,
      ArrowRight: this.time + step,
      ArrowUp: this.time + step,
      PageDown: this.time - tenth,
      PageUp: this.time + tenth,
      Home: 0,
      End: this.duration,
    };
    if (event.key in places) this.#seek(places[event.key]);
    else if (event.key === " ") this.host.toggle();
    else return;
    event.preventDefault();
  }

  /** @param {number} seconds */
  #seek(seconds) {
    const place = Math.min(this.duration, Math.max(0, seconds));
    this.host.seek(place);
    this.moveTo(place, true);
  }

  /** @param {PointerEvent} event */
  #timeAt(event) {
    const box = this.plot.getBoundingClientRect();
    return this.duration * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (this.areas.times.length === 0 || event.pointerType === "touch") return;
    const seconds = this.#timeAt(event);
    const share = this.duration > 0 ? seconds / this.duration : 0;
    this.pointer.hidden = this.tip.hidden = false;
    this.pointer.style.insetInlineStart = `${100 * share}%`;
    this.tip.style.insetInlineStart = `${100 * share}%`;
    this.tip.classList.toggle("left", share > 0.6);
    const rows = this.#present(seconds).map(({ index, share: value }) =>
      el(
        "span",
        { class: "chart-tip-row" },
        el("span", { class: "swatch", style: { "--color": this.host.color(index) } }),
        el("span", { text: this.host.name(index) }),
        el("span", { class: "number", text: percent(value) }),
      ),
    );
    fill(this.tip, el("strong", { class: "number", text: clockTime(seconds) }), ...rows);
  }

  /**
   * The classes that are switched on and there at a time, the largest first.
   * @param {number} seconds
   */
  #present(seconds) {
    if (seconds > this.until) return [];
    const frame = frameAt(this.areas.times, seconds);
    return this.areas.classes
      .map(({ index, share }) => ({ index, share: share[frame] ?? 0 }))
      .filter(({ index, share }) => share > 0 && this.host.shown(index))
      .sort((a, b) => b.share - a.share)
      .slice(0, NAMED);
  }

  /** @param {number} seconds */
  #say(seconds) {
    return this.#present(seconds).map(({ index, share }) => `${this.host.name(index)} ${percent(share)}`);
  }

  /**
   * @param {Band} band
   * @param {number} top the share at the upper edge
   */
  #path({ index, low, high }, top) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("data-class", String(index));
    const over = high.map((value, x) => `${x} ${round(HEIGHT - (HEIGHT * value) / top)}`).join("L");
    if (this.kind === "lines") {
      path.setAttribute("class", "chart-line");
      path.setAttribute("d", `M${over}`);
      path.setAttribute("stroke", this.host.color(index));
    } else {
      const under = low.map((value, x) => `${x} ${round(HEIGHT - (HEIGHT * value) / top)}`).reverse();
      path.setAttribute("class", "chart-band");
      path.setAttribute("d", `M${over}L${under.join("L")}Z`);
      path.setAttribute("fill", this.host.color(index));
    }
    return path;
  }

  /** @param {number} top */
  #scale(top) {
    const marks = [1, 0.5, 0].map((share) =>
      el("span", {
        class: "chart-mark",
        style: { "inset-block-start": `${100 * (1 - share)}%` },
        text: percent(share * top),
      }),
    );
    fill(this.scaleY, ...marks);
    const most = Math.max(2, Math.floor(this.plot.clientWidth / MARK_PIXELS));
    const times = timeMarks(this.duration, most).map((seconds) => {
      const place = this.duration > 0 ? (100 * seconds) / this.duration : 0;
      const classes = place > 97 ? "chart-mark last" : "chart-mark";
      return el("span", { class: classes, style: { "inset-inline-start": `${place}%` }, text: clockTime(seconds) });
    });
    fill(this.scaleX, ...times);
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
