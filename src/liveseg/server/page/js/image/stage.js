/** The picture on the screen: source and result under the slider, and what the pointer is on. */

import { add, el, fill } from "../dom.js";
import { cssColor, isDrawn, nameOf } from "../labels.js";
import { classAt, colorTable, drawMask } from "../paint.js";
import { percent, words } from "../strings.js";
import { Wipe } from "../wipe.js";
import { Looks } from "./looks.js";

/** @typedef {import("../labels.js").Labels} Labels */
/** @typedef {import("../wire.js").Layers} Layers */

/** More pixels than that nobody sees. */
const MOST_DENSE = 2;
/** Where the slider rests when a result has come. */
const REST = 0.5;
const PROBE_STEP = 0.02;
/** How long what a finger asked for is seen, in ms. */
const LINGERS = 2500;

export class Stage {
  /** @param {{ onProbe: (index: number | null) => void }} to which class the pointer is on */
  constructor({ onProbe }) {
    this.onProbe = onProbe;
    this.source = el("canvas", { class: "source" });
    this.result = el("canvas", { class: "result" });
    this.after = el("div", { class: "layer wiped", hidden: true }, this.result);
    this.tooltip = el("div", { class: "tooltip", hidden: true });
    this.point = el("span", { class: "probe-point", hidden: true });
    this.probe = el("div", { class: "probe", tabindex: 0, role: "group", "aria-label": words.image.probe.label });
    this.spoken = el("p", { class: "visually-hidden", role: "status" });
    this.element = el(
      "div",
      { class: "stage" },
      this.source,
      this.after,
      this.probe,
      this.point,
      this.tooltip,
      this.spoken,
    );
    this.wipe = new Wipe(this.element);
    this.wipe.element.hidden = true;
    add(this.element, this.wipe.element);
    /** @type {ImageBitmap | null} */
    this.bitmap = null;
    /** @type {{ layers: Layers, labels: Labels } | null} */
    this.found = null;
    /** @type {import("./looks.js").Style & { lit: number | null }} */
    this.style = { view: "overlay", alpha: 0.6, blur: 4, off: [], lit: null };
    /** @type {Looks | null} at the size of the screen */
    this.looks = null;
    this.drawing = 0;
    this.leaving = 0;
    this.#listen();
    new ResizeObserver(() => this.#resized()).observe(this.element);
  }

  /** Show a picture that has no result yet. @param {ImageBitmap} bitmap */
  setPicture(bitmap) {
    this.bitmap = bitmap;
    this.found = null;
    this.looks = null;
    const { width, height } = bitmap;
    this.element.style.setProperty("--ratio", String(width / height));
    this.element.style.setProperty("--natural", `${width}px`);
    this.after.hidden = true;
    this.wipe.element.hidden = true;
    this.#hideTooltip();
    this.#drawSource();
  }

  /** @param {Layers} layers @param {Labels} labels */
  setResult(layers, labels) {
    this.found = { layers, labels };
    this.looks = null;
    this.after.hidden = false;
    this.wipe.element.hidden = false;
    this.#draw();
    this.wipe.sweep(REST);
  }

  /** Other colours for the same result. @param {Labels} labels */
  setLabels(labels) {
    if (this.found === null) return;
    this.found.labels = labels;
    if (this.looks !== null) this.looks.labels = labels;
    this.#soon();
  }

  /** @param {Partial<import("./looks.js").Style & { lit: number | null }>} style */
  restyle(style) {
    const before = this.style;
    this.style = { ...before, ...style };
    // The opacity alone is the screen's own work.
    this.result.style.opacity = this.style.view === "overlay" ? String(this.style.alpha) : "1";
    if (Object.keys(style).some((key) => key !== "alpha")) this.#soon();
  }

  /** Whether the picture waits for its result. @param {boolean} is */
  busy(is) {
    this.element.toggleAttribute("data-busy", is);
  }

  /** What the canvases should measure: the place on the screen, and never more than the picture. */
  #size() {
    const { width, height } = this.bitmap ?? { width: 1, height: 1 };
    const dense = Math.min(MOST_DENSE, window.devicePixelRatio || 1);
    const share = Math.min(1, (this.element.clientWidth * dense) / width || 1);
    return { width: Math.max(1, Math.round(width * share)), height: Math.max(1, Math.round(height * share)) };
  }

