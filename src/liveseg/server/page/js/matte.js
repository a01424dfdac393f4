/**
 * Mattes: how much of each pixel is foreground, soft where the picture is, and the foreground's own colours there.
 *
 * What `liveseg.render.matte` does, step by step: the mask's coarse border is moved to where the picture's colours
 * change by the guided filter of He, Sun and Tang (TPAMI 2013) on a reduced picture, and its fit is applied to the
 * picture itself (He and Sun, arXiv:1505.00996). The colours at the border are told apart by blurred fusion (Forte,
 * arXiv:2006.14970).
 */

import { AROUND, boxBlurred, disc, each, enlarging, extreme, gaussianBlurred, plane, reduced } from "./planes.js";

/** @typedef {import("./planes.js").Plane} Plane */

/**
 * A picture as the browser has it.
 * @typedef {object} Pixels
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray} data RGBA
 */

const STEPS_A_CELL = 4;
const MOST_REDUCED = 80_000;
const SMOOTHNESS = 1e-4;
const PASSES = 3;
/** Shares outside of [least, most] are taken for none and all. @type {[number, number]} */
const PASS_RANGE = [0.1, 0.9];
/** @type {[number, number]} */
const LAST_RANGE = [0.15, 0.85];

/** What is known of one picture, for as many mattes as are wanted of it. */
export class Matte {
  /**
   * @param {Pixels} picture
   * @param {{ rows: number, columns: number }} grid of the network's output, which says how coarse its borders are
   */
  constructor({ width, height, data }, { rows, columns }) {
    const cell = Math.sqrt((height * width) / (rows * columns));
    const step = Math.max(toEven(cell / STEPS_A_CELL), Math.ceil(Math.sqrt((height * width) / MOST_REDUCED)), 1);
    this.width = width;
    this.height = height;
    this.data = data;
    this.step = step;
    this.radius = Math.max(toEven(cell / step), 2);
    /** The picture's channels, reduced. */
    this.colors = [0, 1, 2].map((channel) => reduced(data, width, height, step, 4, channel));
    this.filter = new GuidedFilter(this.colors, this.radius, SMOOTHNESS);
    this.columns = enlarging(this.colors[0].width, step, width);
    this.rows = enlarging(this.colors[0].height, step, height);
  }

