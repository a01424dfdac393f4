/** A video on its way: being sent, waiting, or being made, with its newest frame as a preview. */

import { attribute, el } from "../dom.js";
import { words } from "../strings.js";
import { linked } from "./job.js";
import { detailsOf, shareOf } from "./words.js";

/** @typedef {import("./job.js").VideoJob} VideoJob */

/** The time between two previews, in ms. */
const BETWEEN = 1000;

export class Making {
  /**
   * @param {VideoJob} job
   * @param {() => void} cancel
   */
  constructor(job, cancel) {
    const { actions, preview, state } = words.video;
    this.picture = el("img", { class: "video-preview", alt: preview, hidden: true });
    this.line = el("p", { class: "muted" });
    this.waiting = el(
      "div",
      { class: "video-waiting" },
      el("div", { class: "spinner", "aria-hidden": "true" }),
      this.line,
    );
    /** What goes into the frame of the stage. */
    this.inFrame = [this.picture, this.waiting];
    this.bar = el("div", { class: "progress-fill" });
    this.progress = el(
      "div",
      {
        class: "progress wide",
        role: "progressbar",
        "aria-label": state[job.state],
        "aria-valuemin": 0,
        "aria-valuemax": 100,
      },
      this.bar,
    );
    this.details = el("span", { class: "muted number" });
    const head = el("div", { class: "video-progress-head" }, el("strong", { text: state[job.state] }), this.details);
    /** What goes below it. */
    this.below = [
      el("div", { class: "video-progress" }, head, this.progress),
      el("button", { type: "button", class: "button", text: actions.cancel, on: { click: cancel } }),
    ];
    this.loadedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param {VideoJob} job
   * @param {boolean} shown whether anybody sees it: if not, no preview is loaded
   */
  update(job, shown) {
    const share = shareOf(job);
    this.details.textContent = detailsOf(job).join(" · ");
    this.bar.style.setProperty("--share", String(share ?? 0));
    this.progress.classList.toggle("unknown", share === null);
    attribute(this.progress, "aria-valuenow", share === null ? null : Math.round(100 * share));
    this.line.textContent = job.state === "queued" && (job.told?.place ?? 0) > 0 ? words.video.waiting : "";
    const preview = linked(job.told?.links.preview, job.told?.progress.frames);
    const now = performance.now();
    if (preview === null || !shown || now - this.loadedAt < BETWEEN) return;
    this.loadedAt = now;
    this.#load(preview);
  }

  /**
   * Show the next preview once it is decoded, so that nothing flickers.
   * @param {string} address
   */
  async #load(address) {
    const next = new Image();
    next.src = address;
    try {
      await next.decode();
    } catch {
      return; // it is being replaced just now, or the video is done: there is another one soon, or none is needed
    }
    this.picture.src = next.src;
    this.picture.hidden = false;
    this.waiting.hidden = true;
  }
}
