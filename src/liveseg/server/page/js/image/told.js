/** What is said of a result, beside what is drawn of it. */

import { areasOf } from "../bars.js";
import { isDrawn, nameOf } from "../labels.js";
import { labelsIn } from "../models.js";
import { number, words } from "../strings.js";

/**
 * @typedef {object} Result
 * @property {import("./picture.js").Picture} picture
 * @property {import("../wire.js").Layers} layers
 * @property {import("../models.js").Model} model that found them
 * @property {import("./ask.js").Choice} choice by which it was asked
 */

/** @typedef {{ index: number, share: number }} Area */

/** More than this between the proportions of a picture and its mask is no rounding. */
const ODD = 0.02;

/**
 * The classes as they are listed: by falling area, and the background after all that is in front of it.
 * @param {import("../wire.js").Layers} layers
 * @param {import("../labels.js").Labels} labels
 * @returns {Area[]}
 */
export function listed(layers, labels) {
  const areas = areasOf(layers);
  const there = areas.filter(({ index }) => isDrawn(labels, index));
  return [...there, ...areas.filter(({ index }) => !isDrawn(labels, index))];
}

/**
 * @param {Result} result
 * @param {Area[]} areas
 * @param {{ took: number, timing: string, others: number }} about ms, `Server-Timing`, and files that are not shown
 * @returns {{ hint: string, said: string, note: string, facts: string[] }}
 */
export function told({ picture, layers, model }, areas, { took, timing, others }) {
  const { legend, work, unreadable, facts } = words.image;
  const labels = labelsIn(model);
  const names = areas.filter(({ index }) => isDrawn(labels, index)).map(({ index }) => nameOf(labels, index));
  const { width, height } = picture.bitmap;
  const odd = Math.abs(width / height - layers.width / layers.height) > ODD;
  const notes = [picture.note, odd && unreadable.other, others > 0 && words.image.others(others)];
  const network = Number(/(?:infer|network);dur=([\d.]+)/.exec(timing)?.[1]);
  const times = [facts.time(number(took)), network > 0 && facts.network(number(network, network < 10 ? 1 : 0))];
  return {
    hint: names.length > 0 ? legend.hint : legend.nothing,
    said: work.done(names.join(", ") || work.nothing),
    note: notes.filter(Boolean).join(" "),
    facts: [facts.size(width, height), ...times].filter((fact) => fact !== false),
  };
}
