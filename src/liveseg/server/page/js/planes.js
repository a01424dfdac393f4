/** Planes of numbers: reduced, blurred and enlarged as OpenCV does it, so that both sides draw the same mattes. */

/**
 * One number a pixel, row by row.
 * @typedef {object} Plane
 * @property {number} width
 * @property {number} height
 * @property {Float32Array} data
 */

/**
 * @param {number} width
 * @param {number} height
 * @param {Float32Array} [data]
 * @returns {Plane}
 */
export function plane(width, height, data = new Float32Array(width * height)) {
  return { width, height, data };
}

/**
 * Each pixel of some planes of one size, made into one.
 * @param {(...values: number[]) => number} what
 * @param {...Plane} planes
 * @returns {Plane}
 */
export function each(what, ...planes) {
  const [first, second, third] = planes.map((own) => own.data);
  const made = plane(planes[0].width, planes[0].height);
  const { data } = made;
  if (third) for (let at = 0; at < data.length; at += 1) data[at] = what(first[at], second[at], third[at]);
  else if (second) for (let at = 0; at < data.length; at += 1) data[at] = what(first[at], second[at]);
  else for (let at = 0; at < data.length; at += 1) data[at] = what(first[at]);
  return made;
}

/**
 * The means of a picture's blocks of `step` by `step` pixels, 0 to 1; the last ones continue its edge.
 * @param {Uint8Array | Uint8ClampedArray} values
 * @param {number} width
 * @param {number} height
 * @param {number} step
 * @param {number} [stride] bytes a pixel
 * @param {number} [channel] which of them
 * @returns {Plane}
 */
export function reduced(values, width, height, step, stride = 1, channel = 0) {
  const made = plane(Math.ceil(width / step), Math.ceil(height / step));
  const last = stride * (width - 1);
  for (let y = 0; y < made.height * step; y += 1) {
    const start = Math.min(y, height - 1) * width * stride + channel;
    const row = Math.floor(y / step) * made.width;
    for (let column = 0, x = 0; column < made.width; column += 1) {
      let sum = 0;
      for (let inside = 0; inside < step; inside += 1, x += stride) sum += values[start + Math.min(x, last)];
      made.data[row + column] += sum;
    }
  }
  // To whole numbers first, as a reduced picture has them.
  for (let at = 0; at < made.data.length; at += 1) made.data[at] = Math.round(made.data[at] / (step * step)) / 255;
  return made;
}

/**
 * The mean of the square of `2 * radius + 1` pixels around each; beyond the edge the picture is mirrored.
 * @param {Plane} source
 * @param {number} radius
 * @returns {Plane}
 */
export function boxBlurred(source, radius) {
  return alongColumns(alongRows(source, radius), radius);
}

/** @param {Plane} source @param {number} radius @returns {Plane} */
function alongRows({ width, height, data }, radius) {
  const made = plane(width, height);
  const scale = 1 / (2 * radius + 1);
  const place = mirrored(width, radius, false);
  for (let y = 0, row = 0; y < height; y += 1, row += width) {
    let sum = 0;
    for (let at = 0; at < 2 * radius; at += 1) sum += data[row + place[at]];
    for (let x = 0; x < width; x += 1) {
      sum += data[row + place[x + 2 * radius]];
      made.data[row + x] = sum * scale;
      sum -= data[row + place[x]];
    }
  }
  return made;
}

/** @param {Plane} source @param {number} radius @returns {Plane} */
function alongColumns({ width, height, data }, radius) {
  const made = plane(width, height);
  const scale = 1 / (2 * radius + 1);
  const place = mirrored(height, radius, false);
  const sums = new Float64Array(width);
  const add = (/** @type {number} */ row, /** @type {number} */ sign) => {
    for (let x = 0, at = row * width; x < width; x += 1, at += 1) sums[x] += sign * data[at];
  };
  for (let at = 0; at < 2 * radius; at += 1) add(place[at], 1);
  for (let y = 0; y < height; y += 1) {
    add(place[y + 2 * radius], 1);
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) made.data[at] = sums[x] * scale;
    add(place[y], -1);
  }
  return made;
}

/**
 * A Gaussian blur; beyond the edge the picture is mirrored.
 * @param {Plane} source
 * @param {number} sigma in pixels
 * @returns {Plane}
 */
