/** The list of what can be saved: what is drawn comes from here, at full size; data comes from the service. */

import { request } from "../api.js";
import { el, fill, freshId } from "../dom.js";
import { icon } from "../icons.js";
import { inWords } from "../notice.js";
import { words } from "../strings.js";
import { drawnElsewhere } from "./full-size.js";

/** @typedef {import("./looks.js").View} View */

/** What the page draws. @type {View[]} */
const DRAWN = ["overlay", "cutout", "blur"];

/** What the service makes, with the end of its file's name. */
const MADE = /** @type {const} */ ({
  mask: "-mask.png",
  polygons: ".geojson",
  rle: "-coco.json",
  areas: "-areas.json",
  npz: ".npz",
});

/** @typedef {keyof typeof MADE} Made */

/** @type {Record<string, string>} */
const EXTENSIONS = { "image/png": ".png", "image/jpeg": ".jpg" };

/**
 * What is there to be saved.
 * @typedef {object} Saved
 * @property {import("./picture.js").Picture} picture
 * @property {import("../wire.js").Layers} layers
 * @property {import("../labels.js").Labels} labels
 * @property {import("./looks.js").Style} style
 * @property {{ model: string | null, size: number | null }} choice
 * @property {string} palette
 */

export class Downloads {
  /** @param {() => Saved | null} current */
  constructor(current) {
    this.current = current;
    const { label, drawn, data } = words.image.download;
    const id = freshId("downloads");
    this.button = el(
      "button",
      {
        type: "button",
        class: "button",
        "aria-expanded": "false",
        "aria-controls": id,
        on: { click: () => this.#toggle() },
      },
      icon("download"),
      label,
    );
    this.status = el("p", { class: "download-status", role: "status" });
    this.list = el(
      "div",
      { class: "download-list", id, hidden: true },
      this.#group(drawn, DRAWN, (own) => this.#draw(own)),
      this.#group(data, /** @type {Made[]} */ (Object.keys(MADE)), (own) => this.#fetch(own)),
      this.status,
    );
    this.element = el("div", { class: "download" }, this.button, this.list);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.list.hidden) return;
      this.close();
      this.button.focus();
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.element.contains(event.target)) this.close();
    });
  }

  close() {
    this.list.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    fill(this.status);
  }

  #toggle() {
    const opens = this.list.hidden;
    this.close();
    const picture = this.current()?.picture;
    for (const view of picture ? DRAWN : []) {
      const told = this.list.querySelector(`[data-output="${view}"] .muted`);
      if (told !== null && picture) told.textContent = typeOf(view, picture) === "image/jpeg" ? "JPEG" : "PNG";
    }
    this.list.hidden = !opens;
    this.button.setAttribute("aria-expanded", String(opens));
  }

  /**
   * @template {View | Made} T
   * @param {string} title
   * @param {T[]} outputs
   * @param {(output: T) => Promise<void>} make
   */
  #group(title, outputs, make) {
    const heading = freshId("group");
    return el(
      "div",
      { role: "group", "aria-labelledby": heading },
      el("p", { class: "label", id: heading, text: title }),
      ...outputs.map((own) =>
        el(
          "button",
          {
            type: "button",
            class: "download-item",
            data: { output: own },
            on: { click: () => this.#run(() => make(own)) },
          },
          el("span", { text: words.image.download[own][0] }),
          " ",
          el("span", { class: "muted", text: words.image.download[own][1] }),
        ),
      ),
    );
  }

  /** @param {() => Promise<void>} make */
  async #run(make) {
    const { busy, failed } = words.image.download;
    fill(this.status, el("span", { class: "spinner small", "aria-hidden": "true" }), busy);
    try {
      await make();
      fill(this.status);
    } catch (error) {
      const { title, text } = inWords(error);
      fill(this.status, el("span", { class: "trouble", text: `${failed} ${text || title}` }));
    }
  }

  /** @param {View} view */
  async #draw(view) {
    const saved = this.current();
    if (saved === null) return;
    const { picture, layers, labels, style } = saved;
    const type = typeOf(view, picture);
    const file = await drawnElsewhere({ bitmap: picture.bitmap, layers, labels, style: { ...style, view }, type });
    save(file, `${picture.name}-${view}${EXTENSIONS[type]}`);
  }

  /** @param {Made} output */
  async #fetch(output) {
    const saved = this.current();
    if (saved === null) return;
    const { picture, choice, palette } = saved;
    const answer = await request("v1/segment", {
      method: "POST",
      body: picture.body,
      query: { output, ...choice, palette: output === "mask" ? palette : null },
    });
    save(await answer.blob(), `${picture.name}${MADE[output]}`);
  }
}

/**
 * A photo stays what it was; what is transparent, or was without loss, is a PNG.
 * @param {View} view
 * @param {import("./picture.js").Picture} picture
 */
function typeOf(view, { type }) {
  return view !== "cutout" && type === "image/jpeg" ? "image/jpeg" : "image/png";
}

/**
 * @param {Blob} file
 * @param {string} name
 */
function save(file, name) {
  const address = URL.createObjectURL(file);
  el("a", { href: address, download: name }).click();
  // The browser reads it after the click.
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
