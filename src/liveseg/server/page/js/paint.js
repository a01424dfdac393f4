/**
 * Masks as colours, drawn here and not by the service: another colour, opacity or choice of classes costs no request.
 *
 * On the screen a mask is drawn at the screen's size, however large the picture is. What is saved is drawn at the
 * picture's own size by `blend`, pixel for pixel as `liveseg.render.overlay.Painter` draws it.
 */

import { isDrawn } from "./labels.js";

/** @typedef {import("./labels.js").Labels} Labels */
/** @typedef {import("./wire.js").Layers} Layers */

/** The usual opacity of the colours, as on the command line. */
export const USUAL_ALPHA = 0.6;

/** What remains of the others' colours while one class is lit up. */
const DIMMED = 0.3;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * What each value of a mask looks like, as 256 pixels of RGBA; transparent where nothing is drawn.
 * @param {Labels} labels
 * @param {ReadonlySet<number>} off classes that are switched off
 * @param {number | null} [lit] the class that is lit up; null: none
 * @returns {Uint32Array}
 */
export function colorTable(labels, off, lit = null) {
  const table = new Uint32Array(256);
  const shows = lit !== null && isDrawn(labels, lit);
  labels.palette.forEach(([red, green, blue], index) => {
    if (!isDrawn(labels, index) || (off.has(index) && index !== lit)) return;
    const alpha = shows && index !== lit ? Math.round(255 * DIMMED) : 255;
    table[index] = pixel(red, green, blue, alpha);
  });
  return table;
}

/**
 * Draw a mask on a canvas, which gets the size that is asked for, or the mask's where that is smaller.
 *
 * Show the canvas scaled to its picture, with `opacity` for the strength of the colours.
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas
 * @param {Layers} layers
 * @param {Uint32Array} table from `colorTable`
 * @param {number} [width] of the place on the screen, in its own pixels
 * @param {number} [height]
 */
export function drawMask(
  canvas,
  { mask, width: maskWidth, height: maskHeight },
  table,
  width = maskWidth,
  height = maskHeight,
) {
  const [wide, tall] = [Math.min(width, maskWidth), Math.min(height, maskHeight)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== tall) canvas.height = tall;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(wide, tall);
  const pixels = new Uint32Array(image.data.buffer);
  if (wide === maskWidth && tall === maskHeight) {
    for (let place = 0; place < mask.length; place += 1) pixels[place] = table[mask[place]];
  } else {
    const columns = nearest(maskWidth, wide);
    const rows = nearest(maskHeight, tall);
    for (let y = 0, place = 0; y < tall; y += 1) {
      const start = rows[y] * maskWidth;
      for (let x = 0; x < wide; x += 1, place += 1) pixels[place] = table[mask[start + columns[x]]];
    }
  }
  context.putImageData(image, 0, 0);
}

/**
 * Tint a picture's pixels where a class is drawn: `(1 - alpha) * pixel + alpha * color`, in place.
 * @param {Uint8ClampedArray} pixels RGBA, as many as the mask has
 * @param {Uint8Array} mask class indices
 * @param {Labels} labels
 * @param {ReadonlySet<number>} off classes that are switched off
 * @param {number} alpha in [0, 1]
 */
export function blend(pixels, mask, labels, off, alpha) {
  // Fused, in single precision, ties to even: the order in which OpenCV does it.
  const [own, other] = [Math.fround(1 - alpha), Math.fround(alpha)];
  /** @type {(Uint8Array | undefined)[]} */
  const tables = labels.palette.map((color, index) => {
    if (!isDrawn(labels, index) || off.has(index)) return undefined;
    const table = new Uint8Array(768);
    for (let channel = 0; channel < 3; channel += 1) {
      const tint = Math.fround(color[channel] * other);
      for (let value = 0; value < 256; value += 1) {
        table[256 * channel + value] = toEven(Math.fround(value * own + tint));
      }
    }
    return table;
  });
  for (let place = 0, at = 0; place < mask.length; place += 1, at += 4) {
    const table = tables[mask[place]];
    if (table === undefined) continue;
    pixels[at] = table[pixels[at]];
    pixels[at + 1] = table[256 + pixels[at + 1]];
    pixels[at + 2] = table[512 + pixels[at + 2]];
  }
}

/**
 * The class at a place of the picture, and how sure the network is of it.
 * @param {Layers} layers
 * @param {number} x from the left, in [0, 1)
 * @param {number} y from the top, in [0, 1)
 * @returns {{ index: number, confidence: number | null }} in [0, 1]; null where it is not known
 */
export function classAt(layers, x, y) {
  const column = Math.min(layers.width - 1, Math.max(0, Math.floor(x * layers.width)));
  const row = Math.min(layers.height - 1, Math.max(0, Math.floor(y * layers.height)));
  return { index: layers.mask[row * layers.width + column], confidence: confidenceAt(layers, x, y) };
}

/**
 * The confidence at a place, bilinear between the samples.
 * @param {Layers} layers
 * @param {number} x from the left, in [0, 1]
 * @param {number} y from the top, in [0, 1]
 */
export function confidenceAt({ confidence, confidenceWidth: wide, confidenceHeight: tall }, x, y) {
  if (wide === 0 || tall === 0) return null;
  const [left, right, across] = between(x, wide);
  const [top, bottom, down] = between(y, tall);
  const upper = confidence[top * wide + left] * (1 - across) + confidence[top * wide + right] * across;
  const lower = confidence[bottom * wide + left] * (1 - across) + confidence[bottom * wide + right] * across;
  return (upper * (1 - down) + lower * down) / 255;
}

/**
 * The samples on both sides of a place, and how far it is from the first to the second.
 * @param {number} place in [0, 1]
 * @param {number} count
 * @returns {[number, number, number]}
 */
function between(place, count) {
  const at = Math.min(count - 1, Math.max(0, place * count - 0.5));
  const low = Math.floor(at);
  return [low, Math.min(low + 1, count - 1), at - low];
}

/**
 * For each of so many pixels the one of the source that lies at its middle.
 * @param {number} source
 * @param {number} target
 */
export function nearest(source, target) {
  return Uint32Array.from({ length: target }, (_, place) => Math.floor(((place + 0.5) * source) / target));
}

/** @param {number} value */
function toEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/**
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 * @param {number} alpha
 */
function pixel(red, green, blue, alpha) {
  return LITTLE_ENDIAN
    ? ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0
    : ((red << 24) | (green << 16) | (blue << 8) | alpha) >>> 0;
}
