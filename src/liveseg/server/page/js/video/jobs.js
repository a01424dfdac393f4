/** The videos of this browser tab, the newest first; found again after a reload. */

import { VideoJob } from "./job.js";
import { forgetVideo, keepVideo, keptVideos } from "./kept.js";

/** Says `change` when a video comes or goes, and when one of them has something else to show. */
export class VideoJobs extends EventTarget {
  constructor() {
    super();
    /** @type {VideoJob[]} */
    this.all = [];
  }

  /** Find those that this browser tab sent before it was reloaded. */
  restore() {
    for (const { id, name } of keptVideos()) {
      const job = this.#watched(new VideoJob({ id, name }));
      this.all.push(job);
      job.follow();
    }
    this.#changed();
  }

  /**
   * Send a video and follow it.
   * @param {File} file
   * @param {Record<string, string | number | boolean | null>} options
   * @returns {VideoJob}
   */
  add(file, options) {
    const job = this.#watched(new VideoJob({ name: file.name }));
    this.all.unshift(job);
    job.send(file, options).then((taken) => {
      if (taken && job.id !== null && this.all.includes(job)) keepVideo({ id: job.id, name: job.name });
    });
    this.#changed();
    return job;
  }

  /**
   * Take a video off the list; what the service still has of it is removed there, too.
   * @param {VideoJob} job
   */
  async remove(job) {
    this.all = this.all.filter((own) => own !== job);
    if (job.id !== null) forgetVideo(job.id);
    job.rest();
    this.#changed();
    if (job.state !== "expired" && job.state !== "cancelled") await job.cancel();
    job.rest();
  }

  /** Ask at once how all of them are: the page was hidden, or the service was gone. */
  refresh() {
    for (const job of this.all) {
      job.failures = 0;
      job.follow();
      job.look();
    }
  }

  /** @param {VideoJob} job */
  #watched(job) {
    job.addEventListener("change", () => this.#changed());
    return job;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
