/** The tab for streams that the service reads itself. */

import { json, request, ServiceError } from "../api.js";
import { el, fill } from "../dom.js";
import { labelled } from "../fields.js";
import { icon } from "../icons.js";
import { inWords, Notice } from "../notice.js";
import { Large } from "../streams/large.js";
import { runs, stateOf, Tile } from "../streams/tile.js";
import { words } from "../strings.js";

/** @typedef {import("../streams/tile.js").Stream} Stream */

/** Time between two questions, in ms. */
const EVERY = 1500;

/** A browser holds six connections to a service, and moving pictures keep theirs: more tiles than this show stills. */
const MOVING = 3;

/** @param {HTMLElement} panel @returns {import("../main.js").TabView} */
export function open(panel) {
  return new StreamsTab(panel);
}

class StreamsTab {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    const { streams } = words;
    this.shown = false;
    this.timer = 0;
    /** Counts the questions: an answer that was overtaken is not shown. */
    this.asked = 0;
    /** @type {Map<string, Tile>} */
    this.tiles = new Map();
    /** @type {Map<string, string>} what was said of each */
    this.said = new Map();
    /** @type {Stream[]} */
    this.streams = [];
    this.notice = new Notice();
    this.status = el("p", { class: "visually-hidden", role: "status" });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.count = el("p", { class: "muted number" });
    this.list = el("ul", { class: "streams", "aria-label": streams.list });
    this.large = new Large(() => this.#draw());
    this.form = this.#form();
    this.off = this.#off();
    this.head = el("div", { class: "streams-head", hidden: true }, el("h2", { text: streams.title }), this.count);
    panel.append(
      el("h1", { class: "visually-hidden", text: streams.title }),
      this.status,
      this.notice.element,
      this.off,
      this.head,
      this.trouble,
      this.list,
      this.form,
      this.large.dialog,
    );
    this.notice.loading(streams.loading);
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  show() {
    this.shown = true;
    this.#seen();
  }

  hide() {
    this.shown = false;
    if (this.large.id !== null) this.large.dialog.close();
    this.#seen();
  }

  /** Shown or hidden: pictures are loaded, and questions asked, only while somebody looks. */
  #seen() {
    window.clearTimeout(this.timer);
    if (this.shown && !document.hidden) {
      this.#ask();
      return;
    }
    for (const tile of this.tiles.values()) tile.picture.stop();
    this.large.picture?.stop();
  }

