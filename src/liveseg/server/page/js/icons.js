/** Line icons, 24 by 24, drawn for this page; they take the colour of the text around them. */

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string[]>} the paths of each */
const PATHS = {
  upload: ["M12 16V4", "M7 9l5-5 5 5", "M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3"],
  download: ["M12 4v12", "M7 11l5 5 5-5", "M4 20h16"],
  camera: [
    "M4 8a1 1 0 0 1 1-1h3l1.5-2.5h5L16 7h3a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1z",
    "M12 16a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  ],
  image: [
    "M4 6a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1z",
    "M4 16l5-5 4 4 3-3 4 4",
    "M15.5 9.5h.01",
  ],
  video: ["M4 7a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1z", "M15 10.5l5-3v9l-5-3"],
  live: [
    "M12 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
    "M8.5 15.5a5 5 0 0 1 0-7",
    "M15.5 8.5a5 5 0 0 1 0 7",
    "M5.7 18.3a9 9 0 0 1 0-12.6",
    "M18.3 5.7a9 9 0 0 1 0 12.6",
  ],
  streams: ["M4 5h7v6H4z", "M13 5h7v6h-7z", "M4 13h7v6H4z", "M13 13h7v6h-7z"],
  sun: [
    "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
    "M12 3v2",
    "M12 19v2",
    "M3 12h2",
    "M19 12h2",
    "M5.6 5.6L7 7",
    "M17 17l1.4 1.4",
    "M18.4 5.6L17 7",
    "M7 17l-1.4 1.4",
  ],
  moon: ["M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z"],
  auto: ["M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z", "M12 4v16", "M15 5.2v13.6", "M18 7v10"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  play: ["M8 5.5v13l11-6.5z"],
  pause: ["M8 5v14", "M16 5v14"],
  stop: ["M6 6h12v12H6z"],
  alert: ["M12 4L2.8 19.5h18.4z", "M12 10v4.5", "M12 17.2h.01"],
  offline: [
    "M4 4l16 16",
    "M8.5 8.6a8 8 0 0 0-3.4 2.2",
    "M19 10.8a10 10 0 0 0-7.7-2.8",
    "M8.3 14.2A5.4 5.4 0 0 1 12 12.8",
    "M12 18.2h.01",
  ],
  mirror: ["M12 3v18", "M9 7l-6 10h6z", "M15 7l6 10h-6z"],
  eye: [
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z",
    "M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z",
  ],
  plus: ["M12 5v14", "M5 12h14"],
  trash: ["M5 7h14", "M9.5 7V4.5h5V7", "M6.5 7l1 13h9l1-13"],
  swap: ["M8 8l-4 4 4 4", "M16 8l4 4-4 4"],
  again: ["M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.4", "M20 4.5v4.9h-4.9"],
  external: ["M14 5h5v5", "M19 5l-8 8", "M17 14v4a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h4"],
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * An icon, silent to screen readers: what carries it has words.
 * @param {string} name
 * @param {string} [classes]
 * @returns {SVGSVGElement}
 */
export function icon(name, classes = "") {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("class", `icon ${classes}`.trim());
  made.setAttribute("aria-hidden", "true");
  made.setAttribute("focusable", "false");
  for (const path of PATHS[name] ?? []) {
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", path);
    made.append(line);
  }
  return made;
}
