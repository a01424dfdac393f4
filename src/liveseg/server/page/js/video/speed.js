/** How fast something moves, and when it will be there. */

/** Weight of the newest measurement in the running mean, and the time between two of them in ms. */
const NEWEST = 0.3;
const BETWEEN = 250;

/**
 * Units a second, as a running mean; null before it can be told.
 * @param {number} began ms
 * @returns {(amount: number, now: number) => number | null} `amount` so far, `now` in ms
 */
export function speedometer(began) {
  let [lastAmount, lastTime] = [0, began];
  /** @type {number | null} */
  let speed = null;
  return (amount, now) => {
    if (now - lastTime < BETWEEN) return speed;
    const newest = (1000 * (amount - lastAmount)) / (now - lastTime);
    [lastAmount, lastTime] = [amount, now];
    speed = speed === null ? newest : speed + NEWEST * (newest - speed);
    return speed;
  };
}
