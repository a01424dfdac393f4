/** What is asked for with the next video. */

import { el } from "../dom.js";
import { listField, slider, tickField } from "../fields.js";
import { ModelPanel } from "../image/controls.js";
import { look } from "../look.js";
import { models } from "../models.js";
import { percent, words } from "../strings.js";

/** The kinds of result, the usual one first; the service knows the same. */
const OUTPUTS = /** @type {const} */ (["overlay", "cutout", "color", "mask", "polygons", "areas"]);
const PALETTES = /** @type {import("../look.js").PaletteName[]} */ (Object.keys(words.image.palettes));

export class Choices {
  constructor() {
    const { options } = words.video;
    /** @type {Record<string, string | number | boolean | null>} as the service takes them; null is the usual */
    this.chosen = {
      output: "overlay",
      model: null,
      size: null,
      palette: look.palette,
      alpha: look.alpha,
      smooth: true,
    };
    this.output = listField(options.output, (value) => this.#set("output", value));
    this.output.set(OUTPUTS.map((value) => ({ value, label: options.outputs[value] })));
    this.model = new ModelPanel((choice) => Object.assign(this.chosen, choice));
    this.palette = listField(options.palette, (value) => this.#set("palette", value));
    this.palette.set(
      PALETTES.map((value) => ({ value, label: words.image.palettes[value].name })),
      look.palette,
    );
    const opacity = { min: 0, max: 1, step: 0.01, value: look.alpha, tell: percent };
    this.alpha = slider(words.image.look.alpha, opacity, (value) => this.#set("alpha", value));
    const smooth = tickField(options.smooth, true, (value) => this.#set("smooth", value));
    this.element = el(
      "div",
      { class: "stack" },
      el("p", { class: "muted options-note", text: options.note }),
      this.output.element,
      this.model.element,
      this.palette.element,
      this.alpha,
      smooth,
    );
  }

  /** Offer the models that the service has. */
  async load() {
    this.model.setModels(await models());
  }

  /**
   * @param {string} name
   * @param {string | number | boolean} value
   */
  #set(name, value) {
    this.chosen[name] = value;
    // What is drawn has colours; a file of masks or numbers has none.
    const { output } = this.chosen;
    this.palette.element.hidden = output !== "overlay" && output !== "color";
    this.alpha.hidden = output !== "overlay";
  }
}
