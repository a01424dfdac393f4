/** What a part of the page says instead of its content: loading, empty, an error, or no service. */

import { ServiceError } from "./api.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { words } from "./strings.js";

/** @typedef {"loading" | "empty" | "error" | "offline"} NoticeKind */

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {() => void} run
 */

/**
 * @typedef {object} Said
 * @property {string} title
 * @property {string} [text]
 * @property {Action[]} [actions] the first one is the most likely
 */

const ICONS = { loading: "", empty: "image", error: "alert", offline: "offline" };

export class Notice {
  /** @param {string} [classes] `notice-inline` for a narrow place */
  constructor(classes = "") {
    /** Screen readers are told of what appears in it. */
    this.element = el("div", { class: `notice ${classes}`.trim(), role: "status", hidden: true });
    this.#bar = el("div", { class: "progress-fill" });
  }

  #bar;

  /**
   * @param {NoticeKind} kind
   * @param {Said} said
   */
  show(kind, { title, text, actions = [] }) {
    this.element.hidden = false;
    this.element.dataset.kind = kind;
    this.element.setAttribute("role", kind === "error" || kind === "offline" ? "alert" : "status");
    fill(
      this.element,
      kind === "loading" ? el("div", { class: "spinner", "aria-hidden": "true" }) : icon(ICONS[kind], "notice-icon"),
      el("p", { class: "notice-title", text: title }),
      text ? el("p", { class: "notice-text", text }) : null,
      actions.length > 0
        ? el(
            "div",
            { class: "notice-actions" },
            ...actions.map(({ label, run }, place) =>
              el("button", {
                type: "button",
                class: place === 0 ? "button primary" : "button",
                text: label,
                on: { click: run },
              }),
            ),
          )
        : null,
    );
  }

  /**
   * Loading, with how far it is.
   * @param {string} title
   * @param {number | null} [share] in [0, 1]; null: not known
   * @param {string} [text]
   */
  loading(title, share = null, text = undefined) {
    const known = share !== null;
    // The same words again would be read out again.
    if (this.element.hidden || this.element.dataset.kind !== "loading" || this.element.dataset.title !== title) {
      this.show("loading", { title, text: text ?? (known ? " " : undefined) });
      this.element.dataset.title = title;
      if (known) this.element.append(el("div", { class: "progress", "aria-hidden": "true" }, this.#bar));
    }
    if (!known) return;
    this.#bar.style.setProperty("--share", String(Math.min(1, Math.max(0, share))));
    const below = this.element.querySelector(".notice-text");
    if (below !== null && text !== undefined) below.textContent = text;
  }

  /**
   * What went wrong, in words, and a way on.
   * @param {unknown} error
   * @param {Action[]} [actions]
   */
  error(error, actions = []) {
    const { kind, title, text } = inWords(error);
    this.show(kind, { title, text, actions });
  }

  clear() {
    this.element.hidden = true;
    delete this.element.dataset.title;
    fill(this.element);
  }
}

/**
 * An error as a person should read it; what is not foreseen goes to the console as well.
 * @param {unknown} error
 * @returns {{ kind: NoticeKind, title: string, text: string }}
 */
export function inWords(error) {
  if (error instanceof ServiceError) {
    return { kind: error.trouble === "offline" ? "offline" : "error", title: error.title, text: error.detail };
  }
  console.error(error);
  return { kind: "error", ...words.problem.failed };
}
