/** From the camera to the service: the newest frame as a JPEG, and the frame itself kept until its answer comes. */

import { watchFrames } from "./camera.js";
import { Pacing } from "./pacing.js";

/**
 * @typedef {object} SentFrame
 * @property {number} sequence
 * @property {number} taken when the camera took it, in ms of `performance.now()`
 * @property {ImageBitmap} picture as the camera gave it
 */

/** Of the JPEG that is sent; a network sees no difference, the way there is shorter. */
const QUALITY = 0.85;

export class Capture {
  /**
   * @param {HTMLVideoElement} video
   * @param {object} to
   * @param {(frame: SentFrame, jpeg: Blob) => boolean} to.send false when it could not be sent
   * @param {() => number} [to.clock] ms
   */
  constructor(video, { send, clock = () => performance.now() }) {
    this.video = video;
    this.pacing = new Pacing();
    /** The longest side of what is sent, in pixels. */
    this.longest = 640;
    this.send = send;
    this.clock = clock;
    /** @type {Map<number, SentFrame>} frames under way */
    this.kept = new Map();
    this.sequence = 0;
    /** @type {number | null} when the camera took the newest frame that was not sent */
    this.newest = null;
    this.encoding = false;
    this.open = false;
    this.canvas = document.createElement("canvas");
    /** @type {(() => void) | null} */
    this.unwatch = null;
    this.alarm = 0;
  }

  /** Frames sent whose answers have not come. */
  get underWay() {
    return this.pacing.underWay.size;
  }

  /** Begin to send; the service is ready. */
  start() {
    if (this.open) return;
    this.open = true;
    this.unwatch = watchFrames(this.video, (taken) => {
      this.newest = taken;
      this.#next();
    });
    // A camera that has stopped and an answer that is lost wake nobody.
    this.alarm = window.setInterval(() => this.#next(), 250);
  }

  /** Send nothing more, and forget what is under way. */
  stop() {
    this.open = false;
    this.unwatch?.();
    this.unwatch = null;
    window.clearInterval(this.alarm);
    this.newest = null;
    this.pacing.reset();
    for (const { picture } of this.kept.values()) picture.close();
    this.kept.clear();
  }

  /**
   * The frame that an answer belongs to, which is the caller's from now on; older ones get no answer any more.
   * @param {number} sequence
   * @param {{ waited: number, worked: number }} times of the service, in ms
   * @returns {SentFrame | null} null for the answer to a frame of an earlier connection
   */
  answered(sequence, times) {
    this.pacing.answered(sequence, this.clock(), times);
    const frame = this.kept.get(sequence) ?? null;
    for (const [number, { picture }] of this.kept) {
      if (number > sequence) continue;
      if (number < sequence) picture.close();
      this.kept.delete(number);
    }
    this.#next();
    return frame;
  }

  /**
   * A frame gets no answer.
   * @param {number} sequence
   * @param {number} seconds to rest before the next one
   */
  refused(sequence, seconds) {
    const now = this.clock();
    this.pacing.rest(now + 1000 * seconds);
    this.answered(sequence, { waited: 0, worked: 0 })?.picture.close();
  }

  async #next() {
    if (!this.open || this.encoding || this.newest === null || !this.pacing.ready(this.clock())) return;
    const taken = this.newest;
    this.newest = null;
    this.encoding = true;
    try {
      await this.#sendOne(taken);
    } finally {
      this.encoding = false;
    }
  }

  /** @param {number} taken */
  async #sendOne(taken) {
    if (this.video.videoWidth === 0) return;
    const picture = await createImageBitmap(this.video);
    const jpeg = await this.#encode(picture);
    const sequence = (this.sequence + 1) >>> 0;
    if (!this.open || jpeg === null || !this.send({ sequence, taken, picture }, jpeg)) {
      picture.close();
      return;
    }
    this.sequence = sequence;
    this.kept.set(sequence, { sequence, taken, picture });
    this.pacing.sent(sequence, this.clock());
  }

  /**
   * @param {ImageBitmap} picture
   * @returns {Promise<Blob | null>}
   */
  #encode(picture) {
    const scale = Math.min(1, this.longest / Math.max(picture.width, picture.height));
    const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0, width, height);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }
}
