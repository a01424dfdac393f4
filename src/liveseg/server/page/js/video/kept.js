/** The videos of this browser tab: their ids are found again after a reload. */

const KEY = "liveseg.videos";

/** No more than these are remembered; the oldest go first. */
const MOST = 20;

/**
 * @typedef {object} Kept
 * @property {string} id
 * @property {string} name of the file, as it is called on this side; it never goes to the service
 */

/** @returns {Kept[]} the newest first */
export function keptVideos() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found)
      ? found.filter((one) => typeof one?.id === "string" && typeof one?.name === "string")
      : [];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return [];
    throw error;
  }
}

/** @param {Kept} video */
export function keepVideo(video) {
  save([video, ...keptVideos().filter(({ id }) => id !== video.id)].slice(0, MOST));
}

/** @param {string} id */
export function forgetVideo(id) {
  save(keptVideos().filter((video) => video.id !== id));
}

/** @param {Kept[]} videos */
function save(videos) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(videos));
  } catch (error) {
    // A browser that keeps nothing still shows what is there until it is reloaded.
    if (!(error instanceof DOMException)) throw error;
  }
}
