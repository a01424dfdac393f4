/** What stands in the place of the background: a colour, or a picture of one's own, which stays in the browser. */

import { attribute, el, freshId } from "../dom.js";
import { icon } from "../icons.js";
import { words } from "../strings.js";

export class Backdrop {
  /**
   * @param {import("./view.js").View} view
   * @param {() => void} redraw
   */
  constructor(view, redraw) {
    const { backdrop } = words.live;
    const id = freshId("backdrop");
    this.view = view;
    this.redraw = redraw;
    this.color = el("input", {
      id,
      class: "color",
      type: "color",
      value: view.backdrop,
      on: { input: () => this.#set(this.color.value) },
    });
    this.file = el("input", {
      type: "file",
      accept: "image/*",
      class: "visually-hidden",
      tabindex: -1,
      "aria-hidden": "true",
      on: { change: () => this.#picked() },
    });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.none = el("button", {
      type: "button",
      class: "link",
      hidden: true,
      text: backdrop.none,
      on: { click: () => this.#set(this.color.value) },
    });
    this.element = el(
      "div",
      { class: "stack" },
      el(
        "div",
        { class: "row" },
        el("label", { class: "label", for: id, text: backdrop.color }),
        this.color,
        el(
          "button",
          { type: "button", class: "button", on: { click: () => this.file.click() } },
          icon("image"),
          backdrop.picture,
        ),
        this.none,
        this.file,
      ),
      this.trouble,
    );
  }

  async #picked() {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (!file) return;
    this.trouble.hidden = true;
    try {
      this.#set(await createImageBitmap(file));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.trouble.textContent = words.problem.unsupported.title;
      this.trouble.hidden = false;
    }
  }

  /** @param {string | ImageBitmap} backdrop */
  #set(backdrop) {
    if (typeof this.view.backdrop !== "string") this.view.backdrop.close();
    this.view.backdrop = backdrop;
    this.none.hidden = typeof backdrop === "string";
    attribute(this.color, "data-unused", typeof backdrop !== "string");
    this.redraw();
  }
}
