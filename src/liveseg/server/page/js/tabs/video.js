/** The tab for videos: sent, watched while they are made, played, and read along the chart of their areas. */

import { ServiceError } from "../api.js";
import { el } from "../dom.js";
import { kindOf } from "../files.js";
import { icon } from "../icons.js";
import { Notice } from "../notice.js";
import { words } from "../strings.js";
import { Choices } from "../video/choices.js";
import { VideoJobs } from "../video/jobs.js";
import { Row } from "../video/row.js";
import { Stage } from "../video/stage.js";

/** @typedef {import("../video/job.js").VideoJob} VideoJob */

/**
 * @param {HTMLElement} panel
 * @param {import("../main.js").Shell} shell
 * @returns {import("../main.js").TabView}
 */
export function open(panel, shell) {
  return new VideoTab(panel, shell);
}

class VideoTab {
  /**
   * @param {HTMLElement} panel
   * @param {import("../main.js").Shell} shell
   */
  constructor(panel, shell) {
    const { video } = words;
    this.jobs = new VideoJobs();
    this.choices = new Choices();
    /** @type {VideoJob | null} the one on the stage */
    this.chosen = null;
    /** @type {Map<VideoJob, Row>} */
    this.rows = new Map();
    this.input = el("input", {
      type: "file",
      accept: "video/*,.mkv,.avi,.ts,.flv,.wmv",
      multiple: true,
      class: "visually-hidden",
      tabindex: -1,
      "aria-hidden": "true",
      on: { change: () => this.#picked() },
    });
    this.stage = new Stage({ cancel: (job) => this.#cancel(job), again: (job) => this.#again(job) });
    this.wrong = new Notice("notice-inline");
    this.welcomeHome = el("div", {});
    this.welcome = this.#welcome();
    this.list = el("ul", { class: "jobs", "aria-label": video.list });
    this.optionsHome = el("div", {});
    this.side = el(
      "aside",
      { class: "video-side stack" },
      this.list,
      el(
        "button",
        { type: "button", class: "button", on: { click: () => this.input.click() } },
        icon("plus"),
        video.another,
      ),
      el("details", { class: "fold" }, el("summary", { text: video.options.title }), this.optionsHome),
      this.stage.timeline.side,
    );
    this.work = el("div", { class: "workspace" }, this.stage.element, this.side);
    panel.append(this.input, this.wrong.element, this.welcome, this.work);
    this.jobs.addEventListener("change", () => this.#update());
    document.addEventListener("visibilitychange", () => document.hidden || this.jobs.refresh());
    shell.presence.addEventListener("change", () => shell.presence.state !== "offline" && this.jobs.refresh());
    this.jobs.restore();
    this.chosen = this.jobs.all[0] ?? null;
    this.#update();
  }

  show() {
    this.stage.shown = true;
    this.stage.update();
    this.#loadModels();
  }

  hide() {
    this.stage.shown = false;
    this.stage.pause();
  }

  /** @param {File[]} files */
  take(files) {
    const videos = files.filter((file) => kindOf(file) !== "image");
    if (videos.length === 0) {
      this.wrong.show("error", words.video.notVideo);
      return;
    }
    this.wrong.clear();
    for (const file of videos) this.chosen = this.jobs.add(file, { ...this.choices.chosen });
    this.#update();
  }

  #welcome() {
    const { video } = words;
    const choose = () => this.input.click();
    return el(
      "section",
      { class: "start", "aria-labelledby": "video-start" },
      el(
        "div",
        {
          class: "dropzone",
          // The whole of it may be clicked; by the keyboard its button is.
          on: { click: (event) => !(event.target instanceof Element && event.target.closest("button")) && choose() },
        },
        icon("video", "dropzone-icon"),
        el("h1", { id: "video-start", text: video.start }),
        el("p", { class: "dropzone-text", text: video.lead }),
        el(
          "div",
          { class: "dropzone-actions" },
          el(
            "button",
            { type: "button", class: "button primary", on: { click: choose } },
            icon("upload"),
            video.choose,
          ),
        ),
        el("p", { class: "dropzone-promise", text: video.hint }),
      ),
      el("details", { class: "fold" }, el("summary", { text: video.options.title }), this.welcomeHome),
    );
  }

  #picked() {
    const files = [...(this.input.files ?? [])];
    this.input.value = "";
    if (files.length > 0) this.take(files);
  }

  /** @param {VideoJob} job */
  #cancel(job) {
    if (job.id === null) job.cancel();
    else if (job.busy) job.cancel();
    else this.jobs.remove(job);
  }

  /** @param {VideoJob} job */
  #again(job) {
    if (job.file === null) {
      this.input.click();
      return;
    }
    this.chosen = this.jobs.add(job.file, job.options);
    this.jobs.remove(job);
  }

  /** @param {VideoJob} job */
  #remove(job) {
    const place = this.jobs.all.indexOf(job);
    if (this.chosen === job) this.chosen = this.jobs.all[place + 1] ?? this.jobs.all[place - 1] ?? null;
    this.jobs.remove(job);
    const next = this.chosen && this.rows.get(this.chosen)?.main;
    (next ?? this.welcome.querySelector("button"))?.focus();
  }

  #update() {
    const { all } = this.jobs;
    const empty = all.length === 0;
    this.welcome.hidden = !empty;
    this.work.hidden = empty;
    const home = empty ? this.welcomeHome : this.optionsHome;
    if (this.choices.element.parentElement !== home) home.append(this.choices.element);
    for (const [job, row] of this.rows) {
      if (all.includes(job)) continue;
      row.element.remove();
      this.rows.delete(job);
    }
    all.forEach((job, place) => {
      const row = this.rows.get(job) ?? this.#row(job);
      if (this.list.children[place] !== row.element)
        this.list.insertBefore(row.element, this.list.children[place] ?? null);
      row.update(job === this.chosen);
    });
    this.stage.show(this.chosen);
  }

  /** @param {VideoJob} job */
  #row(job) {
    const row = new Row(job, {
      choose: () => {
        this.chosen = job;
        this.#update();
      },
      remove: () => (job.busy ? this.#cancel(job) : this.#remove(job)),
    });
    this.rows.set(job, row);
    return row;
  }

  async #loadModels() {
    if (this.choices.model.models.length > 0) return;
    try {
      await this.choices.load();
    } catch (error) {
      // The usual model is taken; the banner says what is wrong with the service.
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}
