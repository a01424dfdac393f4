/** The service's routes, with the token where one is set, and its problems in words. */

import { words } from "./strings.js";

/** @typedef {"offline" | "token" | "busy" | "loading" | "large" | "unsupported" | "late" | "failed"} Trouble */

const TOKEN = "liveseg.token";

/** @type {Record<number, Trouble>} */
const TROUBLES = {
  401: "token",
  403: "token",
  408: "late",
  413: "large",
  415: "unsupported",
  422: "unsupported",
  429: "busy",
  503: "loading",
  504: "late",
};

/** The service said no, or nothing at all. */
export class ServiceError extends Error {
  /**
   * @param {Trouble} trouble
   * @param {{ status?: number, detail?: string, retryAfter?: number | null, cause?: unknown }} [about]
   */
  constructor(trouble, { status = 0, detail = "", retryAfter = null, cause } = {}) {
    super(detail || words.problem[trouble].title, { cause });
    this.trouble = trouble;
    /** The HTTP status; 0 where there was no answer. */
    this.status = status;
    /** What to say in a headline. */
    this.title = words.problem[trouble].title;
    /** What to say below it: the service's own words where it gave some. */
    this.detail = detail || words.problem[trouble].text;
    /** Seconds after which to try again, where the service said so. */
    this.retryAfter = retryAfter;
  }
}

/**
 * The address of a route, relative to the page, so that both may stand below any path.
 * @param {string} path as `v1/segment`
 * @param {Record<string, string | number | boolean | null | undefined>} [query] what is null or undefined is left out
 */
export function addressOf(path, query = {}) {
  const address = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) address.searchParams.set(name, String(value));
  }
  return address;
}

/** The address of a WebSocket route. @param {string} path */
export function socketAddress(path) {
  const address = addressOf(path);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

/** The token that was given, or null. */
export function token() {
  return sessionStorage.getItem(TOKEN);
}

/** @param {string | null} given */
export function setToken(given) {
  if (given) sessionStorage.setItem(TOKEN, given);
  else sessionStorage.removeItem(TOKEN);
}

/** @type {(refused: boolean) => Promise<string | null>} */
let askForToken = async () => null;
/** @type {Promise<boolean> | null} */
let asking = null;

/**
 * Who asks the reader for a token; it is called once however many requests want one.
 * @param {(refused: boolean) => Promise<string | null>} ask `refused`: the last one was wrong; null: not given
 */
export function onTokenWanted(ask) {
  askForToken = ask;
}

/**
 * Ask for a token, once for all who wait for it.
 * @returns {Promise<boolean>} whether there is another one to try
 */
export function wantToken() {
  asking ??= askForToken(token() !== null)
    .then((given) => {
      if (given) setToken(given);
      return Boolean(given);
    })
    .finally(() => {
      asking = null;
    });
  return asking;
}

/** @typedef {EventTarget & { dispatchEvent(event: Event): boolean }} Signals */

/** Says `offline` when a request got no answer, and `answered` when one did. @type {Signals} */
export const signals = new EventTarget();

/**
 * @typedef {object} Ask
 * @property {string} [method]
 * @property {BodyInit | null} [body]
 * @property {Record<string, string | number | boolean | null | undefined>} [query]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * Ask the service; where it wants a token, the reader is asked for it and the request is made again.
 * @param {string} path
 * @param {Ask} [ask]
 * @returns {Promise<Response>} of a request that succeeded
 * @throws {ServiceError}
 */
export async function request(path, { method = "GET", body = null, query = {}, headers = {}, signal } = {}) {
  const used = token();
  /** @type {Response} */
  let response;
  try {
    response = await fetch(addressOf(path, query), { method, body, headers: authorized(headers), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    signals.dispatchEvent(new Event("offline"));
    throw new ServiceError("offline", { cause: error });
  }
  signals.dispatchEvent(new Event("answered"));
  if (response.ok) return response;
  if (response.status === 401 && (token() !== used || (await wantToken()))) {
    return request(path, { method, body, query, headers, signal });
  }
  throw problemOf(response.status, response.headers.get("retry-after"), await response.text());
}

/**
 * @param {string} path
 * @param {Ask} [ask]
 * @returns {Promise<any>}
 */
export async function json(path, ask) {
  return (await request(path, ask)).json();
}

/**
 * Send something large, and tell how far it is.
 *
 * @param {string} path
 * @param {Blob | FormData} body
 * @param {{ query?: Ask["query"], headers?: Record<string, string>, signal?: AbortSignal,
 *   onProgress?: (sent: number, total: number) => void }} [ask] in bytes
 * @returns {Promise<{ status: number, location: string | null, data: any }>} `data`: the JSON of the answer
 * @throws {ServiceError}
 */
export async function upload(path, body, ask = {}) {
  const { query = {}, headers = {}, signal, onProgress } = ask;
  const used = token();
  const sent = new XMLHttpRequest();
  sent.open("POST", addressOf(path, query));
  for (const [name, value] of Object.entries(authorized(headers))) sent.setRequestHeader(name, value);
  sent.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded, event.total);
  const stop = () => sent.abort();
  signal?.addEventListener("abort", stop);
  try {
    await new Promise((resolve, reject) => {
      sent.onload = resolve;
      sent.onerror = () => reject(new ServiceError("offline"));
      sent.onabort = () => reject(new DOMException("aborted", "AbortError"));
      if (signal?.aborted) stop();
      else sent.send(body);
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  if (sent.status === 401 && (token() !== used || (await wantToken()))) return upload(path, body, ask);
  if (sent.status < 200 || sent.status > 299) {
    throw problemOf(sent.status, sent.getResponseHeader("retry-after"), sent.responseText);
  }
  return { status: sent.status, location: sent.getResponseHeader("location"), data: parsed(sent.responseText) };
}

/**
 * An address for `<img>`, `<video>` and downloads, which cannot send a token: with a ticket where one is needed.
 * @param {string} path
 * @param {Ask["query"]} [query]
 * @returns {Promise<string>}
 */
export async function mediaAddress(path, query = {}) {
  const address = addressOf(path, query);
  if (token() === null) return address.href;
  const { ticket } = await json("v1/tickets", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ path: `/${path}` }),
  });
  address.searchParams.set("ticket", ticket);
  return address.href;
}

/** @param {Record<string, string>} headers */
function authorized(headers) {
  const given = token();
  return given === null ? headers : { ...headers, authorization: `Bearer ${given}` };
}

/**
 * @param {number} status
 * @param {string | null} wait
 * @param {string} text of the answer
 */
function problemOf(status, wait, text) {
  const data = parsed(text);
  const seconds = Number.parseFloat(wait ?? "");
  const trouble = TROUBLES[status] ?? "failed";
  return new ServiceError(trouble, {
    status,
    detail: typeof data?.detail === "string" ? data.detail : "",
    retryAfter: Number.isFinite(seconds) ? seconds : null,
  });
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not every answer is JSON
  }
}
