/** One stream alone, as large as the window. */

import { attribute, el, fill } from "../dom.js";
import { icon } from "../icons.js";
import { words } from "../strings.js";
import { StreamPicture } from "./picture.js";
import { factsOf, lookOf, stateOf } from "./tile.js";

/** @typedef {import("./tile.js").Stream} Stream */

export class Large {
  /** @param {() => void} onClose */
  constructor(onClose) {
    const { streams } = words;
    /** @type {string | null} the stream that is shown */
    this.id = null;
    /** @type {StreamPicture | null} */
    this.picture = null;
    this.heading = el("h2", { id: "stream-large" });
    this.state = el("span", { class: "tag" });
    this.facts = el("ul", { class: "stream-facts number" });
    this.frame = el("div", { class: "stage stream-large-frame" });
    const close = el(
      "button",
      { type: "button", class: "icon-button", "aria-label": streams.close, on: { click: () => this.dialog.close() } },
      icon("close"),
    );
    const save = el(
      "button",
      { type: "button", class: "button", on: { click: () => this.#save() } },
      icon("download"),
      streams.save,
    );
    this.dialog = el(
      "dialog",
      { class: "dialog stream-large", "aria-labelledby": "stream-large" },
      el("div", { class: "stream-large-head" }, this.heading, this.state, close),
      this.frame,
      el("div", { class: "stream-large-foot" }, this.facts, save),
    );
    this.dialog.addEventListener("close", () => {
      this.picture?.stop();
      this.picture = null;
      this.id = null;
      onClose();
    });
    // A click beside it closes it.
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    /** @type {Stream | null} */
    this.stream = null;
  }

  /** @param {Stream} stream */
  open(stream) {
    this.id = stream.id;
    this.heading.textContent = stream.name;
    this.picture = new StreamPicture(words.streams.picture(stream.name));
    fill(this.frame, this.picture.img);
    this.update(stream);
    this.dialog.showModal();
  }

  /** @param {Stream} stream */
  update(stream) {
    this.stream = stream;
    if (stream.width && stream.height) this.frame.style.setProperty("--ratio", String(stream.width / stream.height));
    this.picture?.show(stream.state === "live" ? "moving" : "none", stream.links);
    this.state.textContent = stateOf(stream);
    attribute(this.state, "data-state", lookOf(stream));
    fill(this.facts, ...factsOf(stream));
  }

  #save() {
    if (this.stream === null) return;
    const { name, links } = this.stream;
    el("a", { href: new URL(links.snapshot, document.baseURI).href, download: `${name}.jpg` }).click();
  }
}
