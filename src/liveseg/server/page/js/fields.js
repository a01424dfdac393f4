/** Fields: a choice of a few, and a slider that tells its value. */

import { el, freshId } from "./dom.js";

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
