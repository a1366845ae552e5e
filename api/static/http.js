// Requests to the service, and the treatment of those that fail.

import { clearWarning, warn } from "./banner.js";
import { replaceKey, key } from "./session.js";

const API = "/api/v1";
const BUSY = [429, 502, 503, 504]; // of the service or a proxy before it: worth another try
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 8000;

/** A problem document (RFC 9457) as an error. */
export class Problem extends Error {
  constructor(status, document, retryAfter) {
    super(document.detail || document.title || `the service answered ${status}`);
    this.status = status;
    this.errors = document.errors ?? [];
    this.line = document.line ?? null; // of a JSON document that cannot be parsed
    this.retryAfter = retryAfter;
  }
}

/** The error of a request without an answer. */
export class Unreachable extends Error {
  constructor() {
    super("the service does not answer");
  }
}

export const segment = encodeURIComponent;

let leaving = false;

/** Say whether this page is about to go: what it still reads may be gone before it. */
export function setLeaving(value) {
  leaving = value;
}

/**
 * Send a request; the answer as `{status, value, etag, location}`; `value` is null for 204 and 304.
 * After a 401 the user is asked for another key, and the request is sent once more.
 * Throws a Problem or Unreachable, or the abort of `signal`.
 */
export async function send(method, path, { body, headers = {}, signal } = {}) {
  for (;;) {
    const used = key();
    const response = await fetchAnswer(method, path, { body, headers, signal });
    if (response.ok || response.status === 304) return await decode(response);
    const problem = await problemOf(response);
    if (leaving && problem.status === 404 && method === "GET") await new Promise(() => {});
    if (problem.status !== 401) throw problem;
    await replaceKey(used, problem.message);
  }
}

async function fetchAnswer(method, path, { body, headers, signal }) {
  const all = { Authorization: `Bearer ${key()}`, ...headers };
  try {
    return await fetch(API + path, { method, body, headers: all, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

async function decode(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const empty = response.status === 204 || response.status === 304;
  const { status } = response;
  const [etag, place] = ["ETag", "Location"].map((name) => response.headers.get(name));
  try {
    const read = () => (type.startsWith("application/json") ? response.json() : response.blob());
    return { status, value: empty ? null : await read(), etag, location: place };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(); // the connection broke within the answer
  }
}

async function problemOf(response) {
  const document = await response.json().catch(() => ({}));
  return new Problem(response.status, document, Number(response.headers.get("Retry-After")) || 0);
}

/** POST or PATCH of a value as JSON. */
export function sendJson(method, path, value, headers = {}) {
  const body = typeof value === "string" ? value : JSON.stringify(value);
  return send(method, path, { body, headers: { "Content-Type": "application/json", ...headers } });
}

/** Read, and repeat it until the service answers. */
export const read = (path, options = {}) => retryWhileUnavailable(() => send("GET", path, options));

/**
 * Call `work` until the service answers: while it is away or busy a banner says so, and `work` is
 * called again after growing pauses. Other problems are thrown.
 */
export async function retryWhileUnavailable(work) {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      const result = await work();
      endOutage();
      return result;
    } catch (error) {
      const busy = error instanceof Problem && BUSY.includes(error.status);
      if (!busy && !(error instanceof Unreachable)) throw error;
      await waitForRetry(error.message, Math.max(pause, 1000 * (error.retryAfter ?? 0)));
    }
  }
}

// While the service is away many reads may wait; one banner speaks for all of them.
let retry = null;

function waitForRetry(why, pause) {
  if (retry === null) {
    retry = Promise.withResolvers();
    const text = `No answer: ${why}. What you see may be old; trying again …`;
    warn("away", text, "Try now", () => retry?.resolve());
  }
  const timer = new Promise((resolve) => setTimeout(resolve, pause));
  return Promise.race([timer, retry.promise]);
}

function endOutage() {
  if (retry === null) return;
  retry.resolve();
  retry = null;
  clearWarning("away");
}

/** Save an answer as a file. A link to the service could not carry the key. */
export async function save(path, name, headers = {}) {
  const { value } = await read(path, { headers });
  const file = value instanceof Blob ? value : new Blob([JSON.stringify(value, null, 2)]);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
