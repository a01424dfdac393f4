/** The line to the service: opened, opened again with growing waits when it is cut, and closed for good. */

import { waitBefore } from "./pacing.js";

/**
 * What the service says first, and after each change of the options.
 * @typedef {object} Ready
 * @property {string} model
 * @property {number} size
 * @property {string[]} labels
 * @property {number[][]} palette one RGB colour a class
 * @property {boolean} background whether class 0 is the background
 */

/**
 * @typedef {object} Problem
 * @property {number} status
 * @property {string} title
 * @property {string} [detail]
 * @property {number} [retry_after] seconds
 * @property {number} [sequence] the frame that gets no answer for it
 */

/**
 * @typedef {object} Listener
 * @property {() => void} onConnecting
 * @property {(ready: Ready) => void} onReady
 * @property {(message: ArrayBuffer) => void} onMessage
 * @property {(problem: Problem) => boolean} onProblem true: the line is to be closed, and not opened again by itself
 * @property {(wait: number) => void} onLost the next try is so many ms away
 */

/** An answer that has not come for this long means that the service is gone, in ms; a model may have to be loaded. */
const SILENCE = 10_000;
const SILENCE_FIRST = 60_000;

/** More than this in the browser's own buffer: the way is too narrow for one more frame. */
const BUFFERED = 1 << 20;

export class Connection {
  /**
   * @param {string} address ws: or wss:
   * @param {() => object} hello the first message: token and options
   * @param {Listener} listener
   */
  constructor(address, hello, listener) {
    this.address = address;
    this.hello = hello;
    this.listener = listener;
    this.tries = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.ready = false;
    this.timer = 0;
    this.watch = 0;
    /** When a frame went out that has had no answer, in ms; 0: none. */
    this.waitingSince = 0;
    /** @type {number | null} a wait that the service asked for, in ms */
    this.asked = null;
  }

  open() {
    this.close();
    this.listener.onConnecting();
    const socket = new WebSocket(this.address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.hello()));
    socket.onmessage = (event) => this.#take(socket, event.data);
    socket.onclose = () => this.#lost(socket);
    this.waitingSince = performance.now();
    this.watch = window.setInterval(() => {
      const patience = this.ready ? SILENCE : SILENCE_FIRST;
      if (this.waitingSince > 0 && performance.now() - this.waitingSince > patience) this.#lost(socket);
    }, 1000);
  }

  /** Close for good. */
  close() {
    window.clearTimeout(this.timer);
    window.clearInterval(this.watch);
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    this.waitingSince = 0;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  /** Try at once, and not after the wait. */
  openNow() {
    this.tries = 0;
    this.open();
  }

  /**
   * @param {ArrayBuffer | Blob} message
   * @returns {boolean} false: not now
   */
  send(message) {
    const socket = this.socket;
    if (socket === null || !this.ready || socket.readyState !== WebSocket.OPEN) return false;
    if (socket.bufferedAmount > BUFFERED) return false;
    socket.send(message);
    if (this.waitingSince === 0) this.waitingSince = performance.now();
    return true;
  }

  /** Tell the service other options; it answers with `ready`. */
  change(/** @type {object} */ options) {
    if (this.socket?.readyState === WebSocket.OPEN && this.ready) this.socket.send(JSON.stringify(options));
  }

  /**
   * @param {WebSocket} socket
   * @param {string | ArrayBuffer} data
   */
  #take(socket, data) {
    if (socket !== this.socket) return;
    this.waitingSince = 0;
    if (typeof data !== "string") {
      this.listener.onMessage(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ready") {
      this.ready = true;
      this.tries = 0;
      this.asked = null;
      this.listener.onReady(message);
    } else {
      if (message.retry_after && !this.ready) this.asked = 1000 * message.retry_after;
      if (this.listener.onProblem(message)) this.close();
    }
  }

  /** @param {WebSocket} socket */
  #lost(socket) {
    if (socket !== this.socket) return;
    this.close();
    this.tries += 1;
    const wait = Math.max(waitBefore(this.tries), this.asked ?? 0);
    this.asked = null;
    this.timer = window.setTimeout(() => this.open(), wait);
    this.listener.onLost(wait);
  }
}
