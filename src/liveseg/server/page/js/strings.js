/** All words of the page, in one place: another language is another set of these files. */

import { image } from "./strings/image.js";
import { live } from "./strings/live.js";
import { shell } from "./strings/shell.js";
import { streams } from "./strings/streams.js";
import { video } from "./strings/video.js";

export const words = { ...shell, image, video, live, streams };

/**
 * A number as this language writes it.
 * @param {number} value
 * @param {number} [digits] after the point
 */
export function number(value, digits = 0) {
  return value.toLocaleString(LANGUAGE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/**
 * A share as a percentage, as exact as it is of use: 43 %, 4.3 %, less than 0.1 %.
 * @param {number} share in [0, 1]
 */
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return `< ${number(0.1, 1)} %`;
  return `${number(value, value < 9.95 && value > 0 ? 1 : 0)} %`;
}

/**
 * A size in bytes, as people say it.
 * @param {number} bytes
 */
export function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const step = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${number(value, step > 0 && value < 9.95 ? 1 : 0)} ${units[step]}`;
}

const LANGUAGE = "en";
