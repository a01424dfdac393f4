/** What stands under a player: the chart of areas over time, its legend, and what binds them to the video. */

import { Chart } from "../chart.js";
import { el } from "../dom.js";
import { choices } from "../fields.js";
import { cssColor, isDrawn, labelsOf, nameOf } from "../labels.js";
import { Legend } from "../legend.js";
import { ranking } from "../series.js";
import { percent, words } from "../strings.js";

/** @typedef {import("./job.js").JobAreas} JobAreas */

/** What never covers more of a frame than this is not drawn: it cannot be seen. The table that is saved has it. */
const LEAST = 0.005;

export class Timeline {
  /** @param {(seconds: number) => void} seek also while there is nothing to play yet */
  constructor(seek) {
    this.labels = labelsOf([], []);
    /** @type {HTMLVideoElement | null} */
    this.player = null;
    this.frame = 0;
    /** Classes that are large enough to be drawn. @type {Set<number>} */
    this.drawn = new Set();
    this.less = el("p", { class: "muted chart-less", hidden: true });
    this.legend = new Legend({
      onChange: () => this.chart.draw(),
      onLight: (index) => this.chart.light(index),
      label: words.video.chart.mean,
    });
    this.chart = new Chart({
      name: (index) => nameOf(this.labels, index),
      color: (index) => cssColor(this.labels.palette[index]),
      shown: (index) => this.drawn.has(index) && isDrawn(this.labels, index) && !this.legend.off.has(index),
      seek,
      toggle: () => this.#toggle(),
    });
    const { chart } = words.video;
    /** @type {Record<import("../chart.js").Kind, string>} */
    const offered = { stack: chart.stack, lines: chart.lines };
    const kinds = choices(chart.kind, offered, "stack", (kind) => this.chart.setKind(kind));
    /** The card with the legend, which stands elsewhere. */
    this.side = el(
      "section",
      { class: "card stack", hidden: true, "aria-label": chart.mean },
      el("h3", { text: chart.mean }),
      this.legend.element,
      this.less,
    );
    this.element = el(
      "section",
      { class: "timeline", hidden: true, "aria-label": chart.title },
      el("div", { class: "timeline-head" }, el("h3", { text: chart.title }), kinds),
      this.chart.element,
      el("p", { class: "timeline-hint muted", text: chart.hint }),
    );
  }

  /**
   * @param {JobAreas | null} areas null: there are none
   * @param {number} duration of the video, in seconds
   * @param {number} [until] seconds of it that are known; the rest is still being made
   */
  show(areas, duration, until = duration) {
    this.element.hidden = this.side.hidden = areas === null || areas.times.length === 0;
    if (areas === null) {
      this.legend.show(this.labels, []);
      return;
    }
    const known = new Map(areas.classes.map((own) => [own.index, own]));
    // Classes that are nowhere in the video have no row, so what they are called is never asked.
    const all = Array.from({ length: 1 + Math.max(-1, ...known.keys()) }, (_, index) => known.get(index));
    this.labels = labelsOf(
      all.map((own) => own?.name ?? ""),
      all.map((own) => own?.color ?? [0, 0, 0]),
      known.get(0)?.name === "background",
    );
    const ranked = ranking(areas);
    const seen = ranked.filter(({ most }) => most >= LEAST);
    this.drawn = new Set(seen.map(({ index }) => index));
    this.chart.setAreas(areas, duration, until);
    this.legend.show(
      this.labels,
      seen.map(({ index, mean }) => ({ index, share: mean })),
    );
    const less = ranked.length - seen.length;
    this.less.hidden = less === 0;
    this.less.textContent = words.video.chart.less(less, percent(LEAST));
  }

  /**
   * Follow a player; null: there is none.
   * @param {HTMLVideoElement | null} player
   */
  follow(player) {
    this.player = player;
    cancelAnimationFrame(this.frame);
    if (player === null) return;
    const now = () => this.player === player && this.chart.moveTo(player.currentTime, player.paused);
    const run = () => {
      if (this.player !== player || player.paused || player.ended) return;
      now();
      this.frame = requestAnimationFrame(run);
    };
    for (const event of ["seeked", "pause", "ended", "loadedmetadata"]) player.addEventListener(event, now);
    player.addEventListener("play", run);
  }

  #toggle() {
    const { player } = this;
    if (player === null) return;
    if (player.paused) player.play();
    else player.pause();
  }
}

/**
 * The table of areas, as a spreadsheet reads it: a row a time, a column a class.
 * @param {JobAreas} areas
 * @returns {Blob}
 */
export function areasTable({ times, classes }) {
  const quoted = (/** @type {string} */ name) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  const head = ["seconds", ...classes.map(({ name }) => quoted(name))].join(",");
  const rows = times.map((time, row) =>
    [time.toFixed(3), ...classes.map(({ share }) => share[row].toFixed(6))].join(","),
  );
  return new Blob([[head, ...rows, ""].join("\r\n")], { type: "text/csv" });
}
