/** What is made of a picture and its mask: the colours over it, the cut-out, the background out of focus. */

import { isDrawn } from "../labels.js";
import { Matte } from "../matte.js";
import { blend, nearest } from "../paint.js";
import { AROUND, each, enlarging, extreme, gaussianBlurred, reduced } from "../planes.js";

/** @typedef {import("../labels.js").Labels} Labels */
/** @typedef {import("../wire.js").Layers} Layers */
/** @typedef {import("../matte.js").Pixels} Pixels */

/** @typedef {"overlay" | "cutout" | "blur"} View */

/**
 * @typedef {object} Style
 * @property {View} view
 * @property {number} alpha opacity of the colours, in [0, 1]
 * @property {number} blur standard deviation, in percent of the shorter side
 * @property {number[]} off classes that are switched off
 */

/** Pixels of the reduced picture in a blur's standard deviation: fewer would show as facets. */
const BLUR_STEPS = 4;

/** A picture of one size with its mask, in any style; what does not change is worked out once. */
export class Looks {
  /**
   * @param {Pixels} picture
   * @param {Layers} layers
   * @param {Labels} labels
   */
  constructor(picture, layers, labels) {
    this.picture = picture;
    this.layers = layers;
    this.labels = labels;
    this.mask = sampled(layers, picture.width, picture.height);
    /** @type {Matte | null} */
    this.matte = null;
    /** @type {{ off: string, alpha: Uint8Array, front: Uint8ClampedArray } | null} */
    this.front = null;
  }

  /**
   * @param {Style} style
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
   */
  draw({ view, alpha, blur, off }) {
    if (view === "overlay") {
      const pixels = new Uint8ClampedArray(this.picture.data);
      blend(pixels, this.mask, this.labels, new Set(off), alpha);
      return pixels;
    }
    const { front, alpha: share } = this.#foreground(off);
    return view === "cutout" ? cutout(front, share) : blurred(this.picture, front, share, blur);
  }

  /** @param {number[]} off */
  #foreground(off) {
    const key = off.join();
    if (this.front?.off === key) return this.front;
    const kept = Uint8Array.from({ length: 256 }, (_, index) =>
      isDrawn(this.labels, index) && !off.includes(index) ? 255 : 0,
    );
    const hard = this.mask.map((index) => kept[index]);
    const { confidenceWidth: columns, confidenceHeight: rows } = this.layers;
    this.matte ??= new Matte(this.picture, rows > 0 ? { rows, columns } : usualGrid(this.picture));
    // With nothing in it, or nothing but it, there is no border.
    const plain = hard.every((value) => value === hard[0]);
    const alpha = plain ? hard : this.matte.alpha(hard);
    const front = plain ? new Uint8ClampedArray(this.picture.data) : this.matte.ownColors(alpha);
    this.front = { off: key, alpha, front };
    return this.front;
  }
}

/**
 * @param {Uint8ClampedArray} front
 * @param {Uint8Array} alpha
 */
function cutout(front, alpha) {
  const pixels = new Uint8ClampedArray(front);
  for (let at = 0; at < alpha.length; at += 1) pixels[4 * at + 3] = alpha[at];
  return pixels;
}

/**
 * The foreground before its own background out of focus, of which only what is background is averaged.
 * @param {Pixels} picture
 * @param {Uint8ClampedArray} front
 * @param {Uint8Array} alpha
 * @param {number} strength
 */
function blurred({ width, height, data }, front, alpha, strength) {
  const whole = (Math.min(width, height) * strength) / 100;
  const step = Math.max(Math.round(whole / BLUR_STEPS), 1);
  const sigma = whole / step;
  const share = reduced(alpha, width, height, step);
  const weight = extreme(
    each((value) => (1 - value) ** 4, share),
    AROUND,
    Math.min,
  );
  const total = gaussianBlurred(weight, sigma);
  const behind = [0, 1, 2].map((channel) => {
    const color = reduced(data, width, height, step, 4, channel);
    const sum = gaussianBlurred(
      each((value, own) => value * own, color, weight),
      sigma,
    );
    return each((value, own, all) => (255 * (value + 1e-4 * own)) / (all + 1e-4), sum, color, total).data;
  });
  const columns = enlarging(share.width, step, width);
  const rows = enlarging(share.height, step, height);
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const [upper, lower, down] = [rows.low[y] * share.width, rows.high[y] * share.width, rows.weight[y]];
    for (let x = 0; x < width; x += 1, at += 4) {
      const [left, right, across] = [columns.low[x], columns.high[x], columns.weight[x]];
      const opacity = alpha[at >> 2] / 255;
      for (let channel = 0; channel < 3; channel += 1) {
        const values = behind[channel];
        const above = values[upper + left] + across * (values[upper + right] - values[upper + left]);
        const below = values[lower + left] + across * (values[lower + right] - values[lower + left]);
        pixels[at + channel] = opacity * front[at + channel] + (1 - opacity) * (above + down * (below - above));
      }
      pixels[at + 3] = 255;
    }
  }
  return pixels;
}

/**
 * The mask at a picture's size.
 * @param {Layers} layers
 * @param {number} width
 * @param {number} height
 */
function sampled({ mask, width: maskWidth, height: maskHeight }, width, height) {
  if (maskWidth === width && maskHeight === height) return mask;
  const [columns, rows] = [nearest(maskWidth, width), nearest(maskHeight, height)];
  const made = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const start = rows[y] * maskWidth;
    for (let x = 0; x < width; x += 1, at += 1) made[at] = mask[start + columns[x]];
  }
  return made;
}

/** @param {Pixels} picture */
function usualGrid({ width, height }) {
  const cell = Math.min(width, height) / 36;
  return { rows: height / cell, columns: width / cell };
}
