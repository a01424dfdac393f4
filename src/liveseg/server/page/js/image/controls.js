/** What stands beside the picture: opacity and blur, the palette, the model and its size. */

import { el, fill, freshId } from "../dom.js";
import { listField, setSlider, slider } from "../fields.js";
import { cssColor, isDrawn } from "../labels.js";
import { look } from "../look.js";
import { labelsIn } from "../models.js";
import { percent, words } from "../strings.js";

/** @typedef {import("../models.js").Model} Model */
/** @typedef {import("./looks.js").View} View */

/** Colours that a palette shows of itself where there is no result to show it by. */
const SHOWN = 5;

/** How things are drawn; it changes `look`, and nothing else. */
export class LookPanel {
  constructor() {
    this.palettes = el("div", { class: "palettes" });
    this.alpha = slider(
      words.image.look.alpha,
      { min: 0, max: 1, step: 0.01, value: look.alpha, tell: percent },
      (alpha) => look.set({ alpha }),
    );
    this.blur = slider(
      words.image.look.blur,
      { min: 0.5, max: 12, step: 0.5, value: look.blur, tell: (value) => percent(value / 100) },
      (blur) => look.set({ blur }),
    );
    this.element = el("div", { class: "stack" }, this.alpha, this.blur, this.palettes);
    // Another tab of the page may change it.
    look.addEventListener("change", () => this.#follow());
  }

  #follow() {
    setSlider(this.alpha, look.alpha);
    setSlider(this.blur, look.blur);
    for (const input of this.palettes.querySelectorAll("input")) input.checked = input.value === look.palette;
  }

  /** Only what this view takes. @param {View} view */
  setView(view) {
    this.alpha.hidden = view !== "overlay";
    this.palettes.hidden = view !== "overlay";
    this.blur.hidden = view !== "blur";
    this.element.hidden = view === "cutout";
  }

  /**
   * The palettes, each shown by the classes that are there.
   * @param {Model} model
   * @param {number[]} present
   */
  setModel(model, present) {
    const name = freshId("palette");
    /** @type {Set<string>} */
    const seen = new Set();
    const names = /** @type {import("../look.js").PaletteName[]} */ (Object.keys(words.image.palettes)).filter(
      (own) => {
        // Models with the colours of Pascal VOC have one palette less.
        const colors = JSON.stringify(model.palettes?.[own] ?? null);
        return colors !== "null" && !seen.has(colors) && seen.add(colors);
      },
    );
    const chosen = names.includes(look.palette) ? look.palette : names[0];
    fill(
      this.palettes,
      el("p", { class: "label", id: name, text: words.image.look.palette }),
      el(
        "div",
        { class: "palette-list", role: "radiogroup", "aria-labelledby": name },
        ...names.map((own) => {
          const labels = labelsIn(model, own);
          const drawn = labels.names.map((_, index) => index).filter((index) => isDrawn(labels, index));
          const shown = [...present.filter((index) => isDrawn(labels, index)), ...drawn];
          return el(
            "label",
            { class: "palette", title: words.image.palettes[own].about },
            el("input", {
              type: "radio",
              name,
              value: own,
              checked: own === chosen,
              on: { change: () => look.set({ palette: own }) },
            }),
            el(
              "span",
              { class: "palette-body" },
              el("span", { class: "palette-name", text: words.image.palettes[own].name }),
              el(
                "span",
                { class: "palette-colors", "aria-hidden": "true" },
                ...[...new Set(shown)]
                  .slice(0, SHOWN)
                  .map((index) => el("span", { style: { background: cssColor(labels.palette[index]) } })),
              ),
            ),
          );
        }),
      ),
    );
  }
}

/** Which model looks at the picture, and how closely; a change segments again. */
export class ModelPanel {
  /** @param {(choice: { model: string | null, size: number | null }) => void} onChange */
  constructor(onChange) {
    const { label, size } = words.image.model;
    this.model = listField(label, () => {
      this.#sizes();
      onChange(this.choice);
    });
    this.size = listField(size, () => onChange(this.choice));
    this.element = el("div", { class: "stack" }, this.model.element, this.size.element);
    /** @type {Model[]} */
    this.models = [];
  }

  /** What was chosen; null: what is usual. */
  get choice() {
    return { model: this.model.select.value || null, size: Number(this.size.select.value) || null };
  }

  /** @param {Model[]} models */
  setModels(models) {
    this.models = models;
    this.model.set(models.map(({ name, title }) => ({ value: name, label: title ? `${name}: ${title}` : name })));
    this.model.element.hidden = models.length < 2;
    this.#sizes();
  }

  #sizes() {
    const model = this.models.find(({ name }) => name === this.model.select.value);
    const sizes = model?.sizes ?? [];
    const { usual, auto } = words.image.model;
    const normal = typeof model?.size === "number" ? model.size : null;
    this.size.set([
      { value: "", label: normal === null ? auto : usual(normal) },
      ...sizes.filter((size) => size !== normal).map((size) => ({ value: String(size), label: String(size) })),
    ]);
    this.size.element.hidden = sizes.length === 0;
    this.element.hidden = this.model.element.hidden && this.size.element.hidden;
  }
}
