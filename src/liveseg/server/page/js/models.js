/** The models of the service: their classes, palettes and sizes. */

import { json } from "./api.js";
import { labelsOf } from "./labels.js";

/** @typedef {import("./labels.js").Labels} Labels */

/**
 * A model as the service tells it; what is null is known once the model was loaded.
 * @typedef {object} Model
 * @property {string} name
 * @property {boolean} default
 * @property {"absent" | "loading" | "ready" | "failed"} state
 * @property {string | null} problem
 * @property {string | null} title
 * @property {string[] | null} labels
 * @property {number[][] | null} palette
 * @property {Record<string, number[][]> | null} palettes by name: `model`, `voc`, `safe`, `vivid`
 * @property {boolean | null} background
 * @property {number | "native" | null} size
 * @property {number[]} sizes worth asking for, smallest first
 */

/** @type {Promise<Model[]> | null} */
let asked = null;

/**
 * All models, the default first; asked for once, and again after a failure.
 * @param {boolean} [again] ask anew: a model may have been loaded meanwhile
 * @returns {Promise<Model[]>}
 */
export function models(again = false) {
  if (again) asked = null;
  asked ??= json("v1/models").then(
    (answer) => answer.models,
    (error) => {
      asked = null;
      throw error;
    },
  );
  return asked;
}

/**
 * A model whose classes are known: call it after it has answered something.
 * @param {string | null} name null: the default
 * @returns {Promise<Model>}
 */
export async function modelNamed(name) {
  const find = (/** @type {Model[]} */ all) => all.find((own) => (name === null ? own.default : own.name === name));
  const known = find(await models());
  if (known?.labels) return known;
  const now = find(await models(true));
  if (now === undefined) throw new Error(`the service has no model ${name ?? ""}`);
  return now;
}

/**
 * The classes of a model in a palette.
 * @param {Model} model
 * @param {string} [palette]
 * @returns {Labels}
 */
export function labelsIn(model, palette = "model") {
  const colors = model.palettes?.[palette] ?? model.palette ?? [];
  return labelsOf(model.labels ?? [], colors, model.background ?? true);
}
