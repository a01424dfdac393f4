/** Light, dark, or as the system has it. */

import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { words } from "./strings.js";

const KEY = "liveseg.theme";

/** @typedef {"auto" | "light" | "dark"} Theme */

/** @type {Theme[]} in the order of the switch */
const THEMES = ["auto", "light", "dark"];
const ICONS = { auto: "auto", light: "sun", dark: "moon" };

/** @returns {Theme} */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "auto";
}

/** @param {Theme} chosen */
export function setTheme(chosen) {
  if (chosen === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = chosen;
    localStorage.setItem(KEY, chosen);
  }
}

/** Whether the page is dark now, whoever decided it. */
export function isDark() {
  const chosen = theme();
  return chosen === "auto" ? window.matchMedia("(prefers-color-scheme: dark)").matches : chosen === "dark";
}

/** A button that goes through the themes. */
export function themeSwitch() {
  const button = el("button", { type: "button", class: "icon-button", id: "theme" });
  const tell = () => {
    const now = theme();
    const label = `${words.theme.label}: ${words.theme[now].toLowerCase()}`;
    button.setAttribute("aria-label", label);
    button.title = label;
    fill(button, icon(ICONS[now]));
  };
  button.addEventListener("click", () => {
    setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    tell();
  });
  tell();
  return button;
}
