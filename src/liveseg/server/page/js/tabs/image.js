/** The tab for images: from a dropped picture to what is in it. */

import { request } from "../api.js";
import { add, el, fill } from "../dom.js";
import { choices } from "../fields.js";
import { icon } from "../icons.js";
import { askLayers } from "../image/ask.js";
import { LookPanel, ModelPanel } from "../image/controls.js";
import { Downloads } from "../image/downloads.js";
import { readPicture, UnreadableError } from "../image/picture.js";
import { takePhoto } from "../image/snapshot.js";
import { Stage } from "../image/stage.js";
import { filePicker, startPage } from "../image/start.js";
import { listed, told } from "../image/told.js";
import { Legend } from "../legend.js";
import { look } from "../look.js";
import { labelsIn, modelNamed, models } from "../models.js";
import { Notice } from "../notice.js";
import { words } from "../strings.js";

/** @typedef {import("../image/picture.js").Picture} Picture */
/** @typedef {import("../wire.js").Layers} Layers */
/** @typedef {import("../models.js").Model} Model */

class ImageTab {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    const { legend: listedAs, look: looked } = words.image;
    /** @type {import("../image/looks.js").View} */
    this.view = "overlay";
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {File | null} */
    this.file = null;
    /** How many files came with it that are not shown. */
    this.others = 0;
    /** @type {import("../image/told.js").Result | null} */
    this.result = null;
    this.running = new AbortController();

