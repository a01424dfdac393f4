/** What is told about a live view: how many frames a second were shown, and how old they were. */

/** Frames are counted over this long, in ms. */
const SPAN = 2000;

/**
 * @typedef {object} Reading
 * @property {number | null} rate frames shown a second; null before there are two
 * @property {number | null} age median age when shown, in ms
 * @property {number | null} worked median time that the service worked on a frame, in ms
 * @property {number | null} waited median time that a frame waited in the service, in ms
 * @property {number} dropped frames that the service left out, in all
 */

export class Meter {
  constructor() {
    /** @type {{ at: number, age: number, waited: number, worked: number }[]} */
    this.shown = [];
    this.dropped = 0;
  }

  /**
   * A frame was shown.
   * @param {number} at ms
   * @param {{ age: number, waited: number, worked: number, dropped: number }} frame
   */
  show(at, { age, waited, worked, dropped }) {
    this.shown.push({ at, age, waited, worked });
    this.dropped += dropped;
    this.#forget(at);
  }

  /**
   * @param {number} now ms
   * @returns {Reading}
   */
  read(now) {
    this.#forget(now);
    const frames = this.shown;
    return {
      rate: frames.length < 2 ? null : rateOf(frames, now),
      age: median(frames.map((frame) => frame.age)),
      waited: median(frames.map((frame) => frame.waited)),
      worked: median(frames.map((frame) => frame.worked)),
      dropped: this.dropped,
    };
  }

  /** Begin anew: after a pause, or on another connection. */
  reset() {
    this.shown = [];
    this.dropped = 0;
  }

  /** @param {number} now */
  #forget(now) {
    while (this.shown.length > 0 && this.shown[0].at < now - SPAN) this.shown.shift();
  }
}

/**
 * Frames are N, the spaces between them N - 1; a view that has stopped counts the time since its last frame, too.
 * @param {{ at: number }[]} frames
 * @param {number} now
 */
function rateOf(frames, now) {
  const first = frames[0].at;
  const last = frames[frames.length - 1].at;
  const mean = (last - first) / (frames.length - 1);
  const elapsed = now - last > 2 * mean ? now - first : last - first;
  return elapsed > 0 ? (1000 * (frames.length - 1)) / elapsed : null;
}

/**
 * @param {number[]} values
 * @returns {number | null}
 */
function median(values) {
  if (values.length === 0) return null;
  const ordered = [...values].sort((a, b) => a - b);
  const middle = ordered.length >> 1;
  return ordered.length % 2 === 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
}
