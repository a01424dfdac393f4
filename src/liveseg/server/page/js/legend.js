/** The legend: which colour is which class; each entry switches its class on and off, and lights it up. */

import { Bar } from "./bars.js";
import { attribute, el } from "./dom.js";
import { cssColor, isDrawn, nameOf } from "./labels.js";
import { percent, words } from "./strings.js";

/** @typedef {import("./labels.js").Labels} Labels */

/**
 * @typedef {object} Entry
 * @property {number} index of the class
 * @property {number} [share] of the picture, in [0, 1]; a bar is drawn of it
 * @property {number} [confidence] mean over its pixels, in [0, 1]
 */

/**
 * @typedef {object} Row
 * @property {HTMLLIElement} item
 * @property {HTMLButtonElement | HTMLDivElement} body
 * @property {HTMLElement} swatch
 * @property {HTMLElement} name
 * @property {HTMLElement} share
 * @property {HTMLElement} sure
 * @property {Bar} bar
 */

export class Legend {
  /**
   * @param {object} to
   * @param {(off: ReadonlySet<number>) => void} to.onChange which classes are switched off, after each change
   * @param {(index: number | null) => void} [to.onLight] the pointer or the focus is on an entry; null: on none
   * @param {string} [to.label] what it is called for screen readers
   */
  constructor({ onChange, onLight = () => {}, label = words.legend.label }) {
    /** Indices of the classes that are switched off; it outlives what is shown. @type {Set<number>} */
    this.off = new Set();
    this.onChange = onChange;
    this.onLight = onLight;
    this.list = el("ul", { class: "legend-list", "aria-label": label });
    this.empty = el("p", { class: "legend-empty", text: words.legend.empty });
    this.all = el("button", {
      type: "button",
      class: "link",
      hidden: true,
      text: words.legend.showAll,
      on: { click: () => this.showAll() },
    });
    this.element = el("div", { class: "legend" }, this.list, this.empty, this.all);
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Labels | null} */
    this.labels = null;
    /** @type {number | null} */
    this.lit = null;
  }

  /**
   * Show these classes in this order; rows that stay keep the focus.
   * @param {Labels} labels
   * @param {Entry[]} entries
   */
  show(labels, entries) {
    this.labels = labels;
    const wanted = new Set(entries.map((entry) => entry.index));
    for (const [index, row] of this.rows) {
      if (wanted.has(index)) continue;
      row.item.remove();
      this.rows.delete(index);
      if (this.lit === index) this.#light(null);
    }
    entries.forEach((entry, place) => {
      const row = this.rows.get(entry.index) ?? this.#row(labels, entry.index);
      if (this.list.children[place] !== row.item) this.list.insertBefore(row.item, this.list.children[place] ?? null);
      this.#update(row, labels, entry);
    });
    this.empty.hidden = entries.length > 0;
    this.#refresh();
  }

  /** Switch all classes on. */
  showAll() {
    this.off.clear();
    this.#refresh();
    this.onChange(this.off);
    this.list.querySelector("button")?.focus();
  }

  /**
   * Mark an entry, as when the pointer is on its class in the picture; does not call `onLight`.
   * @param {number | null} index
   */
  light(index) {
    for (const [own, row] of this.rows) row.item.classList.toggle("lit", own === index);
  }

  /** @param {number} index */
  #toggle(index) {
    if (!this.off.delete(index)) this.off.add(index);
    this.#refresh();
    // What a click did is to be seen at once, not when the pointer has gone on.
    this.#light(null);
    this.onChange(this.off);
  }

  /** @param {number | null} index */
  #light(index) {
    if (this.lit === index) return;
    this.lit = index;
    this.light(index);
    this.onLight(index);
  }

  #refresh() {
    for (const [index, row] of this.rows) {
      if (row.body instanceof HTMLButtonElement) attribute(row.body, "aria-checked", String(!this.off.has(index)));
    }
    this.all.hidden = ![...this.rows.keys()].some((index) => this.off.has(index));
  }

  /**
   * @param {Labels} labels
   * @param {number} index
   * @returns {Row}
   */
  #row(labels, index) {
    const [swatch, name, share, sure] = ["swatch", "legend-name", "legend-share", "legend-sure"].map((own) =>
      el("span", { class: own }),
    );
    const bar = new Bar();
    const parts = [swatch, name, sure, share, bar.element];
    const body = isDrawn(labels, index)
      ? el(
          "button",
          { type: "button", class: "legend-row", role: "switch", on: { click: () => this.#toggle(index) } },
          ...parts,
        )
      : el("div", { class: "legend-row plain" }, ...parts);
    const item = el("li", { data: { index: String(index) } }, body);
    if (body instanceof HTMLButtonElement) {
      item.addEventListener("pointerenter", () => this.#light(index));
      item.addEventListener("pointerleave", () => this.#light(null));
      body.addEventListener("focus", () => body.matches(":focus-visible") && this.#light(index));
      body.addEventListener("blur", () => this.#light(null));
    }
    const row = { item, body, swatch, name, share, sure, bar };
    this.rows.set(index, row);
    return row;
  }

  /**
   * @param {Row} row
   * @param {Labels} labels
   * @param {Entry} entry
   */
  #update(row, labels, { index, share, confidence }) {
    const name = nameOf(labels, index);
    put(row.name, name);
    row.swatch.style.setProperty("--color", cssColor(labels.palette[index]));
    row.bar.element.hidden = share === undefined;
    put(row.share, share === undefined ? "" : percent(share));
    put(row.sure, confidence === undefined ? "" : words.legend.sure(percent(confidence)));
    if (share !== undefined) row.bar.set(share, isDrawn(labels, index) ? labels.palette[index] : undefined);
    const spoken = inWords(name, share, confidence);
    if (row.body.getAttribute("aria-label") !== spoken && row.body instanceof HTMLButtonElement) {
      row.body.setAttribute("aria-label", spoken);
    }
  }
}

/**
 * Set a text only where it is another: a live view does it many times a second.
 * @param {HTMLElement} element
 * @param {string} text
 */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} name
 * @param {number} [share]
 * @param {number} [confidence]
 */
function inWords(name, share, confidence) {
  if (share === undefined) return name;
  if (confidence === undefined) return words.legend.row(name, percent(share));
  return words.legend.rowSure(name, percent(share), percent(confidence));
}
