// Following a search by conditional long polls on its revision.

import { read, segment } from "./http.js";
import { sleep, whenVisible } from "./timing.js";

const WAIT = 25; // seconds of a long poll
const AT_LEAST = 250; // milliseconds between two reads: many jobs end at once in a busy search
const IDLE = 5000; // between reads of a search that has ended; it may be resumed or deleted

/** Call `show` with every new status of a search, for ever. Throws the problem of a lost search. */
export async function follow(id, show) {
  let known = null;
  for (;;) {
    await whenVisible();
    const begun = performance.now();
    const over = known?.value.finished_at;
    const wait = known && !over ? `?wait=${WAIT}` : "";
    const headers = known ? { "If-None-Match": known.etag } : {};
    let answer = await read(`/searches/${segment(id)}${wait}`, { headers });
    // Time alone changes for how long a search waits for trainers elsewhere.
    if (!answer.value && known.value.objective === "external") answer = await read(`/searches/${segment(id)}`);
    if (answer.value) {
      known = answer;
      await show(answer.value);
    }
    const took = performance.now() - begun;
    // An immediate 304 means that too many wait already: then this page asks more slowly.
    const pause = over ? IDLE : answer.value ? AT_LEAST : took < 1000 ? 1000 : 0;
    await sleep(pause);
  }
}