export function gaussianBlurred(source, sigma) {
  const radius = Math.max(1, Math.round(sigma * 8 + 1) >> 1);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, at) =>
    Math.exp(-((at - radius) ** 2) / (2 * sigma * sigma)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (let at = 0; at < weights.length; at += 1) weights[at] /= total;
  const across = convolved(source, weights, radius, 1, source.width);
  return convolved(across, weights, radius, source.width, source.height);
}

/**
 * @param {Plane} source
 * @param {Float64Array} weights
 * @param {number} radius
 * @param {number} stride from one number to the next of a line
 * @param {number} length of a line
 * @returns {Plane}
 */
function convolved({ width, height, data }, weights, radius, stride, length) {
  const made = plane(width, height);
  const place = mirrored(length, radius, true);
  for (let at = 0; at < data.length; at += 1) {
    const here = Math.floor(at / stride) % length;
    const start = at - here * stride;
    let sum = 0;
    for (let tap = 0; tap < weights.length; tap += 1) sum += weights[tap] * data[start + place[here + tap] * stride];
    made.data[at] = sum;
  }
  return made;
}

/**
 * The lowest or highest value around each pixel, inside a shape.
 * @param {Plane} source
 * @param {number[]} reach of the shape to both sides, for each of its rows
 * @param {(a: number, b: number) => number} choose `Math.min` or `Math.max`
 * @returns {Plane}
 */
export function extreme({ width, height, data }, reach, choose) {
  const made = plane(width, height, Float32Array.from(data));
  const middle = reach.length >> 1;
  // A row's own extreme for each width of the shape, once; beyond the edge there is nothing.
  for (const half of new Set(reach)) {
    const rows = alongRow({ width, height, data }, half, choose);
    reach.forEach((own, line) => {
      if (own !== half) return;
      for (let y = 0; y < height; y += 1) {
        const from = y + line - middle;
        if (from < 0 || from >= height) continue;
        for (let x = 0; x < width; x += 1) {
          const at = y * width + x;
          made.data[at] = choose(made.data[at], rows[from * width + x]);
        }
      }
    });
  }
  return made;
}

/** @param {Plane} source @param {number} half @param {(a: number, b: number) => number} choose */
function alongRow({ width, height, data }, half, choose) {
  const made = Float32Array.from(data);
  for (let y = 0, row = 0; y < height; y += 1, row += width) {
    for (let x = 0; x < width; x += 1) {
      const end = Math.min(width - 1, x + half);
      for (let at = Math.max(0, x - half); at <= end; at += 1) made[row + x] = choose(made[row + x], data[row + at]);
    }
  }
  return made;
}

/** A disc of a radius, as `extreme` takes it: what OpenCV calls an ellipse. @param {number} radius */
export function disc(radius) {
  return Array.from({ length: 2 * radius + 1 }, (_, line) =>
    Math.round(Math.sqrt(radius * radius - (line - radius) ** 2)),
  );
}

/** The eight neighbours, as `extreme` takes them. */
export const AROUND = [1, 1, 1];

/**
 * Where the pixels of an enlarged line lie between those of the reduced one.
 * @param {number} count of the reduced line
 * @param {number} step
 * @param {number} length of the enlarged line
 */
export function enlarging(count, step, length) {
  const low = new Uint32Array(length);
  const high = new Uint32Array(length);
  const weight = new Float32Array(length);
  for (let at = 0; at < length; at += 1) {
    const place = Math.min(count - 1, Math.max(0, (at + 0.5) / step - 0.5));
    low[at] = Math.floor(place);
    high[at] = Math.min(low[at] + 1, count - 1);
    weight[at] = place - low[at];
  }
  return { low, high, weight };
}

/**
 * Which pixel stands for one beyond the edge, for places from `-radius` to `length + radius`.
 * @param {number} length
 * @param {number} radius
 * @param {boolean} around whether the mirror stands on the last pixel, or behind it
 */
function mirrored(length, radius, around) {
  const period = around ? Math.max(1, 2 * length - 2) : 2 * length;
  return Uint32Array.from({ length: length + 2 * radius }, (_, at) => {
    const place = (((at - radius) % period) + period) % period;
    return place < length ? place : period - place - (around ? 0 : 1);
  });
}
