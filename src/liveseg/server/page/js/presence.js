/** Whether the service is there: told on top of the page where it is not, and tried again until it is. */

import { addressOf, signals } from "./api.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { words } from "./strings.js";

/** @typedef {"ready" | "loading" | "offline"} Presence */

/** How long to wait before looking again, in ms. */
const AGAIN = 2000;

class ServicePresence extends EventTarget {
  /** @type {Presence} */
  state = "ready";
  /** Why it is not ready, in the service's own words. */
  detail = "";
  #timer = 0;

  /** Begin to look; `change` is dispatched whenever the state is another. */
  watch() {
    signals.addEventListener("offline", () => this.#set("offline"));
    signals.addEventListener("answered", () => this.state === "offline" && this.look());
    window.addEventListener("online", () => this.look());
    this.look();
  }

  /** Look now. */
  async look() {
    window.clearTimeout(this.#timer);
    try {
      const answer = await fetch(addressOf("readyz"), { cache: "no-store" });
      const loading = answer.status === 503;
      this.detail = loading ? ((await answer.json()).detail ?? "") : "";
      this.#set(loading ? "loading" : "ready");
    } catch {
      this.#set("offline");
    }
  }

  /** @param {Presence} state */
  #set(state) {
    window.clearTimeout(this.#timer);
    if (state !== "ready") this.#timer = window.setTimeout(() => this.look(), AGAIN);
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** The one service of this page. */
export const presence = new ServicePresence();

/**
 * Keep a banner in step with the service.
 * @param {HTMLElement} banner
 */
export function showPresence(banner) {
  let timer = 0;
  let before = presence.state;
  presence.addEventListener("change", () => {
    window.clearTimeout(timer);
    const { state } = presence;
    banner.dataset.state = state;
    const { service } = words;
    if (state === "offline") {
      fill(
        banner,
        icon("offline"),
        el(
          "span",
          { class: "banner-text" },
          el("strong", { text: service.offline }),
          el("span", { class: "banner-hint", text: ` ${service.offlineHint}` }),
        ),
        el("button", { type: "button", class: "link", text: service.retry, on: { click: () => presence.look() } }),
      );
    } else if (state === "loading") {
      fill(
        banner,
        el("span", { class: "spinner small", "aria-hidden": "true" }),
        el("span", { text: service.loading(presence.detail) }),
      );
    } else if (before === "offline") {
      fill(banner, icon("check"), el("span", { text: service.again }));
      timer = window.setTimeout(() => fill(banner), 4000);
    } else {
      fill(banner);
    }
    before = state;
  });
}
