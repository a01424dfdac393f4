/** Fields with their labels: a list to choose from, a choice of a few, a box to tick, a slider that tells its value. */

import { el, fill, freshId } from "./dom.js";

/**
 * Something to fill in, under its label.
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement} control
 */
export function labelled(label, control) {
  control.id = freshId("field");
  return el("div", { class: "field" }, el("label", { class: "label", for: control.id, text: label }), control);
}

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
  const select = el("select", { class: "select", on: { change: () => onChange(select.value) } });
  return {
    element: labelled(label, select),
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

/**
 * A choice of a few, side by side.
 * @template {string} T
 * @param {string} label
 * @param {Record<T, string>} choices words by value
 * @param {T} chosen
 * @param {(value: T) => void} onChoose
 */
export function choices(label, choices, chosen, onChoose) {
  const name = freshId("choice");
  return el(
    "div",
    { class: "choices", role: "radiogroup", "aria-label": label },
    .../** @type {[T, string][]} */ (Object.entries(choices)).map(([value, text]) =>
      el(
        "label",
        {},
        el("input", { type: "radio", name, value, checked: value === chosen, on: { change: () => onChoose(value) } }),
        el("span", { text }),
      ),
    ),
  );
}

/**
 * A slider with its name and value.
 * @param {string} label
 * @param {{ min: number, max: number, step: number, value: number, tell: (value: number) => string }} range
 * @param {(value: number) => void} onInput
 */
export function slider(label, { min, max, step, value, tell }, onInput) {
  const id = freshId("range");
  const told = el("output", { for: id, class: "number" });
  const input = el("input", { id, class: "range", type: "range", min, max, step, value });
  const show = () => {
    const now = Number(input.value);
    told.textContent = tell(now);
    input.setAttribute("aria-valuetext", tell(now));
    input.style.setProperty("--share", String((now - min) / (max - min)));
  };
  input.addEventListener("input", () => {
    show();
    onInput(Number(input.value));
  });
  input.addEventListener("sync", show);
  show();
  return el(
    "div",
    { class: "field" },
    el("div", { class: "label" }, el("label", { for: id, text: label }), told),
    input,
  );
}

/**
 * Let a slider show another value, as when it was changed elsewhere.
 * @param {HTMLElement} field from `slider`
 * @param {number} value
 */
export function setSlider(field, value) {
  const input = field.querySelector("input");
  if (input === null || Number(input.value) === value) return;
  input.value = String(value);
  input.dispatchEvent(new Event("sync"));
}
