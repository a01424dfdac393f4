/** Elements made in one call. Text is always text: nothing here, nor anywhere on the page, parses HTML. */

/**
 * What an element is made with.
 * @typedef {object} Parts
 * @property {string} [class] its classes
 * @property {string} [text] its text, before the children
 * @property {Record<string, (event: any) => void>} [on] listeners by event
 * @property {Record<string, string | number>} [style] properties, also custom ones
 * @property {Record<string, string>} [data] for `data-…`
 */

/** @typedef {Node | string | null | undefined | false} Child what is left out where there is nothing to show */

/**
 * Make an element.
 *
 * Further keys are attributes (`aria-label`, `type`, `href`): true is an attribute without a value; false, null and
 * undefined leave it out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Parts & Record<string, any>} [parts]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, parts = {}, ...children) {
  const made = document.createElement(tag);
  const { class: classes, text, on, style, data, ...attributes } = parts;
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) attribute(made, name, value);
  for (const [name, value] of Object.entries(style ?? {})) made.style.setProperty(name, String(value));
  for (const [name, value] of Object.entries(data ?? {})) made.dataset[name] = value;
  for (const [event, listener] of Object.entries(on ?? {})) made.addEventListener(event, listener);
  add(made, ...children);
  return made;
}

/**
 * Set an attribute, or take it away.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function attribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {Element} parent
 * @param {...Child} children
 */
export function add(parent, ...children) {
  for (const child of children) if (child !== null && child !== undefined && child !== false) parent.append(child);
}

/**
 * Put these in the place of all that is there.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, ...children);
}

/**
 * The element with an id, which the page has.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

let count = 0;

/** An id that nothing else has, for `aria-labelledby` and `for`. */
export function freshId(stem = "id") {
  count += 1;
  return `${stem}-${count}`;
}

/** Whether the reader has asked for less movement. */
export function prefersStillness() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
