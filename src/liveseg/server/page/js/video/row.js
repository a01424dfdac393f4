/** A video in the list: its name, its state, how far it is, and what can be done. */

import { attribute, el } from "../dom.js";
import { icon } from "../icons.js";
import { words } from "../strings.js";
import { detailsOf, shareOf } from "./words.js";

/** @typedef {import("./job.js").VideoJob} VideoJob */

/** @type {Partial<Record<import("./job.js").JobState, string>>} */
const LOOKS = { done: "good", failed: "trouble" };

export class Row {
  /**
   * @param {VideoJob} job
   * @param {{ choose: () => void, remove: () => void }} on
   */
  constructor(job, { choose, remove }) {
    this.job = job;
    this.name = el("span", { class: "job-name", text: job.name });
    this.state = el("span", { class: "tag" });
    this.details = el("span", { class: "job-details number" });
    this.fill = el("span", { class: "progress-fill" });
    this.bar = el("span", { class: "progress", "aria-hidden": "true" }, this.fill);
    this.main = el(
      "button",
      { type: "button", class: "job-main", on: { click: choose } },
      this.name,
      this.state,
      this.bar,
      this.details,
    );
    this.close = el("button", { type: "button", class: "icon-button", on: { click: remove } }, icon("close"));
    this.element = el("li", { class: "job" }, this.main, this.close);
    this.update(false);
  }

  /** @param {boolean} chosen */
  update(chosen) {
    const { job } = this;
    const { state, actions } = words.video;
    const share = shareOf(job);
    attribute(this.main, "aria-current", chosen ? "true" : null);
    this.name.textContent = job.name;
    this.name.title = job.name;
    this.state.textContent = state[job.state];
    attribute(this.state, "data-state", LOOKS[job.state] ?? null);
    this.details.textContent = detailsOf(job).slice(-1).join("");
    this.bar.hidden = !job.busy || share === null;
    this.fill.style.setProperty("--share", String(share ?? 0));
    const label = job.busy ? actions.cancelOf(job.name) : actions.removeOf(job.name);
    if (this.close.getAttribute("aria-label") !== label) {
      this.close.setAttribute("aria-label", label);
      this.close.title = job.busy ? actions.cancel : actions.remove;
    }
  }
}
