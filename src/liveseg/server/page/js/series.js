/** The numbers behind the chart of areas over time: buckets as wide as pixels, stacks, and round scales. */

/**
 * @typedef {object} Areas
 * @property {number[]} times of the frames in seconds, rising
 * @property {{ index: number, share: number[] }[]} classes the share of the picture, in [0, 1], at each of the times
 */

/**
 * @typedef {object} Band
 * @property {number} index of the class
 * @property {number[]} low at each column; 0 for lines
 * @property {number[]} high at each column
 */

/** @typedef {{ index: number, share: number[] }} ClassShares */

/**
 * The mean share of each class in so many equal pieces of a duration; a piece without a frame continues the last one.
 * @param {Areas} areas
 * @param {number} columns
 * @param {number} duration in seconds
 * @param {number} [until] seconds after which nothing is known yet: pieces behind that are left out
 * @returns {{ index: number, share: number[] }[]}
 */
export function bucket(areas, columns, duration, until = duration) {
  const known = 1 + columnOf(until, columns, duration);
  const count = new Array(columns).fill(0);
  const place = areas.times.map((time) => columnOf(time, columns, duration));
  for (const column of place) count[column] += 1;
  return areas.classes.map(({ index, share }) => {
    const sums = new Array(columns).fill(0);
    place.forEach((column, frame) => {
      sums[column] += share[frame];
    });
    let last = share[0] ?? 0;
    const means = sums.slice(0, known).map((sum, column) => {
      if (count[column] > 0) last = sum / count[column];
      return last;
    });
    return { index, share: means };
  });
}

/**
 * @param {number} time in seconds
 * @param {number} columns
 * @param {number} duration in seconds
 */
export function columnOf(time, columns, duration) {
  if (!(duration > 0)) return 0;
  return Math.min(columns - 1, Math.max(0, Math.floor((time / duration) * columns)));
}

/**
 * Classes on top of each other, the first one at the bottom.
 * @param {{ index: number, share: number[] }[]} classes
 * @returns {Band[]}
 */
export function stack(classes) {
  /** @type {number[]} */
  let low = classes.length > 0 ? new Array(classes[0].share.length).fill(0) : [];
  return classes.map(({ index, share }) => {
    const high = share.map((value, column) => low[column] + value);
    const band = { index, low, high };
    low = high;
    return band;
  });
}

/**
 * The smallest round share that holds everything, so that small classes can be seen: 0.05 to 1.
 * @param {Band[]} bands
 */
export function roof(bands) {
  const highest = bands.reduce((most, band) => band.high.reduce((a, b) => Math.max(a, b), most), 0);
  return [0.05, 0.1, 0.2, 0.4, 0.6, 0.8].find((round) => highest <= round) ?? 1;
}

/** Steps of a time axis that people count in, in seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/**
 * Times of the marks on the axis, so many at most besides 0.
 * @param {number} duration in seconds
 * @param {number} most
 * @returns {number[]}
 */
export function timeMarks(duration, most) {
  const step = STEPS.find((one) => duration / one <= most) ?? Math.ceil(duration / most / 3600) * 3600;
  const marks = [];
  for (let mark = 0; mark <= duration; mark += step) marks.push(mark);
  return marks;
}

/**
 * The frame that is shown at a time: the last one that is not later.
 * @param {number[]} times in seconds, rising
 * @param {number} time in seconds
 * @returns {number} its index; 0 before the first
 */
export function frameAt(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time + 1e-6) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/**
 * The classes by falling mean share, for the legend and the order of the stack.
 * @param {Areas} areas
 * @returns {{ index: number, mean: number, most: number }[]}
 */
export function ranking(areas) {
  return areas.classes
    .map(({ index, share }) => ({
      index,
      mean: share.reduce((sum, value) => sum + value, 0) / Math.max(1, share.length),
      most: share.reduce((a, b) => Math.max(a, b), 0),
    }))
    .sort((a, b) => b.mean - a.mean || a.index - b.index);
}

/**
 * A time as a player writes it: 0:07, 12:30, 1:02:03.
 * @param {number} seconds
 */
export function clockTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${hours > 0 ? String(minutes).padStart(2, "0") : minutes}:${String(rest).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}