  /**
   * How much of each pixel is foreground, 0 to 255.
   * @param {Uint8Array} hard 255 where the mask has foreground, else 0; as large as the picture
   * @returns {Uint8Array}
   */
  alpha(hard) {
    const { radius } = this;
    const share = this.#moved(reduced(hard, this.width, this.height, this.step));
    const inside = gaussianBlurred(
      each((value) => (value > 0.5 ? 1 : 0), share),
      radius / 4,
    );
    const limited = each((value, within) => clamp(value, 2 * within - 1, 2 * within), share, inside);
    const { slopes, offset } = this.filter.plane(limited);
    const alpha = new Uint8Array(this.width * this.height);
    const whole = inside.data.map((value) => (value > 0.5 ? 255 : 0));
    this.#walk([...slopes, offset, inside], between(inside), (at, block, values) => {
      if (values === null) {
        alpha[at] = whole[block];
        return;
      }
      const [red, green, blue, constant, within] = values;
      const pixel = 4 * at;
      const fit =
        (red * this.data[pixel] + green * this.data[pixel + 1] + blue * this.data[pixel + 2]) / 255 + constant;
      alpha[at] = Math.round(255 * clamp(stretched(fit, LAST_RANGE), 2 * within - 1, 2 * within));
    });
    return alpha;
  }

  /**
   * The picture with the foreground's own colours where it is mixed with what stands behind it.
   * @param {Uint8Array} alpha from `alpha`
   * @returns {Uint8ClampedArray} RGBA, opaque
   */
  ownColors(alpha) {
    const share = reduced(alpha, this.width, this.height, this.step);
    const rest = each((value) => 1 - value, share);
    const own = this.#meanColors(share);
    const behind = this.#meanColors(rest);
    const result = new Uint8ClampedArray(this.data);
    this.#walk([...own, ...behind], between(share), (at, _, values) => {
      if (values === null) return;
      const opacity = alpha[at] / 255;
      for (let channel = 0; channel < 3; channel += 1) {
        const [front, back] = [values[channel], values[3 + channel]];
        const explained = back + opacity * (front - back);
        result[4 * at + channel] = 255 * front + opacity * (this.data[4 * at + channel] - 255 * explained);
      }
    });
    return result;
  }

  /**
   * The share of the foreground, its border moved by at most a cell of the grid to the picture's.
   * @param {Plane} hard
   */
  #moved(hard) {
    const around = disc(this.radius);
    const least = each((value) => (value >= 1 ? 1 : 0), extreme(hard, around, Math.min));
    const most = each((value) => (value > 0 ? 1 : 0), extreme(hard, around, Math.max));
    let share = hard;
    for (let pass = 0; pass < PASSES; pass += 1) {
      share = each(
        (value, low, high) => clamp(stretched(value, PASS_RANGE), low, high),
        this.filter.followed(share),
        least,
        most,
      );
    }
    return share;
  }

  /**
   * The mean colour around each pixel of what a share is of, by channel.
   * @param {Plane} share
   */
  #meanColors(share) {
    const reach = Math.floor((this.radius * 3) / 4);
    // By the fourth power: what is half the one and half the other says little of either.
    const weight = each((value) => value ** 4, share);
    const total = boxBlurred(weight, reach);
    return this.colors.map((color) =>
      each(
        (value, sum) => value / (sum + 1e-5),
        boxBlurred(
          each((value, own) => value * own, color, weight),
          reach,
        ),
        total,
      ),
    );
  }

  /**
   * Call for each pixel with its place, its block, and there where they are wanted the enlarged values of some planes.
   * @param {Plane[]} planes
   * @param {Uint8Array} wanted blocks; enlarging for all of them would take most of the time
   * @param {(at: number, block: number, values: Float64Array | null) => void} what
   */
  #walk(planes, wanted, what) {
    const { columns, rows, step } = this;
    const wide = planes[0].width;
    const values = new Float64Array(planes.length);
    const line = planes.map(() => new Float32Array(wide));
    const blocks = Uint32Array.from({ length: this.width }, (_, x) => Math.floor(x / step));
    for (let y = 0, at = 0; y < this.height; y += 1) {
      const [upper, lower, down] = [rows.low[y] * wide, rows.high[y] * wide, rows.weight[y]];
      planes.forEach(({ data }, number) => {
        for (let x = 0; x < wide; x += 1)
          line[number][x] = data[upper + x] + down * (data[lower + x] - data[upper + x]);
      });
      const start = Math.floor(y / step) * wide;
      for (let x = 0; x < this.width; x += 1, at += 1) {
        const block = start + blocks[x];
        if (!wanted[block]) {
          what(at, block, null);
          continue;
        }
        const [left, right, across] = [columns.low[x], columns.high[x], columns.weight[x]];
        for (let number = 0; number < values.length; number += 1) {
          values[number] = line[number][left] + across * (line[number][right] - line[number][left]);
        }
        what(at, block, values);
      }
    }
  }
}

/** Fits values to the colours of a picture: around each pixel as `slopes . colour + offset`. */
class GuidedFilter {
  /**
   * @param {Plane[]} guide red, green and blue, 0 to 1
   * @param {number} radius
   * @param {number} smoothness
   */
  constructor(guide, radius, smoothness) {
    this.guide = guide;
    this.radius = radius;
    this.mean = guide.map((own) => boxBlurred(own, radius));
    const shared = (/** @type {number} */ one, /** @type {number} */ other) => {
      const product = boxBlurred(
        each((a, b) => a * b, guide[one], guide[other]),
        radius,
      );
      const more = one === other ? smoothness : 0;
      return each((value, a, b) => value - a * b + more, product, this.mean[one], this.mean[other]).data;
    };
    this.inverse = inverses(shared(0, 0), shared(0, 1), shared(0, 2), shared(1, 1), shared(1, 2), shared(2, 2));
  }

