/** A stream as a tile: its picture, its state, its numbers, and what can be done with it. */

import { attribute, el, fill } from "../dom.js";
import { icon } from "../icons.js";
import { number, words } from "../strings.js";
import { StreamPicture } from "./picture.js";

/**
 * `StreamAnswer` of the service, as far as the page shows it.
 * @typedef {object} Stream
 * @property {string} id
 * @property {string} name
 * @property {"connecting" | "live" | "away" | "failed" | "stopped"} state
 * @property {boolean} paused
 * @property {number | null} width
 * @property {number | null} height
 * @property {number} rate
 * @property {number | null} age_ms
 * @property {number} dropped
 * @property {number} viewers
 * @property {string | null} failure
 * @property {{ mjpeg: string, snapshot: string }} links
 */

/** @type {Partial<Record<Stream["state"], string>>} */
const LOOKS = { live: "good", away: "trouble", failed: "trouble" };

/** Whether a stream is read, or will be again. @param {Stream} stream */
export function runs(stream) {
  return stream.state === "live" || stream.state === "connecting" || stream.state === "away";
}

/**
 * A stream's numbers.
 * @param {Stream} stream
 * @returns {HTMLElement[]}
 */
export function factsOf({ rate, age_ms: age, dropped, viewers }) {
  const { facts } = words.streams;
  const all = [
    { text: facts.rate(number(rate, rate < 10 ? 1 : 0)), title: facts.rateTitle },
    ...(age === null ? [] : [{ text: facts.age(number(age)), title: facts.ageTitle }]),
    { text: facts.dropped(number(dropped)), title: facts.droppedTitle },
    { text: facts.viewers(viewers, number(viewers)), title: facts.viewersTitle },
  ];
  return all.map(({ text, title }) => el("li", { text, title }));
}

/** How its state is coloured. @param {Stream} stream */
export function lookOf({ state, paused }) {
  return state === "live" && paused ? null : (LOOKS[state] ?? null);
}

/** Its state in words. @param {Stream} stream */
export function stateOf({ state, paused }) {
  return words.streams.state[state === "live" && paused ? "paused" : state];
}

/** What stands in the place of a picture. @param {Stream} stream */
function lineOf({ state, failure }) {
  if (state === "live") return "";
  return state === "failed" ? (failure ?? "") : words.streams[state];
}

export class Tile {
  /**
   * @param {Stream} stream
   * @param {{ large: () => void, stop: () => void, again: () => void }} on
   */
  constructor(stream, { large, stop, again }) {
    const { streams } = words;
    this.stream = stream;
    this.picture = new StreamPicture(streams.picture(stream.name));
    this.line = el("p", { class: "stream-line" });
    this.open = el(
      "button",
      { type: "button", class: "stage stream-frame", "aria-label": streams.large(stream.name), on: { click: large } },
      this.picture.img,
      this.line,
    );
    this.state = el("span", { class: "tag" });
    this.facts = el("ul", { class: "stream-facts number" });
    this.again = el(
      "button",
      { type: "button", class: "button", "aria-label": streams.againOf(stream.name), on: { click: again } },
      icon("again"),
      streams.again,
    );
    this.stop = el("button", { type: "button", class: "icon-button", on: { click: stop } });
    this.element = el(
      "li",
      { class: "card stream" },
      this.open,
      el("div", { class: "stream-head" }, el("h3", { text: stream.name }), this.state, this.stop),
      this.facts,
      this.again,
    );
  }

  /**
   * @param {Stream} stream
   * @param {import("./picture.js").Mode} mode of its picture
   */
  update(stream, mode) {
    const { streams } = words;
    this.stream = stream;
    const running = runs(stream);
    attribute(this.element, "data-state", stream.state);
    this.picture.show(stream.state === "live" ? mode : "none", stream.links);
    const why = lineOf(stream);
    if (this.line.textContent !== why) this.line.textContent = why;
    this.open.disabled = !running;
    this.state.textContent = stateOf(stream);
    attribute(
      this.state,
      "data-state",
      stream.state === "live" && stream.paused ? null : (LOOKS[stream.state] ?? null),
    );
    fill(this.facts, ...(running && stream.state !== "connecting" ? factsOf(stream) : []));
    this.again.hidden = running;
    const label = running ? streams.stopOf(stream.name) : streams.removeOf(stream.name);
    if (this.stop.getAttribute("aria-label") !== label) {
      fill(this.stop, icon(running ? "stop" : "close"));
      this.stop.setAttribute("aria-label", label);
      this.stop.title = running ? streams.stop : streams.remove;
    }
  }
}
