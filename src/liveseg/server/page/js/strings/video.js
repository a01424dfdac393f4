/** Words of the tab for videos. */

const plural = (/** @type {number} */ count, /** @type {string} */ one, /** @type {string} */ many) =>
  count === 1 ? one : many;

export const video = {
  title: "Video",
  start: "Drop a video here",
  lead: "Each frame gets its classes; the result plays in the page, with its sound, and with a chart of what was seen when.",
  choose: "Choose a video",
  another: "Add a video",
  hint: "MP4, WebM, MOV, MKV, AVI and most others",
  notVideo: { title: "That is not a video", text: "Choose a video file; pictures belong into the tab for images." },
  list: "Videos of this tab",
  options: {
    title: "Options",
    note: "For the next video that you add.",
    output: "Result",
    palette: "Palette",
    smooth: "Steady masks from frame to frame",
    outputs: {
      overlay: "Overlay",
      cutout: "Cut-out (WebM with transparency)",
      color: "Colours only",
      mask: "Mask file",
      polygons: "Polygons (GeoJSON)",
      areas: "Areas (CSV)",
    },
  },
  state: {
    uploading: "Being sent",
    queued: "Waiting",
    running: "Being made",
    done: "Done",
    failed: "Failed",
    cancelled: "Cancelled",
    expired: "Expired",
  },
  sent: (/** @type {string} */ sent, /** @type {string} */ total) => `${sent} of ${total}`,
  place: (/** @type {number} */ place) => (place === 1 ? "next in line" : `number ${place} in line`),
  frames: (/** @type {string} */ frames) => `${frames} frames`,
  framesOf: (/** @type {string} */ frames, /** @type {string} */ expected) => `${frames} of ${expected} frames`,
  rate: (/** @type {string} */ rate) => `${rate} frames per second`,
  remaining: (/** @type {number} */ seconds) => {
    if (seconds < 1.5) return "about a second left";
    if (seconds < 60) return `about ${Math.ceil(seconds)} seconds left`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `about ${minutes} ${plural(minutes, "minute", "minutes")} left`;
    const hours = Math.round(minutes / 60);
    return `about ${hours} ${plural(hours, "hour", "hours")} left`;
  },
  unreachable: "The service does not answer; asking again.",
  waiting: "It begins when the videos before it are done.",
  starting: "The first frames are on their way.",
  preview: "The newest finished frame",
  player: (/** @type {string} */ name) => `Result of ${name}`,
  poster: (/** @type {string} */ name) => `A frame of the result of ${name}`,
  fileOnly: "This result is a file, not a video to play.",
  kept: (/** @type {string} */ time) => `Kept by the service until ${time}.`,
  notes: "Notes",
  failed: "This video could not be segmented",
  cancelled: { title: "Cancelled", text: "Nothing of it is kept." },
  expired: {
    title: "No longer kept",
    text: "The service keeps results for a while only; add the video again to make it anew.",
  },
  unplayable: { title: "The browser cannot play this", text: "Download it to see it in a player." },
  actions: {
    cancel: "Cancel",
    cancelOf: (/** @type {string} */ name) => `Cancel ${name}`,
    remove: "Remove",
    removeOf: (/** @type {string} */ name) => `Remove ${name}`,
    again: "Try again",
    download: "Download",
    downloadSize: (/** @type {string} */ size) => `Download (${size})`,
    areas: "Areas as CSV",
  },
  chart: {
    title: "Areas over time",
    label: "Time in the video",
    empty: "No class is switched on, or none was found.",
    kind: "Kind of chart",
    stack: "Stacked",
    lines: "Lines",
    hint: "Click, or use the arrow keys, to go to a moment.",
    at: (/** @type {string} */ time, /** @type {string} */ duration, /** @type {string[]} */ classes) =>
      `${time} of ${duration}${classes.length > 0 ? `: ${classes.join(", ")}` : ""}`,
    mean: "Mean over the video",
    less: (/** @type {number} */ count, /** @type {string} */ share) =>
      `${count} more, never over ${share} of a frame.`,
  },
};