  #resized() {
    if (this.bitmap === null || this.element.clientWidth === 0) return;
    if (this.style.view === "overlay") this.#soften();
    const { width, height } = this.#size();
    if (width === this.source.width && height === this.source.height) return;
    this.#drawSource();
    this.looks = null;
    this.#soon();
  }

  #drawSource() {
    if (this.bitmap === null) return;
    const { width, height } = this.#size();
    Object.assign(this.source, { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (
      this.source.getContext("2d", { willReadFrequently: true })
    );
    context.imageSmoothingQuality = "high";
    // As the service reads it: what is transparent lies on white.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(this.bitmap, 0, 0, width, height);
  }

  #soon() {
    if (this.drawing !== 0 || this.found === null) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.#draw();
    });
  }

  #draw() {
    if (this.found === null) return;
    const { layers, labels } = this.found;
    const { view, off, lit } = this.style;
    const { width, height } = this.source;
    this.after.classList.toggle("checkered", view === "cutout");
    this.result.style.opacity = view === "overlay" ? String(this.style.alpha) : "1";
    if (view === "overlay") {
      this.#soften();
      drawMask(this.result, layers, colorTable(labels, new Set(off), lit), width, height);
      return;
    }
    this.result.style.filter = "none";
    const context = /** @type {CanvasRenderingContext2D} */ (this.source.getContext("2d"));
    this.looks ??= new Looks(context.getImageData(0, 0, width, height), layers, labels);
    Object.assign(this.result, { width, height });
    const drawn = new ImageData(this.looks.draw(this.style), width, height);
    /** @type {CanvasRenderingContext2D} */ (this.result.getContext("2d")).putImageData(drawn, 0, 0);
  }

  /** A mask that is enlarged has steps, which are taken off its borders; inside, one colour stays as it is. */
  #soften() {
    const scale = this.element.clientWidth / (this.found?.layers.width ?? 1);
    this.result.style.filter = scale > 1.1 ? `blur(${(0.45 * scale).toFixed(2)}px)` : "none";
  }

  #listen() {
    const { element, probe } = this;
    const point = (/** @type {PointerEvent} */ event) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      window.clearTimeout(this.leaving);
      this.#tell((event.clientX - left) / width, (event.clientY - top) / height);
    };
    element.addEventListener("pointermove", point);
    element.addEventListener("pointerdown", point);
    element.addEventListener("pointerleave", ({ pointerType }) => {
      // A finger leaves as soon as it has pointed.
      this.leaving = window.setTimeout(() => this.#hideTooltip(), pointerType === "mouse" ? 0 : LINGERS);
    });
    let [x, y] = [0.5, 0.5];
    const tell = () => {
      this.point.hidden = this.found === null;
      this.point.style.setProperty("left", `${100 * x}%`);
      this.point.style.setProperty("top", `${100 * y}%`);
      this.#tell(x, y);
      this.spoken.textContent = [...this.tooltip.children]
        .map((part) => part.textContent)
        .filter(Boolean)
        .join(", ");
    };
    probe.addEventListener("focus", () => probe.matches(":focus-visible") && tell());
    probe.addEventListener("blur", () => this.#hideTooltip());
    probe.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 5 * PROBE_STEP : PROBE_STEP;
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [
        0, 0,
      ];
      if (dx === 0 && dy === 0) return;
      event.preventDefault();
      [x, y] = [x + dx * step, y + dy * step].map((value) => Math.min(0.999, Math.max(0, value)));
      tell();
    });
  }

  /** @param {number} x in [0, 1] @param {number} y in [0, 1] */
  #tell(x, y) {
    if (this.found === null) return;
    const { layers, labels } = this.found;
    const { index, confidence } = classAt(layers, x, y);
    const { off, sure } = words.image.probe;
    fill(
      this.tooltip,
      el("span", {
        class: isDrawn(labels, index) ? "swatch" : "swatch hollow",
        style: { "--color": cssColor(labels.palette[index]) },
      }),
      el("span", { class: "tooltip-name", text: nameOf(labels, index) }),
      confidence === null ? null : el("span", { class: "tooltip-sure", text: sure(percent(confidence)) }),
      this.style.off.includes(index) ? el("span", { class: "tooltip-sure", text: off }) : null,
    );
    this.tooltip.hidden = false;
    const { clientWidth: width, clientHeight: height } = this.element;
    const { offsetWidth: wide, offsetHeight: tall } = this.tooltip;
    const left = Math.min(Math.max(4, x * width + 14), width - wide - 4);
    const above = y * height - tall - 12;
    this.tooltip.style.setProperty("left", `${left}px`);
    this.tooltip.style.setProperty("top", `${above < 4 ? y * height + 18 : above}px`);
    this.onProbe(index);
  }

  #hideTooltip() {
    this.tooltip.hidden = true;
    this.point.hidden = true;
    this.onProbe(null);
  }
}
