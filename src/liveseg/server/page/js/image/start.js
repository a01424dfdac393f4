/** The empty tab, which is one large place to drop a picture on. */

import { addressOf } from "../api.js";
import { el, freshId } from "../dom.js";
import { icon } from "../icons.js";
import { words } from "../strings.js";

/** Those that the service has of its own. */
const SAMPLES = /** @type {const} */ (["image_1", "image_2"]);

/** Hosts that are this machine. */
const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

/**
 * @param {object} to
 * @param {(file: File) => void} to.onFile
 * @param {() => void} to.onCamera
 * @param {(file: string) => void} to.onSample by its name
 */
export function startPage({ onFile, onCamera, onSample }) {
  const { title, text, here, sent, pick, camera, paste, samples, sample } = words.image.start;
  const heading = freshId("start");
  const input = filePicker(onFile);
  const local = LOCAL.includes(location.hostname);
  return el(
    "section",
    { class: "start", "aria-labelledby": heading },
    el(
      "div",
      {
        class: "dropzone",
        // The whole of it may be clicked; by the keyboard its button is.
        on: { click: (event) => !(event.target instanceof Element && event.target.closest("button")) && input.click() },
      },
      icon("image", "dropzone-icon"),
      el("h1", { id: heading, text: title }),
      el("p", { class: "dropzone-text", text }),
      el(
        "div",
        { class: "dropzone-actions" },
        el(
          "button",
          { type: "button", class: "button primary", on: { click: () => input.click() } },
          icon("upload"),
          pick,
        ),
        el("button", { type: "button", class: "button", on: { click: onCamera } }, icon("camera"), camera),
        el("span", { class: "muted dropzone-paste" }, `${paste} `, el("kbd", { text: pasteKey() })),
      ),
      el("p", { class: "dropzone-promise", text: local ? here : sent(location.host) }),
      input,
    ),
    el(
      "div",
      { class: "samples" },
      el("p", { class: "muted", text: samples }),
      el(
        "div",
        { class: "samples-list" },
        ...SAMPLES.map((name) =>
          el(
            "button",
            {
              type: "button",
              class: "sample",
              "aria-label": sample(words.image.samples[name]),
              on: { click: () => onSample(`${name}.jpg`) },
            },
            el("img", { src: addressOf(`samples/${name}.jpg`).href, alt: "", width: 96, height: 72, loading: "lazy" }),
          ),
        ),
      ),
    ),
  );
}

/**
 * An unseen field for a file; `click()` it to let the reader choose.
 * @param {(file: File) => void} onFile
 */
export function filePicker(onFile) {
  const input = el("input", {
    type: "file",
    accept: "image/*",
    class: "visually-hidden",
    tabindex: -1,
    "aria-hidden": "true",
  });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = ""; // the same file may be chosen again
    if (file) onFile(file);
  });
  input.addEventListener("click", (event) => event.stopPropagation());
  return input;
}

function pasteKey() {
  return /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘ V" : "Ctrl + V";
}
