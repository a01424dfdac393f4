/** Draws a picture at its full size, away from the page, which stays smooth meanwhile. */

import { drawnFile } from "./full-size.js";

self.addEventListener("message", async ({ data: { number, task } }) => {
  try {
    self.postMessage({ number, file: await drawnFile(task) });
  } catch (error) {
    self.postMessage({ number, problem: String(error) });
  }
});
