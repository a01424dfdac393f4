/**
 * When the next frame of a camera may be sent: one under way, the newest after it, and no lag that grows.
 *
 * Nothing here touches the camera, the socket or a clock: whoever uses it says what time it is.
 */

/** How long an answer may stay out before one more frame is tried, in round trips, and at least in ms. */
const OVERDUE_ROUND_TRIPS = 4;
const OVERDUE_AT_LEAST = 1500;

/** Weight of the newest round trip in the running mean. */
const NEWEST = 0.2;

/** The longest rest that a busy service is given between two frames, in ms. */
const LONGEST_REST = 1000;

/** A camera's frames come when they come: one this much before its turn is taken, in ms. */
const EARLY = 8;

export class Pacing {
  /** @param {number} rate frames a second to aim at; Infinity: as many as the service answers */
  constructor(rate = Number.POSITIVE_INFINITY) {
    /** Frames a second to aim at. */
    this.rate = rate;
    /** The running mean of the time from sending a frame to its answer, in ms; 0 before the first. */
    this.roundTrip = 0;
    /** @type {Map<number, number>} when each frame under way was sent */
    this.underWay = new Map();
    this.due = 0;
    this.restUntil = 0;
  }

  /**
   * Whether a frame may be sent now.
   *
   * A second one goes out only when the first is long overdue (its answer may be lost), never a third.
   * @param {number} now ms
   */
  ready(now) {
    if (now < this.restUntil || now < this.due - EARLY) return false;
    if (this.underWay.size === 0) return true;
    return this.underWay.size === 1 && this.isOverdue(now);
  }

  /** @param {number} now ms */
  isOverdue(now) {
    const newest = Math.max(...this.underWay.values());
    return now - newest > Math.max(OVERDUE_AT_LEAST, OVERDUE_ROUND_TRIPS * this.roundTrip);
  }

  /**
   * @param {number} sequence
   * @param {number} now ms
   */
  sent(sequence, now) {
    this.underWay.set(sequence, now);
    const interval = 1000 / this.rate;
    // Turns are counted from the last turn, not from the last frame, or each wait for the camera would be lost.
    this.due = this.due + interval > now ? this.due + interval : now + interval;
  }

  /**
   * An answer came; frames sent before it will get none (the service keeps the newest only).
   *
   * A frame that waited longer than it was worked on met a busy service: others get a turn before the next one.
   * @param {number} sequence
   * @param {number} now ms
   * @param {{ waited: number, worked: number }} times of the service, in ms
   * @returns {number | null} the round trip in ms; null for a frame that was not under way
   */
  answered(sequence, now, { waited, worked }) {
    const sentAt = this.underWay.get(sequence);
    if (sentAt === undefined) return null;
    for (const other of this.underWay.keys()) if (other <= sequence) this.underWay.delete(other);
    const roundTrip = now - sentAt;
    this.roundTrip = this.roundTrip === 0 ? roundTrip : this.roundTrip + NEWEST * (roundTrip - this.roundTrip);
    if (waited > worked) this.rest(now + Math.min(waited, LONGEST_REST));
    return roundTrip;
  }

  /**
   * Send nothing before a time, as a service asks that is full.
   * @param {number} until ms
   */
  rest(until) {
    this.restUntil = Math.max(this.restUntil, until);
  }

  /** Forget what is under way: its answers died with their connection. */
  reset() {
    this.underWay.clear();
    this.due = 0;
    this.restUntil = 0;
    this.roundTrip = 0;
  }
}

/** How long to wait before each new try to reach a service, in ms; the last one is repeated. */
const WAITS = [500, 1000, 2000, 4000, 8000, 15000];

/**
 * The wait before a try, a little different each time so that many pages do not come back at once.
 * @param {number} tries failed so far, from 1
 * @param {number} chance in [0, 1)
 * @returns {number} ms
 */
export function waitBefore(tries, chance = Math.random()) {
  const wait = WAITS[Math.min(Math.max(tries, 1), WAITS.length) - 1];
  return Math.round(wait * (0.85 + 0.3 * chance));
}