  async #ask() {
    window.clearTimeout(this.timer);
    const number = ++this.asked;
    try {
      const answer = await json("v1/streams");
      if (number !== this.asked || !this.shown || document.hidden) return;
      this.#take(answer);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (number !== this.asked) return;
      // What is there stays: the banner says that the service is gone.
      if (this.tiles.size === 0) this.notice.error(error, [{ label: words.service.retry, run: () => this.#ask() }]);
    }
    if (this.shown && !document.hidden) this.timer = window.setTimeout(() => this.#ask(), EVERY);
  }

  /** @param {{ streams: Stream[], available: string[], any_address: boolean, most: number }} answer */
  #take({ streams, available, any_address: anyAddress, most }) {
    this.notice.clear();
    this.streams = streams;
    const off = streams.length === 0 && available.length === 0;
    this.off.hidden = !off || anyAddress;
    this.head.hidden = off;
    this.form.hidden = !anyAddress;
    this.count.textContent = words.streams.count(streams.filter(runs).length, most);
    this.#place(available.filter((name) => !streams.some((stream) => stream.name === name)));
    this.#draw();
    this.#say();
  }

  /**
   * A tile for each stream and each source that could be started.
   * @param {string[]} available
   */
  #place(available) {
    for (const [id, tile] of this.tiles) {
      if (this.streams.some((stream) => stream.id === id)) continue;
      tile.picture.stop();
      tile.element.remove();
      this.tiles.delete(id);
    }
    // By name, so that nothing moves when one is started or ended.
    const tiles = [
      ...this.streams.map((stream) => ({
        name: stream.name,
        element: (this.tiles.get(stream.id) ?? this.#tile(stream)).element,
      })),
      ...available.map((name) => ({ name, element: this.#waiting(name) })),
    ].sort((a, b) => a.name.localeCompare(b.name));
    tiles.forEach(({ element }, place) => {
      if (this.list.children[place] !== element) this.list.insertBefore(element, this.list.children[place] ?? null);
    });
    while (this.list.children.length > tiles.length) this.list.lastElementChild?.remove();
  }

  /** The tiles and the large view as they are now. */
  #draw() {
    let moving = 0;
    for (const stream of this.streams) {
      /** @type {import("../streams/picture.js").Mode} */
      let mode = moving < MOVING ? "moving" : "still";
      // Behind the large view nothing moves.
      if (this.large.id !== null) mode = "none";
      else if (stream.state === "live") moving += 1;
      this.tiles.get(stream.id)?.update(stream, mode);
    }
    const open = this.streams.find(({ id }) => id === this.large.id);
    if (open) this.large.update(open);
    else if (this.large.id !== null) this.large.dialog.close();
  }

  /** Say once what has changed. */
  #say() {
    const changed = this.streams.filter((stream) => this.said.get(stream.id) !== stream.state);
    const first = this.said.size === 0;
    this.said = new Map(this.streams.map(({ id, state }) => [id, state]));
    if (changed.length === 0 || first) return;
    this.status.textContent = changed.map((stream) => words.streams.changed(stream.name, stateOf(stream))).join(". ");
  }

  /** @param {Stream} stream */
  #tile(stream) {
    const tile = new Tile(stream, {
      large: () => {
        this.large.open(tile.stream);
        this.#draw();
      },
      stop: () => this.#stop(stream),
      again: () => this.#start({ name: stream.name }),
    });
    this.tiles.set(stream.id, tile);
    return tile;
  }

  /** @type {Map<string, HTMLElement>} */
  #starters = new Map();

  /** A source that could be started. @param {string} name */
  #waiting(name) {
    const { streams } = words;
    const known = this.#starters.get(name);
    if (known) return known;
    const start = el(
      "button",
      {
        type: "button",
        class: "button primary",
        "aria-label": streams.startOf(name),
        on: { click: () => this.#start({ name }) },
      },
      icon("play"),
      streams.start,
    );
    const made = el(
      "li",
      { class: "card stream", "data-state": "absent" },
      el("div", { class: "stage stream-frame" }, icon("video", "stream-icon"), start),
      el(
        "div",
        { class: "stream-head" },
        el("h3", { text: name }),
        el("span", { class: "tag", text: streams.state.absent }),
      ),
      el("p", { class: "muted stream-ready", text: streams.ready }),
    );
    this.#starters.set(name, made);
    return made;
  }

  #off() {
    const { off } = words.streams;
    return el(
      "section",
      { class: "streams-off", hidden: true },
      icon("streams", "dropzone-icon"),
      el("h2", { text: off.title }),
      el("p", { class: "muted", text: off.text }),
      el("pre", { class: "command" }, el("code", { text: off.command })),
      el("p", { class: "muted", text: off.more }),
    );
  }

  #form() {
    const { form } = words.streams;
    const source = el("input", {
      class: "input",
      required: true,
      placeholder: form.hint,
      autocomplete: "off",
      spellcheck: "false",
    });
    const called = el("input", {
      class: "input",
      pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]*",
      maxlength: 64,
      autocomplete: "off",
    });
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const asked = { address: source.value.trim(), ...(called.value ? { name: called.value } : {}) };
      if (await this.#start(asked)) source.value = called.value = "";
    };
    return el(
      "form",
      { class: "card streams-form", hidden: true, on: { submit } },
      el("h3", { text: form.title }),
      labelled(form.address, source),
      labelled(form.name, called),
      el("button", { type: "submit", class: "button primary", text: form.start }),
    );
  }

  /** @param {{ name?: string, address?: string }} asked */
  async #start(asked) {
    const headers = { "content-type": "application/json" };
    const done = await this.#do(() => request("v1/streams", { method: "POST", headers, body: JSON.stringify(asked) }));
    if (asked.name) this.#focus(asked.name);
    return done;
  }

  /** @param {Stream} stream */
  async #stop(stream) {
    await this.#do(() => request(`v1/streams/${stream.id}`, { method: "DELETE" }));
    this.#focus(stream.name);
  }

  /** The tile that had the focus may have been replaced by another one: the focus goes on there. @param {string} name */
  #focus(name) {
    if (document.activeElement !== document.body) return;
    const tile = this.streams.find((stream) => stream.name === name);
    const home = tile === undefined ? this.#starters.get(name) : this.tiles.get(tile.id)?.element;
    /** @type {HTMLElement | null | undefined} */ (home?.querySelector(".stream-head button, .button"))?.focus();
  }

  /**
   * Do something, say if it did not work, and look how things are then.
   * @param {() => Promise<unknown>} what
   * @returns {Promise<boolean>}
   */
  async #do(what) {
    this.trouble.hidden = true;
    let done = true;
    try {
      await what();
    } catch (error) {
      const { title, text } = inWords(error);
      fill(this.trouble, el("strong", { text: title }), ` ${text}`);
      this.trouble.hidden = false;
      done = false;
    }
    await this.#ask();
    return done;
  }
}
