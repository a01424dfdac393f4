/** The tab for the browser's camera. */

import { ServiceError } from "../api.js";
import { attribute, el, fill } from "../dom.js";
import { icon } from "../icons.js";
import { listCameras } from "../live/camera.js";
import { Controls } from "../live/controls.js";
import { Hud } from "../live/hud.js";
import { LiveSession } from "../live/session.js";
import { View } from "../live/view.js";
import { models } from "../models.js";
import { Notice } from "../notice.js";
import { words } from "../strings.js";

/** Hosts that are this machine. */
const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

/** @param {HTMLElement} panel @returns {import("../main.js").TabView} */
export function open(panel) {
  return new LiveTab(panel);
}

class LiveTab {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    const { live } = words;
    this.canvas = el("canvas", { class: "live-view", role: "img", "aria-label": live.view });
    this.view = new View(this.canvas);
    this.session = new LiveSession(this.view);
    this.hud = new Hud(() => this.session.meter.read(performance.now()));
    this.notice = new Notice("live-notice");
    this.drawing = 0;
    this.controls = new Controls(this.session, () => this.#redraw());
    /** The state in words, read out when it changes. */
    this.status = el("p", { class: "visually-hidden", role: "status" });
    this.tag = el("span", { class: "tag live-tag", hidden: true });
    this.pause = button("pause", live.pause, () => this.#pause());
    this.mirror = button("mirror", live.mirror, () => this.#chooseMirror());
    this.snapshot = button("download", live.snapshot, () => this.#snapshot());
    this.stop = button("stop", live.stop, () => this.session.stop());
    this.bar = el(
      "div",
      { class: "row live-bar", role: "group", "aria-label": live.controls },
      this.pause,
      this.mirror,
      this.snapshot,
      this.stop,
    );
    this.stage = el("div", { class: "stage live-stage" }, this.canvas, this.hud.element, this.tag, this.notice.element);
    this.work = el(
      "div",
      { class: "workspace" },
      el("div", { class: "live-main" }, this.stage, this.bar, this.hud.list),
      this.controls.element,
    );
    this.countdown = 0;
    this.ratio = "";
    /** Whether it ran when the page was hidden, and is to run again. */
    this.hidden = false;
    /** Whether its user chose the mirror, which is not undone by the next camera. */
    this.mirrorChosen = false;
    panel.append(el("h1", { class: "visually-hidden", text: live.title }), this.status, this.work);
    this.session.addEventListener("change", () => this.#update());
    this.session.addEventListener("ready", () => this.controls.forget());
    this.session.addEventListener("frame", () => {
      this.canvas.hidden = false;
      this.#noteRatio();
      this.controls.update();
    });
    document.addEventListener("visibilitychange", () => this.#seen());
    this.#mirror(true);
    this.#update();
  }

  show() {
    this.#loadModels();
  }

  /** Another tab is shown, or the page is left: the camera's light goes out. */
  hide() {
    this.hidden = false;
    this.session.stop();
  }

  #seen() {
    if (document.hidden) {
      this.hidden = this.session.state !== "off" && this.session.state !== "trouble";
      if (this.hidden) {
        this.session.stop();
        this.status.textContent = words.live.hidden;
      }
    } else if (this.hidden) {
      this.hidden = false;
      this.session.start();
    }
  }

  #update() {
    const { live } = words;
    const { state } = this.session;
    window.clearInterval(this.countdown);
    attribute(this.stage, "data-state", state);
    const running = state === "live" || state === "paused" || state === "lost";
    if (state === "off" || state === "trouble" || state === "asking") {
      this.view.clear();
      this.canvas.hidden = true;
      this.ratio = "";
      this.stage.style.removeProperty("aspect-ratio");
      this.controls.forget();
    }
    if (state === "live") this.hud.start();
    else this.hud.stop();
    this.bar.hidden = !running;
    this.hud.list.hidden = !running;
    this.controls.present.hidden = !running;
    fill(this.pause, icon(state === "paused" ? "play" : "pause"), state === "paused" ? live.resume : live.pause);
    this.pause.disabled = state === "lost";
    this.tag.hidden = state !== "paused" && state !== "lost";
    this.tag.textContent = live.state[state];
    attribute(this.tag, "data-state", state === "lost" ? "trouble" : null);
    const said = live.state[state];
    if (state !== "off" && this.status.textContent !== said) this.status.textContent = said;
    this.#tell();
    if (state === "live") this.#started();
    else if (running) this.controls.update(true);
  }

  /** What lies on the picture, or stands in its place. */
  #tell() {
    const { live } = words;
    const { state, trouble } = this.session;
    const { notice } = this;
    const start = () => this.session.start();
    attribute(notice.element, "data-over", state === "lost");
    if (state === "off") {
      const { title, text, here, sent, button: label } = live.start;
      const where = LOCAL.includes(location.hostname) ? here : sent(location.host);
      notice.show("empty", { title, text: `${text} ${where}`, actions: [{ label, run: start }] });
      notice.element.querySelector(".notice-icon")?.replaceWith(icon("camera", "dropzone-icon"));
    } else if (state === "asking") notice.show("loading", live.asking);
    else if (state === "connecting") {
      const loading = trouble?.kind === "service" ? trouble.text : null;
      notice.show("loading", loading ? { title: live.state.loading, text: loading } : live.connecting);
    } else if (state === "lost") this.#tellLost();
    else if (state === "trouble" && trouble !== null) {
      const { title, text } = live.trouble[trouble.kind];
      notice.show("error", {
        title,
        text: trouble.text ?? text,
        actions: trouble.kind === "insecure" ? [] : [{ label: live.again, run: start }],
      });
    } else notice.clear();
  }

  /** The service is gone: say so once, and count down without a word to screen readers. */
  #tellLost() {
    const { lost } = words.live;
    const { trouble } = this.session;
    const text = trouble?.kind === "service" ? (trouble.text ?? "") : "";
    this.notice.show("offline", {
      title: lost.title,
      text: text || " ",
      actions: [{ label: lost.button, run: () => this.session.retry() }],
    });
    const line = el("p", { class: "notice-text number", "aria-hidden": "true" });
    this.notice.element.querySelector(".notice-text")?.after(line);
    const count = () => {
      const seconds = Math.ceil((this.session.nextTry - performance.now()) / 1000);
      line.textContent = seconds > 0 ? lost.soon(seconds) : lost.now;
    };
    this.countdown = window.setInterval(count, 250);
    count();
  }

  /** The first frames are coming: which cameras there are, and whether this one looks at its user. */
  async #started() {
    const camera = this.session.camera;
    if (!this.mirrorChosen) this.#mirror(camera?.facingMode !== "environment");
    this.controls.setCameras(await listCameras(), camera?.deviceId);
  }

