/** The classes of a model: how they are called, and in which colours they are drawn. */

import { words } from "./strings.js";

/** @typedef {[number, number, number]} Rgb each 0 to 255 */

/**
 * @typedef {object} Labels
 * @property {string[]} names one a class, as the model has them
 * @property {Rgb[]} palette one a class
 * @property {boolean} background whether class 0 is the background, which is never drawn
 */

/** @type {Record<string, string | undefined>} */
const SPOKEN = words.classes;

/**
 * The labels as the service tells them, for a model and for a live line.
 *
 * @param {string[]} names
 * @param {number[][]} palette
 * @param {boolean} [background]
 * @returns {Labels}
 */
export function labelsOf(names, palette, background = names[0] === "background") {
  return { names, palette: palette.map(([red, green, blue]) => [red, green, blue]), background };
}

/**
 * How a class is called on the page.
 * @param {Labels} labels
 * @param {number} index
 */
export function nameOf(labels, index) {
  const name = labels.names[index];
  if (name === undefined) return words.legend.noClass;
  return SPOKEN[name] ?? name.replaceAll("_", " ");
}

/**
 * The same classes in other colours.
 * @param {Labels} labels
 * @param {number[][]} palette
 * @returns {Labels}
 */
export function withPalette(labels, palette) {
  return labelsOf(labels.names, palette, labels.background);
}

/**
 * Whether a class is one that is drawn and can be switched.
 * @param {Labels} labels
 * @param {number} index
 */
export function isDrawn(labels, index) {
  return index < labels.names.length && !(labels.background && index === 0);
}

/** @param {Rgb | undefined} color */
export function cssColor(color) {
  const [red, green, blue] = color ?? [128, 128, 128];
  return `rgb(${red} ${green} ${blue})`;
}
