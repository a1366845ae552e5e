// The list of searches, newest first, and live.

import { byId, fill, h } from "./dom.js";
import { showExamples } from "./examples.js";
import { read } from "./http.js";
import { badge, progress } from "./overview.js";
import { sleep, throttled, whenVisible } from "./timing.js";
import { signIn } from "./session.js";
import { formatAge, datasetName, formatDuration, formatTime, formatScore, scoreOf } from "./format.js";

const PAGE = 25;
const BUSY_PAUSE = 1500; // milliseconds between two reads while a search runs
const CALM_PAUSE = 6000;
const TYPING_PAUSE = 250;
const MOVING = ["queued", "running", "finalizing"];
const MOST = 1000; // of a page, by the contract

const COMPARED = 5; // searches at the most, two at the least

let limit = PAGE;
const selected = new Set(); // ids, in the order of their selection
let wakeUp = Promise.withResolvers(); // resolved when the next read should come at once

function row(status) {
  const link = h("a", { href: `/searches/${encodeURIComponent(status.id)}` }, status.name || status.id);
  const created = h("time", { datetime: status.created_at, title: formatTime(status.created_at) }, formatAge(status.created_at));
  const left = status.eta_seconds === null ? "" : `, about ${formatDuration(status.eta_seconds)} left`;
  const tick = h("input", {
    type: "checkbox", checked: selected.has(status.id), "aria-label": `Compare ${status.name || status.id}`,
    onchange: (event) => choose(status.id, event.target.checked),
  });
  return h("li", { "data-id": status.id }, tick,
    h("div", { class: "what" }, link, h("small", {}, datasetName(status), " · ", created), tags(status)),
    h("div", { class: "where" }, badge(status.state)),
    h("div", { class: "progress" }, progress(status), h("small", {},
      `round ${status.rounds.completed} of ${status.rounds.planned}${left}`)),
    h("div", { class: "best" }, h("small", {}, "best "), formatScore(scoreOf(status.best))));
}

/** The tags of a search; a press on one filters the list by it. */
function tags(status) {
  const press = (tag) => () => {
    byId("tag").value = tag;
    readNow();
  };
  return status.tags.length > 0 && h("small", { class: "tags" }, status.tags.map((tag) =>
    h("button", { type: "button", class: "tag", title: `Searches with the tag ${tag}`, onclick: press(tag) }, tag)));
}

/** What the list is filtered by, as the query of a read. */
function filters() {
  const asked = { state: byId("state").value, q: byId("find").value, tag: byId("tag").value };
  return String(new URLSearchParams(Object.entries(asked).filter(([, value]) => value)));
}

function choose(id, chosen) {
  if (chosen) selected.add(id);
  else selected.delete(id);
  const button = byId("compare");
  button.disabled = selected.size < 2 || selected.size > COMPARED;
  button.textContent = selected.size ? `Compare (${selected.size})` : "Compare";
}

/** Replace the rows; a link or a box that had the focus gets it again. */
function show({ items, next }) {
  const list = byId("searches");
  const active = document.activeElement;
  const focused = active?.closest("li")?.dataset.id;
  fill(list, items.map(row));
  if (focused) list.querySelector(`li[data-id="${CSS.escape(focused)}"] ${active.localName}`)?.focus();
  const filtered = filters() !== "";
  byId("waiting").hidden = true;
  byId("empty").hidden = items.length > 0 || filtered;
  byId("none").hidden = items.length > 0 || !filtered;
  byId("more").hidden = next === null || limit >= MOST;
}

function readNow() {
  wakeUp.resolve();
}

byId("state").addEventListener("change", readNow);
const readSoon = throttled(readNow, TYPING_PAUSE);
for (const id of ["find", "tag"]) byId(id).addEventListener("input", () => readSoon());
byId("more").addEventListener("click", () => {
  limit = Math.min(2 * limit, MOST);
  readNow();
});
byId("compare").addEventListener("click", () => location.assign(`/compare?searches=${[...selected].join(",")}`));
showExamples(byId("examples"), (name) => location.assign(`/new?example=${name}`));

await signIn();
for (;;) {
  await whenVisible();
  wakeUp = Promise.withResolvers();
  const asked = filters();
  const page = (await read(`/searches?limit=${limit}${asked && `&${asked}`}`)).value;
  if (asked === filters()) show(page);
  const moving = page.items.some((status) => MOVING.includes(status.state));
  await Promise.race([sleep(moving ? BUSY_PAUSE : CALM_PAUSE), wakeUp.promise]);
}
