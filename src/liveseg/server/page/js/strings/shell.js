/** Words of what all tabs share. */
export const shell = {
  app: { name: "liveseg", title: (/** @type {string} */ tab) => `${tab} · liveseg` },
  tabs: { label: "What to segment", image: "Image", video: "Video", live: "Live", streams: "Streams" },
  theme: { label: "Colours of the page", light: "Light", dark: "Dark", auto: "As the system" },
  service: {
    loading: (/** @type {string} */ detail) => `The service is not ready yet: ${detail}.`,
    offline: "The service does not answer.",
    offlineHint: "Is liveseg serve still running? The page tries again by itself.",
    again: "The service is back.",
    retry: "Try again",
  },
  token: {
    title: "This service asks for a token",
    text: "Whoever runs it has set one. It is kept until this tab is closed.",
    label: "Token",
    wrong: "The service does not accept this token.",
    send: "Continue",
    cancel: "Cancel",
  },
  /** Names that data sets write together, as people write them. */
  classes: { diningtable: "dining table", pottedplant: "potted plant", tvmonitor: "TV monitor" },
  legend: {
    label: "Classes",
    empty: "No classes yet",
    showAll: "Show all",
    noClass: "no class",
    sure: (/** @type {string} */ share) => `${share} sure`,
    row: (/** @type {string} */ name, /** @type {string} */ share) => `${name}, ${share} of the picture`,
    rowSure: (/** @type {string} */ name, /** @type {string} */ share, /** @type {string} */ sure) =>
      `${name}, ${share} of the picture, ${sure} sure`,
  },
  wipe: {
    label: "Compare: source on the left, result on the right",
    value: (/** @type {string} */ share) => `${share} source`,
  },
  problem: {
    offline: { title: "The service does not answer", text: "Check that liveseg serve is running, then try again." },
    token: { title: "No access without the token", text: "Load the page again to enter it." },
    busy: { title: "The service has its hands full", text: "Try again in a moment." },
    loading: { title: "The model is still being loaded", text: "Try again in a moment." },
    large: { title: "That is too large for this service", text: "Scale it down, or ask for higher limits." },
    unsupported: { title: "This file cannot be read", text: "Try a JPEG, PNG or WebP." },
    late: { title: "That took too long", text: "Try again, or with something smaller." },
    failed: { title: "That did not work", text: "Try again." },
  },
  drop: { anywhere: "Drop it anywhere" },
  loading: "Loading…",
  broken: { title: "This part of the page could not be loaded", text: "Load the page again." },
};