  #pause() {
    if (this.session.state === "paused") this.session.resume();
    else this.session.pause();
  }

  #chooseMirror() {
    this.mirrorChosen = true;
    this.#mirror(!this.view.mirrored);
  }

  /** @param {boolean} mirrored */
  #mirror(mirrored) {
    this.view.mirrored = mirrored;
    this.canvas.classList.toggle("mirrored", mirrored);
    attribute(this.mirror, "aria-pressed", String(mirrored));
    this.#redraw();
  }

  async #snapshot() {
    const blob = await this.view.snapshot();
    if (blob === null) return;
    const address = URL.createObjectURL(blob);
    const moment = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", "-");
    el("a", { href: address, download: words.live.snapshotName(moment) }).click();
    window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  /** Draw once for all changes until the next picture of the screen. */
  #redraw() {
    this.stage?.classList.toggle("checkered", this.view.effect === "cutout");
    cancelAnimationFrame(this.drawing);
    this.drawing = requestAnimationFrame(() => this.view.draw());
  }

  #noteRatio() {
    const { width, height } = this.canvas;
    const ratio = `${width} / ${height}`;
    if (this.ratio !== ratio) {
      this.ratio = ratio;
      this.stage.style.aspectRatio = ratio;
    }
  }

  async #loadModels() {
    if (this.controls.model.models.length > 0) return;
    try {
      const all = await models();
      this.controls.model.setModels(all);
      const usual = all.find((own) => own.default) ?? all[0];
      if (usual) this.controls.look.setModel(usual, []);
    } catch (error) {
      // The usual model is taken; the banner says what is wrong with the service.
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}

/**
 * @param {string} picture
 * @param {string} label
 * @param {() => void} click
 */
function button(picture, label, click) {
  return el("button", { type: "button", class: "button", on: { click } }, icon(picture), label);
}
