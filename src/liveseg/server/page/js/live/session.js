/** A live view from the camera to the canvas: what it is doing, and what makes it do something else. */

import { socketAddress, token, wantToken } from "../api.js";
import { labelsOf } from "../labels.js";
import { frameMessage, isLayers, readHeader, readMessage } from "../wire.js";
import { CameraError, closeCamera, openCamera } from "./camera.js";
import { Capture } from "./capture.js";
import { Connection } from "./connection.js";
import { Meter } from "./meter.js";

/**
 * off: nothing is open; asking: for the camera; connecting: to the service; live; paused: by its user; lost: the service
 * is gone, it is tried again; trouble: somebody has to do something.
 * @typedef {"off" | "asking" | "connecting" | "live" | "paused" | "lost" | "trouble"} LiveState
 */

/**
 * @typedef {object} Trouble
 * @property {import("./camera.js").CameraTrouble | "token" | "service"} kind
 * @property {string} [text] the service's own words
 */

/** The longest side of what is sent, in pixels: no network of ours takes in more than about this. */
const LONGEST = 640;

/** Says `change` when the state is another, `ready` when the service has told its classes, `frame` when one was drawn. */
export class LiveSession extends EventTarget {
  /** @param {import("./view.js").View} view */
  constructor(view) {
    super();
    this.view = view;
    this.meter = new Meter();
    /** @type {LiveState} */
    this.state = "off";
    /** @type {Trouble | null} */
    this.trouble = null;
    /** When the next try is made, in ms of `performance.now()`. */
    this.nextTry = 0;
    /** What the service is asked for besides. @type {Record<string, unknown>} */
    this.options = {};
    /** @type {string | null} */
    this.deviceId = null;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.capture = new Capture(this.video, { send: (frame, jpeg) => this.#send(frame, jpeg) });
    this.connection = new Connection(
      socketAddress("v1/live"),
      () => ({ ...(token() === null ? {} : { token: token() }), output: "layers", ...this.options }),
      {
        onConnecting: () => this.#set(this.state === "lost" ? "lost" : "connecting"),
        onReady: (ready) => this.#ready(ready),
        onMessage: (message) => this.#answer(message),
        onProblem: (problem) => this.#problem(problem),
        onLost: (wait) => this.#lost(wait),
      },
    );
    /** Counts the starts: what an earlier one still waits for is not for a later one. */
    this.run = 0;
  }

  /** The settings of the camera in use; null: none is. */
  get camera() {
    return this.stream?.getVideoTracks()[0]?.getSettings() ?? null;
  }

  /** Open the camera and the line. */
  async start() {
    const run = ++this.run;
    this.#closeAll();
    this.trouble = null;
    this.#set("asking");
    try {
      const stream = await openCamera(this.deviceId);
      if (run !== this.run) {
        closeCamera(stream);
        return;
      }
      this.stream = stream;
      stream
        .getVideoTracks()[0]
        .addEventListener("ended", () => this.stream === stream && this.#fail({ kind: "ended" }));
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      if (run !== this.run) return;
      if (!(error instanceof CameraError)) throw error;
      this.#fail({ kind: error.trouble });
      return;
    }
    if (run === this.run) this.connection.openNow();
  }

  /** Give back camera and line. */
  stop() {
    this.run += 1;
    this.#closeAll();
    this.trouble = null;
    this.#set("off");
  }

  /** Send nothing until `resume`; the newest frame stays. */
  pause() {
    if (this.state !== "live") return;
    this.capture.stop();
    this.#set("paused");
  }

  resume() {
    if (this.state !== "paused") return;
    this.meter.reset();
    if (this.connection.ready) {
      this.capture.start();
      this.#set("live");
    } else {
      this.connection.openNow();
    }
  }

  /** Try to reach the service at once. */
  retry() {
    if (this.state === "lost") this.connection.openNow();
  }

  /**
   * Ask the service for other things.
   * @param {Record<string, unknown>} options null is the usual again
   */
  change(options) {
    Object.assign(this.options, options);
    this.connection.change(options);
  }

  /** @param {number} rate frames a second to aim at */
  aim(rate) {
    this.capture.pacing.rate = rate;
  }

  /**
   * @param {import("./capture.js").SentFrame} frame
   * @param {Blob} jpeg
   */
  #send({ sequence, taken }, jpeg) {
    return this.connection.send(frameMessage(sequence, taken, jpeg));
  }

  /** @param {import("./connection.js").Ready} ready */
  #ready(ready) {
    const wasPaused = this.state === "paused";
    this.view.labels = labelsOf(ready.labels, ready.palette, ready.background);
    this.capture.longest = Math.max(LONGEST, ready.size ?? 0);
    this.trouble = null;
    if (!wasPaused) {
      if (this.state !== "live") this.meter.reset();
      this.capture.start();
      this.#set("live");
    }
    this.view.draw();
    this.dispatchEvent(new CustomEvent("ready", { detail: ready }));
  }

  /** @param {ArrayBuffer} message */
  async #answer(message) {
    const header = readHeader(message);
    // The next frame is on its way before this one is unpacked and drawn.
    const frame = this.capture.answered(header.sequence, header);
    if (frame === null) return;
    const run = this.run;
    const answer = await readMessage(message);
    if (run !== this.run || this.state !== "live" || !isLayers(answer) || frame.sequence < this.newest) {
      frame.picture.close();
      return;
    }
    this.newest = frame.sequence;
    this.view.show(frame.picture, answer.layers);
    const now = performance.now();
    this.meter.show(now, {
      age: now - header.stamp,
      waited: header.waited,
      worked: header.worked,
      dropped: header.dropped,
    });
    this.dispatchEvent(new Event("frame"));
  }

  /** The number of the frame that is shown. */
  newest = 0;

  /** @param {import("./connection.js").Problem} problem */
  #problem(problem) {
    if (problem.sequence !== undefined) {
      this.capture.refused(problem.sequence, problem.retry_after ?? 0);
      return false;
    }
    if (problem.status === 401) {
      this.#askForToken();
      return true;
    }
    this.trouble = { kind: "service", text: problem.detail ?? problem.title };
    // What is full or not ready yet will be; what was asked for wrongly stays wrong.
    const hopeless = !this.connection.ready && problem.status < 500 && problem.status !== 429 && problem.status !== 408;
    if (hopeless) this.#fail(this.trouble);
    else this.dispatchEvent(new Event("change"));
    return hopeless;
  }

  async #askForToken() {
    const run = this.run;
    const given = await wantToken();
    if (run !== this.run) return;
    if (given) this.connection.openNow();
    else this.#fail({ kind: "token" });
  }

  /** @param {number} wait ms */
  #lost(wait) {
    this.capture.stop();
    if (this.state === "paused") {
      // Nobody waits for it: it is opened again when there is something to send.
      this.connection.close();
      return;
    }
    this.nextTry = performance.now() + wait;
    this.#set("lost", true);
  }

  /** @param {Trouble} trouble */
  #fail(trouble) {
    this.#closeAll();
    this.trouble = trouble;
    this.#set("trouble", true);
  }

  #closeAll() {
    this.capture.stop();
    this.connection.close();
    closeCamera(this.stream);
    this.stream = null;
    this.video.srcObject = null;
    this.meter.reset();
  }

  /**
   * @param {LiveState} state
   * @param {boolean} [again] say it even if it is the same
   */
  #set(state, again = false) {
    if (state === this.state && !again) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
