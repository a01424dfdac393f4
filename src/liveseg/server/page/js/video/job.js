/** One video: on its way to the service, waiting there, being made, done; or why not. */

import { json, request, ServiceError, upload } from "../api.js";
import { speedometer } from "./speed.js";

/**
 * `AreasOverTime` of the service.
 * @typedef {object} JobAreas
 * @property {number[]} times in seconds
 * @property {{ index: number, name: string, color: number[], share: number[] }[]} classes
 */

/** @typedef {"uploading" | "queued" | "running" | "done" | "failed" | "cancelled" | "expired"} JobState */

/**
 * What the service tells of a job, as far as the page shows it: `VideoJobAnswer` of the service.
 * @typedef {object} Told
 * @property {string} id
 * @property {"queued" | "running" | "done" | "failed" | "cancelled" | "expired"} state
 * @property {number | null} place in the queue, from 1
 * @property {string} name
 * @property {string | null} expires
 * @property {{ output: string, model: string }} options
 * @property {{ share: number | null, frames: number, expected: number | null, rate: number, remaining_seconds: number | null }} progress
 * @property {{ seconds: number | null, width: number | null, height: number | null }} source
 * @property {{ bytes: number, media_type: string, file_name: string, seconds: number | null, width: number | null, height: number | null, sound: boolean | null } | null} result
 * @property {{ index: number, name: string, color: number[] }[]} labels
 * @property {string[]} notes
 * @property {{ title: string, detail: string } | null} failure
 * @property {{ self: string, result: string | null, preview: string | null, poster: string | null, areas: string | null }} links
 */

/**
 * How far the file is on its way.
 * @typedef {object} Sending
 * @property {number} sent bytes
 * @property {number} total bytes
 * @property {number | null} remaining seconds
 */

/** How often to ask, in ms: while it is made, while it waits, and at most when the service does not answer. */
const RUNNING = 800;
const WAITING = 1500;
const SELDOM = 10_000;

/** Says `change` whenever there is something else to show. */
export class VideoJob extends EventTarget {
  /** @param {{ id?: string | null, name: string }} about */
  constructor({ id = null, name }) {
    super();
    this.id = id;
    this.name = name;
    /** @type {Told | null} the newest answer of the service */
    this.told = null;
    /** @type {Sending | null} */
    this.sending = null;
    /**
     * What went wrong on this side of the service; `lasting`: it would again.
     * @type {{ title: string, detail: string, lasting: boolean } | null}
     */
    this.trouble = null;
    /** The service does not answer; it is asked again. */
    this.unreachable = false;
    /** It was given up here, before the service had a job of it, or the service knows it no more. @type {JobState | null} */
    this.end = null;
    /** The file, while this page has it; after a reload it does not. @type {File | null} */
    this.file = null;
    /** What was asked for. @type {Record<string, string | number | boolean | null>} */
    this.options = {};
    this.abort = new AbortController();
    this.timer = 0;
    this.failures = 0;
  }

  /** @returns {JobState} */
  get state() {
    return this.end ?? this.told?.state ?? (this.sending !== null ? "uploading" : "queued");
  }

  /** Whether it changes by itself: being sent, waiting, or being made. */
  get busy() {
    return this.state === "uploading" || this.state === "queued" || this.state === "running";
  }

  /**
   * Send a file, and follow what becomes of it.
   * @param {File} file
   * @param {Record<string, string | number | boolean | null>} options of the job
   * @returns {Promise<boolean>} whether the service took it
   */
  async send(file, options) {
    this.file = file;
    this.options = options;
    this.sending = { sent: 0, total: file.size, remaining: null };
    this.#changed();
    const measure = speedometer(performance.now());
    try {
      const { data } = await upload("v1/videos", file, {
        query: { ...options, name: file.name },
        headers: { "content-type": file.type || "application/octet-stream" },
        signal: this.abort.signal,
        onProgress: (sent, total) => {
          const speed = measure(sent, performance.now());
          this.sending = { sent, total, remaining: speed ? (total - sent) / speed : null };
          this.#changed();
        },
      });
      this.id = data.id;
      this.#take(data);
      this.follow();
      return true;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") this.end = "cancelled";
      else if (error instanceof ServiceError) this.#fail(error);
      else throw error;
      return false;
    } finally {
      this.sending = null;
      this.#changed();
    }
  }

  /** Ask for its state until it changes no more. */
  follow() {
    window.clearTimeout(this.timer);
    if (this.id === null || !this.busy) return;
    let patience = this.state === "running" ? RUNNING : WAITING;
    if (this.told === null) patience = 0;
    if (this.failures > 0) patience = Math.min(SELDOM, RUNNING * 2 ** this.failures);
    this.timer = window.setTimeout(() => this.#ask(), document.hidden ? Math.max(patience, SELDOM / 2) : patience);
  }

  /** Ask once how it is, whatever it was: results expire. */
  async look() {
    if (this.id !== null && this.end === null && !this.busy) await this.#ask();
  }

  /** Ask no more. */
  rest() {
    window.clearTimeout(this.timer);
  }

  /** Give it up: what is sent is stopped, what is made is ended, and what there is of it is removed. */
  async cancel() {
    if (this.id === null) {
      this.abort.abort();
      return;
    }
    try {
      await request(`v1/videos/${this.id}`, { method: "DELETE" });
      this.end = "cancelled";
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status === 404 || error.status === 410) this.end = "cancelled";
    }
    this.#changed();
    this.follow();
  }

  /**
   * How much of the picture each class covers, so far.
   * @returns {Promise<JobAreas | null>} null: not yet, or no more
   */
  async areas() {
    if (this.id === null || !this.told?.links.areas) return null;
    try {
      return await json(`v1/videos/${this.id}/areas`);
    } catch (error) {
      if (error instanceof ServiceError) return null;
      throw error;
    }
  }

  async #ask() {
    if (this.id === null) return;
    try {
      this.#take(await json(`v1/videos/${this.id}`));
      this.failures = 0;
      this.unreachable = false;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status === 404 || error.status === 410) this.end = "expired";
      else if (error.trouble === "token") this.#fail(error);
      this.failures += 1;
      this.unreachable = error.status === 0;
    }
    this.#changed();
    this.follow();
  }

  /** @param {Told} told */
  #take(told) {
    this.told = told;
    if (told.name) this.name = told.name;
  }

  /** @param {ServiceError} error */
  #fail(error) {
    this.end = "failed";
    const lasting = error.trouble === "large" || error.trouble === "unsupported";
    this.trouble = { title: error.title, detail: error.detail, lasting };
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * The address of a link of a job.
 * @param {string | null | undefined} link
 * @param {string | number} [fresh] another one makes the browser load it again
 */
export function linked(link, fresh) {
  if (!link) return null;
  const address = new URL(link, document.baseURI);
  if (fresh !== undefined) address.searchParams.set("at", String(fresh));
  return address.href;
}
