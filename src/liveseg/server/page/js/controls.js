/** Fields with their labels: a list to choose from, a box to tick. */

import { el, fill, freshId } from "./dom.js";

/**
 * One of several.
 * @typedef {object} Option
 * @property {string} value
 * @property {string} label
 */

/**
 * A list to choose from, under its label.
 * @param {string} label
 * @param {(value: string) => void} onChange
 */
export function listField(label, onChange) {
  const id = freshId("list");
  const select = el("select", { id, class: "select", on: { change: () => onChange(select.value) } });
  return {
    element: el("div", { class: "field" }, el("label", { class: "label", for: id, text: label }), select),
    select,
    /**
     * Offer these; what was chosen stays chosen where it is still there.
     * @param {Option[]} options
     * @param {string} [value] the one to choose
     */
    set(options, value = select.value) {
      fill(select, ...options.map((option) => el("option", { value: option.value, text: option.label })));
      select.value = options.some((option) => option.value === value) ? value : (options[0]?.value ?? "");
      select.disabled = options.length === 0;
    },
  };
}

/**
 * A box to tick.
 * @param {string} label
 * @param {boolean} value
 * @param {(value: boolean) => void} onChange
 */
export function tickField(label, value, onChange) {
  const input = el("input", { type: "checkbox", checked: value, on: { change: () => onChange(input.checked) } });
  return el("label", { class: "tick" }, input, el("span", { text: label }));
}
