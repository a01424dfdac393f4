/** What stands beside a live view: camera, model, rate, what is shown and how, and the classes that are there. */

import { areasOf } from "../bars.js";
import { el } from "../dom.js";
import { choices, listField, tickField } from "../fields.js";
import { LookPanel, ModelPanel } from "../image/controls.js";
import { Legend } from "../legend.js";
import { look } from "../look.js";
import { words } from "../strings.js";
import { Backdrop } from "./backdrop.js";

/** @typedef {import("./session.js").LiveSession} LiveSession */
/** @typedef {import("./view.js").Effect} Effect */
/** @typedef {import("../labels.js").Labels} Labels */

/** Frames a second to aim at; 0: as many as the service answers. */
const RATES = [0, 30, 15, 10, 5, 1];

/** The legend's shares are written so many ms apart; a class stays in it for a while after it was seen. */
const LEGEND_BETWEEN = 400;
const LEGEND_STAYS = 3000;

export class Controls {
  /**
   * @param {LiveSession} session
   * @param {() => void} redraw
   */
  constructor(session, redraw) {
    const { live } = words;
    const { view } = session;
    this.session = session;
    this.redraw = redraw;
    this.camera = listField(live.camera, (value) => {
      session.deviceId = value || null;
      if (session.camera !== null) session.start();
    });
    this.camera.element.hidden = true;
    this.model = new ModelPanel((choice) => session.change({ ...choice }));
    const rate = listField(live.rate, (value) => session.aim(Number(value) || Number.POSITIVE_INFINITY));
    rate.set(
      RATES.map((own) => ({ value: String(own), label: own === 0 ? live.rates.fastest : live.rates.each(own) })),
    );
    const smooth = tickField(live.smooth, false, (value) => session.change({ smooth: value }));
    const { label, ...effects } = live.effect;
    const effect = choices(label, effects, view.effect, (value) => this.#setEffect(value));
    this.look = new LookPanel();
    this.backdrop = new Backdrop(view, redraw);
    this.legend = new Legend({
      onChange: (off) => {
        view.off = off;
        redraw();
      },
      onLight: (index) => {
        view.lit = index;
        redraw();
      },
      label: live.legend,
    });
    /** What was there lately. @type {Map<number, { share: number, seen: number }>} */
    this.seen = new Map();
    this.legendAt = 0;
    /** The card with the classes that are there. */
    this.present = el("section", { class: "card stack" }, el("h3", { text: live.legend }), this.legend.element);
    this.element = el(
      "aside",
      { class: "live-side stack" },
      el("section", { class: "card stack" }, effect, this.look.element, this.backdrop.element),
      this.present,
      el(
        "section",
        { class: "card stack", "aria-label": live.controls },
        this.camera.element,
        this.model.element,
        rate.element,
        smooth,
      ),
    );
    look.addEventListener("change", () => this.#restyle());
    this.#setEffect(view.effect);
    this.#restyle();
  }

  /** @param {{ id: string, label: string }[]} cameras @param {string} [chosen] */
  setCameras(cameras, chosen) {
    this.camera.set(
      cameras.map(({ id, label }, place) => ({ value: id, label: label || words.live.cameraName(place + 1) })),
      chosen,
    );
    this.camera.element.hidden = cameras.length < 2;
  }

  /**
   * A frame was drawn: what is in it.
   * @param {boolean} [last] no other frame follows, so this one is told however short ago another was
   */
  update(last = false) {
    const { shown, labels } = this.session.view;
    const now = performance.now();
    if (shown === null || (!last && now - this.legendAt < LEGEND_BETWEEN)) return;
    this.legendAt = now;
    for (const entry of this.seen.values()) entry.share = 0;
    for (const { index, share } of areasOf(shown.layers)) this.seen.set(index, { share, seen: now });
    for (const [index, { seen }] of this.seen) if (now - seen > LEGEND_STAYS) this.seen.delete(index);
    // In the order of the classes, and not of their areas: a row that moves cannot be clicked.
    const entries = [...this.seen].map(([index, { share }]) => ({ index, share })).sort((a, b) => a.index - b.index);
    this.legend.show(labels, entries);
  }

  /** Other classes: what was there before is not among them. */
  forget() {
    this.seen.clear();
    this.legend.show(this.session.view.labels, []);
  }

  /** @param {Effect} effect */
  #setEffect(effect) {
    this.session.view.effect = effect;
    if (effect === "replace") this.look.element.hidden = true;
    else this.look.setView(effect);
    this.backdrop.element.hidden = effect !== "replace";
    this.redraw();
  }

  #restyle() {
    const { view } = this.session;
    view.alpha = look.alpha;
    view.blur = look.blur;
    if ((this.session.options.palette ?? "model") !== look.palette) this.session.change({ palette: look.palette });
    this.redraw();
  }
}
