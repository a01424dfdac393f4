/** From a file to a picture that can be shown and sent, whatever of the two the browser or the service cannot do. */

import { request } from "../api.js";
import { words } from "../strings.js";

/**
 * @typedef {object} Picture
 * @property {ImageBitmap} bitmap upright, at its full size
 * @property {Blob} body what the service gets
 * @property {string} name of the file, without its extension
 * @property {string} type of the file
 * @property {string | null} note what the reader should know of it
 */

/** Neither the browser nor the service can read it. */
export class UnreadableError extends Error {}

/** What the service takes, by the first bytes. @type {[string, RegExp][]} */
const TAKEN = [
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/png", /^\x89PNG/],
  ["image/webp", /^RIFF.{4}WEBP/s],
  ["image/gif", /^GIF8/],
  ["image/bmp", /^BM/],
];

/** What else there is, to call it by its name. @type {[string, RegExp][]} */
const OTHERS = [
  ["TIFF", /^(II\*\0|MM\0\*|II\+\0|MM\0\+)/],
  ["AVIF", /^.{4}ftypavi[fs]/s],
  ["HEIC", /^.{4}ftyp(hei|hev|mif1)/s],
  ["JPEG 2000", /^(.{4}jP {2}|\xff\x4f\xff\x51)/s],
  ["SVG", /^\s*<(\?xml|svg)/],
  ["PDF", /^%PDF/],
];

/**
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<Picture>}
 * @throws {UnreadableError}
 * @throws {import("../api.js").ServiceError}
 */
export async function readPicture(file, signal) {
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 32).arrayBuffer()));
  const taken = TAKEN.find(([, sign]) => sign.test(start))?.[0];
  const kind = OTHERS.find(([, sign]) => sign.test(start))?.[0] ?? words.image.unreadable.unknown;
  const name = file.name.replace(/\.[^.]*$/, "") || "picture";
  const bitmap = await shown(file);
  if (bitmap !== null && taken) return { bitmap, body: typed(file, taken), name, type: taken, note: null };
  const { converted, served, text } = words.image.unreadable;
  if (bitmap !== null) return { bitmap, body: await png(bitmap), name, type: "image/png", note: converted(kind) };
  if (!taken) throw new UnreadableError(text(kind));
  // Without any colour over it an overlay is the picture.
  const answer = await request("v1/segment", {
    method: "POST",
    body: typed(file, taken),
    query: { output: "overlay", alpha: 0 },
    headers: { accept: "image/png" },
    signal,
  });
  const seen = await shown(await answer.blob());
  if (seen === null) throw new UnreadableError(text(kind));
  return { bitmap: seen, body: typed(file, taken), name, type: taken, note: served };
}

/**
 * The file as a picture, turned as its EXIF data says; null where the browser cannot read it.
 * @param {Blob} file
 */
async function shown(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null; // the only news is that it cannot
  }
}

/** @param {File} file @param {string} type */
function typed(file, type) {
  return file.type === type ? file : new Blob([file], { type });
}

/** @param {ImageBitmap} bitmap */
async function png(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(bitmap, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
