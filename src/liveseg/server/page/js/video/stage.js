/** The video that was chosen from the list: as it is made, to be played, or why it is not there. */

import { attribute, el, fill } from "../dom.js";
import { Notice } from "../notice.js";
import { words } from "../strings.js";
import { Making } from "./making.js";
import { belowOf, playerOf, posterOf } from "./result.js";
import { areasTable, Timeline } from "./timeline.js";

/** @typedef {import("./job.js").VideoJob} VideoJob */
/** @typedef {import("./job.js").JobAreas} JobAreas */

/** The chart grows while a video is made: its areas are asked for again after so long, in ms. */
const GROWS = 2500;

export class Stage {
  /** @param {{ cancel: (job: VideoJob) => void, again: (job: VideoJob) => void }} on */
  constructor(on) {
    this.on = on;
    /** @type {VideoJob | null} */
    this.job = null;
    /** What is built; it is built anew only when this is another. */
    this.built = "";
    /** @type {Making | null} */
    this.making = null;
    /** @type {HTMLVideoElement | null} */
    this.player = null;
    /** @type {JobAreas | null} */
    this.areas = null;
    this.areasAt = Number.NEGATIVE_INFINITY;
    /** Whether the tab is shown. */
    this.shown = true;
    this.timeline = new Timeline((seconds) => {
      if (this.player !== null) this.player.currentTime = seconds;
    });
    this.notice = new Notice();
    this.status = el("p", { class: "visually-hidden", role: "status" });
    this.frame = el("div", { class: "stage video-stage" });
    this.below = el("div", { class: "video-below" });
    this.element = el("div", { class: "video-main" }, this.status, this.frame, this.below, this.timeline.element);
  }

  /**
   * Show a video; null: none.
   * @param {VideoJob | null} job
   */
  show(job) {
    if (job !== this.job) {
      this.job = job;
      this.built = "";
      this.areas = null;
      this.areasAt = Number.NEGATIVE_INFINITY;
      this.timeline.follow(null);
      this.timeline.show(null, 0);
    }
    this.update();
  }

  /** The chosen video may have changed. */
  update() {
    const { job } = this;
    if (job === null) {
      this.#stop();
      return;
    }
    const what = `${job.state}${job.told?.result ? " result" : ""}${job.trouble ? " trouble" : ""}`;
    if (what !== this.built) {
      this.built = what;
      this.#build(job);
      this.status.textContent = `${job.name}: ${words.video.state[job.state]}`;
    }
    if (this.making !== null) {
      // How large its pictures are is only told once it is read.
      this.#shape(job);
      this.making.update(job, this.shown);
    }
    this.#grow(job);
  }

  /** The tab is hidden: nothing plays on where nobody sees it. */
  pause() {
    this.player?.pause();
  }

  /** @param {VideoJob} job */
  #build(job) {
    this.#stop();
    this.notice.clear();
    attribute(this.frame, "data-state", job.state);
    this.#shape(job);
    if (job.busy) {
      this.making = new Making(job, () => this.on.cancel(job));
      fill(this.frame, ...this.making.inFrame);
      fill(this.below, ...this.making.below);
    } else if (job.state === "done") {
      const player = playerOf(job, () => this.player === player && this.#unplayable(job));
      this.player = player;
      this.timeline.follow(player);
      fill(this.frame, player ?? posterOf(job));
      fill(this.below, ...belowOf(job, () => this.#saveAreas(job)));
    } else {
      this.#end(job);
    }
  }

  /** Give the frame the form of the video. @param {VideoJob} job */
  #shape(job) {
    const { width, height } = job.told?.result?.width
      ? job.told.result
      : (job.told?.source ?? { width: null, height: null });
    const ratio = width && height ? `${width} / ${height}` : "16 / 9";
    // Words need the room that they need.
    this.frame.style.setProperty("aspect-ratio", job.busy || job.state === "done" ? ratio : "auto");
  }

  /** Let go of what was there: a player that is only taken out of the page loads on. */
  #stop() {
    this.making = null;
    const { player } = this;
    this.player = null;
    if (player === null) return;
    this.timeline.follow(null);
    player.pause();
    player.removeAttribute("src");
    player.load();
  }

  /** @param {VideoJob} job */
  async #unplayable(job) {
    this.#stop();
    // Mostly it has expired since it was loaded.
    await job.look();
    if (job !== this.job || job.state !== "done") return;
    this.notice.show("error", words.video.unplayable);
    this.frame.style.setProperty("aspect-ratio", "auto");
    fill(this.frame, this.notice.element);
  }

  /** @param {VideoJob} job */
  #end(job) {
    const { video } = words;
    // A file that is not taken is not taken the next time either; another one is added beside it.
    const actions = job.trouble?.lasting ? [] : [{ label: video.actions.again, run: () => this.on.again(job) }];
    if (job.state === "cancelled") this.notice.show("empty", { ...video.cancelled, actions });
    else if (job.state === "expired") this.notice.show("empty", { ...video.expired, actions });
    else {
      const why = job.trouble ?? job.told?.failure;
      this.notice.show("error", { title: why?.title || video.failed, text: why?.detail ?? "", actions });
    }
    fill(this.frame, this.notice.element);
    fill(this.below);
    if (job.state !== "failed") this.timeline.show(null, 0);
  }

  /**
   * Ask for the areas: again and again while it is made, and once more when it is done.
   * @param {VideoJob} job
   */
  async #grow(job) {
    const done = job.state === "done";
    const now = performance.now();
    if (!this.shown || !job.told?.links.areas || !(done || job.state === "running")) return;
    if (this.areasAt === Number.POSITIVE_INFINITY || (!done && now - this.areasAt < GROWS)) return;
    this.areasAt = done ? Number.POSITIVE_INFINITY : now;
    const areas = await job.areas();
    if (areas === null || job !== this.job || job.told === null) return;
    this.areas = areas;
    const last = areas.times.at(-1) ?? 0;
    const duration = Math.max(job.told.result?.seconds ?? job.told.source.seconds ?? last, last);
    this.timeline.show(areas, duration, done ? duration : last);
  }

  /** @param {VideoJob} job */
  #saveAreas(job) {
    if (this.areas === null) return;
    const address = URL.createObjectURL(areasTable(this.areas));
    el("a", { href: address, download: `${job.name.replace(/\.[^.]*$/, "")}_areas.csv` }).click();
    window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}
