// Requests to the service, and what becomes of those that fail.

import { unwarn, warn } from "./banner.js";
import { askAgain, key } from "./session.js";

const API = "/api/v1";
const BUSY = [429, 502, 503, 504]; // of the service or a proxy before it: worth another try
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 8000;

/** An answer that says what is wrong (RFC 9457). */
export class Problem extends Error {
  constructor(status, document, retryAfter) {
    super(document.detail || document.title || `the service answered ${status}`);
    this.status = status;
    this.errors = document.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** No answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("the service does not answer");
  }
}

export const segment = encodeURIComponent;

/**
 * One request. The answer as `{status, value, etag, location}`; `value` is null for 204 and 304.
 * A key that opens nothing is asked for again, and the request sent once more.
 * Throws a Problem or Unreachable, or the abort of `signal`.
 */
export async function send(method, path, { body, headers = {}, signal } = {}) {
  for (;;) {
    const used = key();
    const response = await fetched(method, path, { body, headers, signal });
    if (response.ok || response.status === 304) return await answer(response);
    const problem = await problemOf(response);
    if (problem.status !== 401) throw problem;
    await askAgain(used, problem.message);
  }
}

async function fetched(method, path, { body, headers, signal }) {
  const all = { Authorization: `Bearer ${key()}`, ...headers };
  try {
    return await fetch(API + path, { method, body, headers: all, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

async function answer(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const empty = response.status === 204 || response.status === 304;
  const { status } = response;
  const [etag, place] = ["ETag", "Location"].map((name) => response.headers.get(name));
  try {
    const read = () => (type.startsWith("application/json") ? response.json() : response.blob());
    return { status, value: empty ? null : await read(), etag, location: place };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(); // gone in the middle of its answer
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

/** A read that does not give up. */
export const read = (path, options = {}) => persistently(() => send("GET", path, options));

/**
 * Do `work` until the service answers: while it is away or busy that is said, and `work` is done
 * again, after a pause that grows. Other problems are thrown.
 */
export async function persistently(work) {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      const found = await work();
      isBack();
      return found;
    } catch (error) {
      const busy = error instanceof Problem && BUSY.includes(error.status);
      if (!busy && !(error instanceof Unreachable)) throw error;
      await isAway(error.message, Math.max(pause, 1000 * (error.retryAfter ?? 0)));
    }
  }
}

// While the service is away many reads may wait; one banner speaks for all of them.
let retry = null;

function isAway(why, pause) {
  if (retry === null) {
    retry = Promise.withResolvers();
    const text = `No answer: ${why}. What you see may be old; trying again …`;
    warn("away", text, "Try now", () => retry?.resolve());
  }
  const timer = new Promise((resolve) => setTimeout(resolve, pause));
  return Promise.race([timer, retry.promise]);
}

function isBack() {
  if (retry === null) return;
  retry.resolve();
  retry = null;
  unwarn("away");
}

/** Keep an answer as a file. A link could not carry the key, so it is made here. */
export async function save(path, name, headers = {}) {
  const { value: found } = await read(path, { headers });
  const value = found instanceof Blob ? found : new Blob([JSON.stringify(found, null, 2)]);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(value);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
