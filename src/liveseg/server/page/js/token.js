/** The dialog that asks for the service's token. */

import { el, freshId } from "./dom.js";
import { words } from "./strings.js";

/**
 * @param {boolean} refused the last one was wrong
 * @returns {Promise<string | null>} null: the reader would rather not
 */
export function askForToken(refused) {
  const { title, text, label, wrong, send, cancel } = words.token;
  const [heading, field, trouble] = [freshId("title"), freshId("token"), freshId("wrong")];
  const input = el("input", {
    id: field,
    class: "input",
    type: "password",
    autocomplete: "current-password",
    required: true,
    "aria-invalid": refused ? "true" : null,
    "aria-describedby": refused ? trouble : null,
  });
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-labelledby": heading },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: heading, text: title }),
      el("p", { text }),
      el("label", { for: field, class: "label", text: label }),
      input,
      refused ? el("p", { id: trouble, class: "trouble", text: wrong }) : null,
      el(
        "div",
        { class: "dialog-actions" },
        el("button", { type: "button", class: "button", text: cancel, on: { click: () => dialog.close() } }),
        el("button", { type: "submit", class: "button primary", value: "given", text: send }),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "given" && input.value !== "" ? input.value : null);
    });
  });
}
