/** A result at the picture's own size, as a file. */

import { Looks } from "./looks.js";

/**
 * @typedef {object} Task
 * @property {ImageBitmap} bitmap
 * @property {import("../wire.js").Layers} layers
 * @property {import("../labels.js").Labels} labels
 * @property {import("./looks.js").Style} style
 * @property {string} type of the file: `image/png` or `image/jpeg`
 */

const QUALITY = 0.95;

/**
 * @param {Task} task
 * @returns {Promise<Blob>}
 */
export async function drawnFile({ bitmap, layers, labels, style, type }) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const looks = new Looks(context.getImageData(0, 0, width, height), layers, labels);
  context.putImageData(new ImageData(looks.draw(style), width, height), 0, 0);
  return canvas.convertToBlob({ type, quality: QUALITY });
}

let count = 0;
/** @type {Worker | null} */
let worker = null;

/**
 * The same, drawn by a worker.
 * @param {Task} task
 * @returns {Promise<Blob>}
 */
export function drawnElsewhere(task) {
  worker ??= new Worker(new URL("./draw-worker.js", import.meta.url), { type: "module" });
  const own = worker;
  count += 1;
  const number = count;
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    own.addEventListener(
      "message",
      ({ data }) => {
        if (data.number !== number) return;
        over.abort();
        if (data.file) resolve(data.file);
        else reject(new Error(data.problem));
      },
      { signal: over.signal },
    );
    own.addEventListener(
      "error",
      (event) => {
        over.abort();
        worker = null;
        reject(new Error(event.message));
      },
      { signal: over.signal },
    );
    own.postMessage({ number, task });
  });
}