  /** Values as the fit around each pixel has that pixel. @param {Plane} values @returns {Plane} */
  followed(values) {
    const { slopes, mean } = this.#fit(values);
    const made = plane(values.width, values.height);
    for (let at = 0; at < made.data.length; at += 1) {
      let value = mean.data[at];
      for (let c = 0; c < 3; c += 1) value += slopes[c].data[at] * (this.guide[c].data[at] - this.mean[c].data[at]);
      made.data[at] = value;
    }
    return made;
  }

  /** Slopes and offset, averaged over the window: for the picture at its full size. @param {Plane} values */
  plane(values) {
    const { slopes, mean } = this.#fit(values);
    let offset = mean;
    for (let c = 0; c < 3; c += 1)
      offset = each((value, slope, own) => value - slope * own, offset, slopes[c], this.mean[c]);
    return { slopes: slopes.map((slope) => boxBlurred(slope, this.radius)), offset: boxBlurred(offset, this.radius) };
  }

  /** @param {Plane} values */
  #fit(values) {
    const mean = boxBlurred(values, this.radius);
    const shared = this.guide.map((own, c) => {
      const product = boxBlurred(
        each((a, b) => a * b, own, values),
        this.radius,
      );
      return each((value, a, b) => value - a * b, product, this.mean[c], mean);
    });
    const slopes = this.inverse.map(([a, b, c]) => {
      const made = plane(values.width, values.height);
      for (let at = 0; at < made.data.length; at += 1) {
        made.data[at] = a[at] * shared[0].data[at] + b[at] * shared[1].data[at] + c[at] * shared[2].data[at];
      }
      return made;
    });
    return { slopes, mean };
  }
}

/**
 * The inverse of the symmetric matrix of each pixel, by its cofactors.
 * @param {Float32Array} rr
 * @param {Float32Array} rg
 * @param {Float32Array} rb
 * @param {Float32Array} gg
 * @param {Float32Array} gb
 * @param {Float32Array} bb
 */
function inverses(rr, rg, rb, gg, gb, bb) {
  const [a, b, c, d, e, f] = Array.from({ length: 6 }, () => new Float32Array(rr.length));
  for (let at = 0; at < rr.length; at += 1) {
    const [c00, c01, c02] = [
      gg[at] * bb[at] - gb[at] ** 2,
      gb[at] * rb[at] - rg[at] * bb[at],
      rg[at] * gb[at] - gg[at] * rb[at],
    ];
    const scale = 1 / (rr[at] * c00 + rg[at] * c01 + rb[at] * c02);
    [a[at], b[at], c[at]] = [c00 * scale, c01 * scale, c02 * scale];
    d[at] = (rr[at] * bb[at] - rb[at] ** 2) * scale;
    e[at] = (rb[at] * rg[at] - rr[at] * gb[at]) * scale;
    f[at] = (rr[at] * gg[at] - rg[at] ** 2) * scale;
  }
  return [
    [a, b, c],
    [b, d, e],
    [c, e, f],
  ];
}

/** Where a share is neither all nor nothing, and a pixel beyond: as far as enlarging it reaches. @param {Plane} share */
function between(share) {
  const most = extreme(share, AROUND, Math.max).data;
  const least = extreme(share, AROUND, Math.min).data;
  return Uint8Array.from(most, (value, at) => (value > 0.001 && least[at] < 0.999 ? 1 : 0));
}

/** @param {number} share @param {[number, number]} range */
function stretched(share, [none, all]) {
  return clamp((share - none) / (all - none), 0, 1);
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** Python's rounding. @param {number} value */
function toEven(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
