/** A finished video: its player, or its file, and its downloads. */

import { el } from "../dom.js";
import { icon } from "../icons.js";
import { size, words } from "../strings.js";
import { linked } from "./job.js";

/** @typedef {import("./job.js").VideoJob} VideoJob */

/** A clip shorter than this, in seconds, is played again and again. */
const SHORT = 5;

/**
 * The player of a video; null for a result that is no video.
 * @param {VideoJob} job
 * @param {() => void} onError the browser cannot play it
 */
export function playerOf(job, onError) {
  const result = job.told?.result;
  const address = linked(job.told?.links.result);
  if (!result || address === null || !result.media_type.startsWith("video/")) return null;
  const transparent = job.told?.options.output === "cutout";
  return el("video", {
    class: transparent ? "checkered" : "",
    src: address,
    // A poster would stay behind what is transparent.
    poster: transparent ? null : linked(job.told?.links.poster),
    controls: true,
    playsinline: true,
    preload: "metadata",
    loop: (result.seconds ?? SHORT) < SHORT,
    "aria-label": words.video.player(job.name),
    on: { error: onError },
  });
}

/**
 * What is seen of a result that is no video.
 * @param {VideoJob} job
 */
export function posterOf(job) {
  const poster = linked(job.told?.links.poster);
  return poster === null ? null : el("img", { src: poster, alt: words.video.poster(job.name) });
}

/**
 * What stands below: downloads, how long it is kept, and what is worth knowing.
 * @param {VideoJob} job
 * @param {() => void} saveAreas
 * @returns {(HTMLElement | null)[]}
 */
export function belowOf(job, saveAreas) {
  const { video } = words;
  const result = job.told?.result;
  const address = linked(job.told?.links.result);
  if (!result || address === null) return [];
  const whole = video.actions.downloadSize(size(result.bytes));
  const notes = job.told?.notes ?? [];
  const expires = job.told?.expires;
  return [
    el(
      "div",
      { class: "row" },
      el("a", { class: "button primary", href: address, download: result.file_name }, icon("download"), whole),
      el(
        "button",
        { type: "button", class: "button", on: { click: saveAreas } },
        icon("download"),
        video.actions.areas,
      ),
      expires ? el("span", { class: "muted video-kept", text: video.kept(timeOf(expires)) }) : null,
    ),
    result.media_type.startsWith("video/") ? null : el("p", { class: "muted", text: video.fileOnly }),
    notes.length > 0
      ? el(
          "ul",
          { class: "video-notes muted", "aria-label": video.notes },
          ...notes.map((note) => el("li", { text: note })),
        )
      : null,
  ];
}

/** @param {string} moment */
function timeOf(moment) {
  return new Date(moment).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
