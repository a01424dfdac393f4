/** The one question about a picture: its layers, of which everything on the screen is drawn. */

import { request, ServiceError } from "../api.js";
import { isLayers, LAYERS_TYPE, readMessage } from "../wire.js";

/** Of a 503 without a word of how long, in seconds. */
const SOON = 1;
/** To be asked to wait this long means that something is wrong, in seconds. */
const LONGEST = 20;

/**
 * What was chosen; null: what is usual.
 * @typedef {object} Choice
 * @property {string | null} model
 * @property {number | null} size
 */

/**
 * The layers of a picture; a model that is being loaded is waited for.
 * @param {import("./picture.js").Picture} picture
 * @param {Choice} choice
 * @param {AbortSignal} signal
 * @param {() => void} onWait the model is being loaded
 * @returns {Promise<{ layers: import("../wire.js").Layers, took: number, timing: string }>} `took` in ms
 * @throws {ServiceError}
 */
export async function askLayers(picture, choice, signal, onWait) {
  for (;;) {
    const started = performance.now();
    try {
      const answer = await request("v1/segment", {
        method: "POST",
        body: picture.body,
        query: { output: "layers", ...choice },
        headers: { accept: LAYERS_TYPE },
        signal,
      });
      const message = await readMessage(await answer.arrayBuffer());
      if (!isLayers(message)) throw new Error("the service did not answer with layers");
      const timing = answer.headers.get("server-timing") ?? "";
      return { layers: message.layers, took: performance.now() - started, timing };
    } catch (error) {
      const wait = error instanceof ServiceError && error.trouble === "loading" ? (error.retryAfter ?? SOON) : LONGEST;
      if (wait >= LONGEST) throw error;
      onWait();
      await waited(wait * 1000, signal);
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function waited(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
