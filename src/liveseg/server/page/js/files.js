/** Files that are dropped or pasted anywhere on the page, and the tab that each of them is for. */

import { byId } from "./dom.js";
import { words } from "./strings.js";

/** @typedef {import("./main.js").TabName} TabName */

/** What systems do not always know the type of, by extension. */
const VIDEO_NAMES = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|ts|mts|m2ts|wmv|flv|ogv|3gp)$/i;
const IMAGE_NAMES = /\.(jpe?g|png|webp|tiff?|bmp|gif|avif|jp2|ppm|pgm|qoi|heic)$/i;

/**
 * The tab that a file is for; null where it is neither a picture nor a video.
 * @param {File} file
 * @returns {"image" | "video" | null}
 */
export function kindOf(file) {
  if (file.type.startsWith("image/")) return "image";
  if (file.type.startsWith("video/")) return "video";
  if (VIDEO_NAMES.test(file.name)) return "video";
  return IMAGE_NAMES.test(file.name) ? "image" : null;
}

/**
 * @param {import("./main.js").Shell} shell
 * @param {() => TabName | null} current the tab that is shown
 */
export function listenForFiles(shell, current) {
  const veil = byId("drop-veil");
  veil.textContent = words.drop.anywhere;
  let depth = 0;
  const over = (/** @type {boolean} */ is) => document.body.toggleAttribute("data-dropping", is);
  const send = (/** @type {File[]} */ files) => {
    if (files.length === 0) return;
    // What is neither goes to the tab that is open, which says so.
    const now = current() ?? "image";
    const kind = files.map(kindOf).find((own) => own !== null) ?? (now === "video" ? "video" : "image");
    const fit = files.filter((file) => kindOf(file) === kind);
    shell.openTab(kind, fit.length > 0 ? fit : files);
  };
  window.addEventListener("dragenter", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    depth += 1;
    over(true);
  });
  window.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) over(false);
  });
  window.addEventListener("dragover", (event) => {
    // A link that is let go of over the page would take the page away.
    event.preventDefault();
    if (!hasFiles(event.dataTransfer)) return;
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  window.addEventListener("drop", (event) => {
    depth = 0;
    over(false);
    event.preventDefault();
    if (!hasFiles(event.dataTransfer)) return;
    send([...(event.dataTransfer?.files ?? [])]);
  });
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || isWriting(event.target)) return;
    event.preventDefault();
    send(files);
  });
}

/** @param {DataTransfer | null} data */
function hasFiles(data) {
  return data !== null && [...data.types].includes("Files");
}

/** @param {EventTarget | null} target */
function isWriting(target) {
  return target instanceof Element && target.closest("input, textarea, [contenteditable]") !== null;
}
