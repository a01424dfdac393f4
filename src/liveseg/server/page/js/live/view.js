/** What is seen of a live line: each mask over the very frame it belongs to, never over a newer one. */

import { isDrawn } from "../labels.js";
import { USUAL_BLUR } from "../look.js";
import { colorTable, drawMask, USUAL_ALPHA } from "../paint.js";

/** @typedef {import("../labels.js").Labels} Labels */
/** @typedef {import("../wire.js").Layers} Layers */
/** @typedef {"overlay" | "cutout" | "blur" | "replace"} Effect */

/**
 * @typedef {object} Shown
 * @property {ImageBitmap} picture
 * @property {Layers} layers
 */

/** The background is blurred on a copy this much smaller, which is as soft and much faster. */
const SMALLER = 4;

export class View {
  /** @param {HTMLCanvasElement} canvas gets the size of the camera's pictures */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Effect} */
    this.effect = "overlay";
    this.alpha = USUAL_ALPHA;
    /** Standard deviation of the background's blur, in percent of the shorter side. */
    this.blur = USUAL_BLUR;
    /** @type {Labels} */
    this.labels = { names: [], palette: [], background: true };
    /** @type {ReadonlySet<number>} */
    this.off = new Set();
    /** @type {number | null} */
    this.lit = null;
    this.mirrored = false;
    /** What stands behind in the place of the background: a colour of CSS or a picture. @type {string | ImageBitmap} */
    this.backdrop = "#1d8348";
    /** @type {Shown | null} */
    this.shown = null;
    this.mask = document.createElement("canvas");
    this.soft = document.createElement("canvas");
  }

  /**
   * Show a frame with what was found in it; the picture is the view's from now on.
   * @param {ImageBitmap} picture
   * @param {Layers} layers
   */
  show(picture, layers) {
    this.shown?.picture.close();
    this.shown = { picture, layers };
    this.draw();
  }

  /** Draw the newest frame again, as after a change of the look; the network has no part in it. */
  draw() {
    if (this.shown === null) return;
    const { picture, layers } = this.shown;
    const { width, height } = picture;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    if (context === null) return;
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, width, height);
    if (this.effect === "overlay") {
      context.drawImage(picture, 0, 0);
      this.#tint(context, layers);
      return;
    }
    // The mask first, then the picture where the mask is, then what stands behind it.
    drawMask(this.mask, layers, foregroundTable(this.labels, this.off));
    context.drawImage(this.mask, 0, 0, width, height);
    context.globalCompositeOperation = "source-in";
    context.drawImage(picture, 0, 0);
    context.globalCompositeOperation = "destination-over";
    if (this.effect === "blur") this.#blurred(context, picture);
    else if (this.effect === "replace") this.#behind(context);
    context.globalCompositeOperation = "source-over";
  }

  /**
   * The view as it is seen, mirrored where it is, as a PNG.
   * @returns {Promise<Blob | null>} null: there is nothing yet
   */
  async snapshot() {
    if (this.shown === null) return null;
    const { width, height } = this.canvas;
    const copy = Object.assign(document.createElement("canvas"), { width, height });
    const context = copy.getContext("2d");
    if (this.mirrored) context?.setTransform(-1, 0, 0, 1, width, 0);
    context?.drawImage(this.canvas, 0, 0);
    return new Promise((resolve) => copy.toBlob(resolve, "image/png"));
  }

  /** Forget the frame, and show nothing. */
  clear() {
    this.shown?.picture.close();
    this.shown = null;
    this.canvas.getContext("2d")?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Layers} layers
   */
  #tint(context, layers) {
    drawMask(this.mask, layers, colorTable(this.labels, this.off, this.lit));
    context.globalAlpha = this.alpha;
    context.drawImage(this.mask, 0, 0, this.canvas.width, this.canvas.height);
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {ImageBitmap} picture
   */
  #blurred(context, picture) {
    const sigma = (this.blur / 100) * Math.min(picture.width, picture.height);
    const supported = "filter" in context;
    // Without filters a picture that is made very small and large again is soft, too.
    const smaller = supported ? SMALLER : Math.max(2, 2 * sigma);
    const [width, height] = [Math.ceil(picture.width / smaller), Math.ceil(picture.height / smaller)];
    if (this.soft.width !== width || this.soft.height !== height) Object.assign(this.soft, { width, height });
    const small = this.soft.getContext("2d");
    if (small === null) return;
    small.imageSmoothingQuality = "high";
    if (supported) small.filter = `blur(${(sigma / SMALLER).toFixed(2)}px)`;
    // A blur takes in what lies beyond the edge, which is nothing: the copy reaches a little over it.
    const over = supported ? Math.ceil((2 * sigma) / SMALLER) : 0;
    small.drawImage(picture, -over, -over, width + 2 * over, height + 2 * over);
    context.drawImage(this.soft, 0, 0, picture.width, picture.height);
  }

  /** @param {CanvasRenderingContext2D} context */
  #behind(context) {
    const { width, height } = this.canvas;
    if (typeof this.backdrop === "string") {
      context.fillStyle = this.backdrop;
      context.fillRect(0, 0, width, height);
      return;
    }
    // As large as it must be to leave nothing open, its middle in the middle; words in it are not to be mirrored.
    const scale = Math.max(width / this.backdrop.width, height / this.backdrop.height);
    const [wide, tall] = [this.backdrop.width * scale, this.backdrop.height * scale];
    context.save();
    if (this.mirrored) context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(this.backdrop, (width - wide) / 2, (height - tall) / 2, wide, tall);
    context.restore();
  }
}

/**
 * What stays of a picture: each class that is drawn and switched on, opaque.
 * @param {Labels} labels
 * @param {ReadonlySet<number>} off
 */
function foregroundTable(labels, off) {
  const table = new Uint32Array(256);
  for (let index = 0; index < labels.names.length; index += 1) {
    if (isDrawn(labels, index) && !off.has(index)) table[index] = 0xffffffff;
  }
  return table;
}
