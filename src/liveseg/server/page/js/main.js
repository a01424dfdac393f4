/** The shell: tabs by address, files dropped or pasted anywhere, the theme, and whether the service is there. */

import { onTokenWanted } from "./api.js";
import { byId, el } from "./dom.js";
import { listenForFiles } from "./files.js";
import { icon } from "./icons.js";
import { Notice } from "./notice.js";
import { presence, showPresence } from "./presence.js";
import { words } from "./strings.js";
import { themeSwitch } from "./theme.js";
import { askForToken } from "./token.js";

/** @typedef {"image" | "video" | "live" | "streams"} TabName */

/**
 * What a tab's module gives back from `open(panel, shell)`, which is called once, when the tab is first shown.
 * @typedef {object} TabView
 * @property {(rest: string) => void} [show] each time it is shown, the first time too; `rest` of `#video/…`
 * @property {() => void} [hide] when another tab is shown, or the page is left
 * @property {(files: File[]) => void} [take] files that were dropped or pasted for it
 */

/**
 * What the shell offers to tabs.
 * @typedef {object} Shell
 * @property {(name: TabName, files?: File[]) => Promise<void>} openTab go to a tab, perhaps with files for it
 * @property {typeof presence} presence
 */

/** @type {Record<TabName, () => Promise<{ open(panel: HTMLElement, shell: Shell): TabView | Promise<TabView> }>>} */
const MODULES = {
  image: () => import("./tabs/image.js"),
  video: () => import("./tabs/video.js"),
  live: () => import("./tabs/live.js"),
  streams: () => import("./tabs/streams.js"),
};
const NAMES = /** @type {TabName[]} */ (Object.keys(MODULES));

/** @type {Map<TabName, { tab: HTMLButtonElement, panel: HTMLElement, view: Promise<TabView> | null }>} */
const tabs = new Map();
/** @type {TabName | null} */
let current = null;

/** @type {Shell} */
const shell = {
  presence,
  async openTab(name, files = []) {
    if (location.hash.split("/")[0] !== `#${name}`) location.hash = name;
    await show(name);
    const view = await tabs.get(name)?.view;
    if (files.length > 0) view?.take?.(files);
  },
};

function build() {
  byId("top-end").append(themeSwitch());
  const list = byId("tabs");
  list.setAttribute("aria-label", words.tabs.label);
  list.addEventListener("keydown", (event) => move(event));
  for (const name of NAMES) {
    const tab = el(
      "button",
      {
        type: "button",
        class: "tab",
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": `panel-${name}`,
        "aria-selected": "false",
        tabindex: -1,
        on: { click: () => shell.openTab(name) },
      },
      icon(name),
      el("span", { text: words.tabs[name] }),
    );
    const panel = el("section", {
      class: "panel",
      role: "tabpanel",
      id: `panel-${name}`,
      "aria-labelledby": `tab-${name}`,
      hidden: true,
    });
    list.append(tab);
    byId("main").append(panel);
    tabs.set(name, { tab, panel, view: null });
  }
}

/**
 * Left and right go through the tabs, as a list of tabs is used by the keyboard.
 * @param {KeyboardEvent} event
 */
function move(event) {
  const place = NAMES.indexOf(current ?? "image");
  const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: NAMES.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const name = NAMES[(next + NAMES.length) % NAMES.length];
  tabs.get(name)?.tab.focus();
  shell.openTab(name);
}

/**
 * Show a tab; its module is loaded when it is first wanted.
 * @param {TabName} name
 * @param {string} [rest]
 */
async function show(name, rest = "") {
  const chosen = tabs.get(name);
  if (chosen === undefined) return;
  if (current !== name) {
    const before = current === null ? undefined : tabs.get(current);
    current = name;
    for (const [own, { tab, panel }] of tabs) {
      tab.setAttribute("aria-selected", String(own === name));
      tab.tabIndex = own === name ? 0 : -1;
      panel.hidden = own !== name;
    }
    document.title = words.app.title(words.tabs[name]);
    (await before?.view)?.hide?.();
  }
  chosen.view ??= open(name, chosen.panel);
  const view = await chosen.view;
  if (current === name) view.show?.(rest);
}

/**
 * @param {TabName} name
 * @param {HTMLElement} panel
 * @returns {Promise<TabView>}
 */
async function open(name, panel) {
  const notice = new Notice();
  panel.append(notice.element);
  // What is there at once should not flicker.
  const timer = window.setTimeout(() => notice.loading(words.loading), 150);
  try {
    const module = await MODULES[name]();
    return await module.open(panel, shell);
  } catch (error) {
    console.error(error);
    const again = { label: words.service.retry, run: () => location.reload() };
    window.clearTimeout(timer);
    notice.show("error", { ...words.broken, actions: [again] });
    return {};
  } finally {
    window.clearTimeout(timer);
    if (notice.element.dataset.kind !== "error") notice.element.remove();
  }
}

/** Go where the address says. */
function route() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  if (name === "main") return; // the link that skips the header
  show(NAMES.find((own) => own === name) ?? "image", rest.join("/"));
}

build();
onTokenWanted(askForToken);
showPresence(byId("banner"));
presence.watch();
listenForFiles(shell, () => current);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("hashchange", route);
window.addEventListener("pagehide", async () => {
  if (current !== null) (await tabs.get(current)?.view)?.hide?.();
});
route();