    this.legend = new Legend({
      onChange: () => this.#restyle(),
      onLight: (lit) => this.stage.restyle({ lit }),
      label: listedAs.title,
    });
    this.stage = new Stage({ onProbe: (index) => this.legend.light(index) });
    this.lookPanel = new LookPanel();
    this.modelPanel = new ModelPanel(() => this.#segment());
    this.downloads = new Downloads(() => this.#saved());
    this.notice = new Notice("notice-stage");
    this.note = el("p", { class: "note", hidden: true });
    this.facts = el("p", { class: "image-facts number" });
    this.status = el("p", { class: "visually-hidden", role: "status" });
    this.legendHint = el("p", { class: "hint" });
    const picker = filePicker((file) => this.take([file]));
    this.views = choices(words.image.view.label, VIEWS, this.view, (view) => this.#setView(view));
    this.another = el(
      "button",
      { type: "button", class: "button", on: { click: () => picker.click() } },
      icon("upload"),
      el("span", { text: words.image.another }),
    );
    const camera = el(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": words.image.start.camera,
        title: words.image.start.camera,
        on: { click: () => this.#photo() },
      },
      icon("camera"),
    );
    this.lookCard = el(
      "section",
      { class: "card stack" },
      el("h2", { class: "card-title", text: looked.title }),
      this.lookPanel.element,
      this.modelPanel.element,
    );
    this.aside = el(
      "aside",
      { class: "image-side stack", "aria-label": listedAs.title },
      el(
        "section",
        { class: "card" },
        el("h2", { class: "card-title", text: listedAs.title }),
        this.legend.element,
        this.legendHint,
      ),
      this.lookCard,
      this.facts,
    );
    this.toolbar = el(
      "div",
      { class: "toolbar" },
      this.views,
      el("div", { class: "toolbar-end" }, this.downloads.element, this.another, camera),
      picker,
    );
    this.work = el(
      "div",
      { class: "image-work", hidden: true, tabindex: -1 },
      this.toolbar,
      el(
        "div",
        { class: "workspace" },
        el(
          "div",
          { class: "stage-column" },
          el("div", { class: "stage-frame" }, this.stage.element, this.notice.element),
          this.note,
        ),
        this.aside,
      ),
    );
    this.start = startPage({
      onFile: (file) => this.take([file]),
      onCamera: () => this.#photo(),
      onSample: (name) => this.#sample(name),
    });
    add(panel, el("h1", { class: "visually-hidden", text: words.tabs.image }), this.start, this.work, this.status);
    look.addEventListener("change", () => this.#relook());
    this.#setView(this.view);
  }

  /** @param {File[]} files of which the first is shown */
  async take([file, ...others]) {
    this.running.abort();
    this.running = new AbortController();
    const { signal } = this.running;
    this.file = file;
    this.others = others.length;
    this.#begin(words.image.work.reading);
    try {
      const picture = await readPicture(file, signal);
      if (signal.aborted) return;
      this.picture?.bitmap.close();
      this.picture = picture;
      this.stage.setPicture(picture.bitmap);
      await this.#segment();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** @param {string} name */
  async #sample(name) {
    this.#begin(words.image.work.reading);
    try {
      const answer = await request(`samples/${name}`);
      await this.take([new File([await answer.blob()], name, { type: "image/jpeg" })]);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #photo() {
    const photo = await takePhoto();
    if (photo !== null) await this.take([photo]);
  }

  /** Ask the service about the picture that is there, once more where it is another model's turn. */
  async #segment() {
    const { picture } = this;
    if (picture === null) return;
    this.running.abort();
    this.running = new AbortController();
    const { signal } = this.running;
    this.#begin(words.image.work.segmenting);
    try {
      const { choice } = this.modelPanel;
      const { layers, took, timing } = await askLayers(picture, choice, signal, () =>
        this.notice.loading(words.image.work.loading),
      );
      const model = await modelNamed(choice.model);
      if (signal.aborted) return;
      this.result = { picture, layers, model, choice };
      this.#show(took, timing);
      this.modelPanel.setModels(await models());
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** @param {string} what */
  #begin(what) {
    const focused = this.start.contains(document.activeElement);
    this.start.hidden = true;
    this.work.hidden = false;
    // What had the focus is gone.
    if (focused) this.work.focus({ preventScroll: true });
    this.work.dataset.state = "busy";
    this.stage.busy(true);
    this.notice.loading(what);
    this.note.hidden = true;
    this.status.textContent = what;
  }

  /** @param {number} took ms @param {string} timing */
  #show(took, timing) {
    if (this.result === null) return;
    const { layers, model } = this.result;
    const labels = labelsIn(model, look.palette);
    const areas = listed(layers, labels);
    this.work.dataset.state = "done";
    this.stage.busy(false);
    this.notice.clear();
    this.legend.show(labels, areas);
    this.lookPanel.setModel(
      model,
      areas.map(({ index }) => index),
    );
    this.stage.restyle({ alpha: look.alpha, blur: look.blur, off: [...this.legend.off], view: this.view });
    this.stage.setResult(layers, labels);
    const { hint, said, note, facts } = told(this.result, areas, { took, timing, others: this.others });
    this.legendHint.textContent = hint;
    this.status.textContent = said;
    this.note.textContent = note;
    this.note.hidden = note === "";
    fill(this.facts, ...facts.map((text) => el("span", { text })));
  }

  /** @param {unknown} error */
  #fail(error) {
    const { work, unreadable } = words.image;
    this.work.dataset.state = "failed";
    this.stage.busy(false);
    const { file } = this;
    const actions = [
      ...(error instanceof UnreadableError || file === null
        ? []
        : [{ label: work.again, run: () => this.take([file]) }]),
      { label: work.other, run: () => this.another.click() },
    ];
    if (error instanceof UnreadableError)
      this.notice.show("error", { title: unreadable.title, text: error.message, actions });
    else this.notice.error(error, actions);
  }

  /** @param {import("../image/looks.js").View} view */
  #setView(view) {
    this.view = view;
    this.lookPanel.setView(view);
    this.lookCard.hidden = this.lookPanel.element.hidden && this.modelPanel.element.hidden;
    this.stage.restyle({ view });
  }

  #restyle() {
    this.stage.restyle({ off: [...this.legend.off] });
  }

  #relook() {
    this.stage.restyle({ alpha: look.alpha, blur: look.blur });
    if (this.result === null) return;
    const labels = labelsIn(this.result.model, look.palette);
    this.stage.setLabels(labels);
    this.legend.show(labels, listed(this.result.layers, labels));
  }

  #saved() {
    if (this.result === null) return null;
    const { picture, layers, model, choice } = this.result;
    const { alpha, blur, palette } = look;
    return {
      picture,
      layers,
      choice,
      palette,
      labels: labelsIn(model, palette),
      style: { view: this.view, alpha, blur, off: [...this.legend.off] },
    };
  }
}

const { overlay, cutout, blur } = words.image.view;
const VIEWS = { overlay, cutout, blur };

/** @param {HTMLElement} panel */
export function open(panel) {
  const tab = new ImageTab(panel);
  return { take: (/** @type {File[]} */ files) => tab.take(files) };
}
