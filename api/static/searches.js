// The list of searches, newest first, and live. Its filters stand in the address, so that it can be kept as a bookmark.

import { byId, fill, h } from "./dom.js";
import { showExamples } from "./examples.js";
import { Problem, read } from "./http.js";
import { badge, progress } from "./overview.js";
import { sleep, throttled, whenVisible } from "./timing.js";
import { enter } from "./me.js";
import { formatAge, datasetName, formatDuration, formatTime, formatScore, scoreOf } from "./format.js";

const PAGE = 25;
const BUSY_PAUSE = 1500; // milliseconds between two reads while a search runs
const CALM_PAUSE = 6000;
const TYPING_PAUSE = 250;
const MOVING = ["queued", "running", "finalizing"];
const MOST = 1000; // of a page, by the contract

const COMPARED = 5; // searches at the most, two at the least

const FIELDS = { state: "state", q: "find", tag: "tag", since: "since" }; // parameters, and the fields that hold them
const WHOSE = ["mine", "shared", "everyone"]; // searches; a press on its button shows them

let limit = PAGE;
let whose = "mine";
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
    h("div", { class: "what" }, link, h("small", {}, whose !== "mine" && `${status.owner} · `, datasetName(status), " · ", created), tags(status)),
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

/** What the list is filtered by, as the query of a read and of this page. */
function filters() {
  const asked = Object.entries(FIELDS).map(([name, field]) => [name, byId(field).value]);
  if (whose !== "mine") asked.push([whose, "true"]);
  return String(new URLSearchParams(asked.filter(([, value]) => value)));
}

/** Take the filters of the address. */
function restore() {
  const query = new URLSearchParams(location.search);
  for (const [name, field] of Object.entries(FIELDS)) byId(field).value = query.get(name) ?? "";
  showWhose(WHOSE.find((one) => query.get(one) === "true") ?? "mine");
}

function showWhose(chosen) {
  whose = chosen;
  for (const one of WHOSE) byId(`whose-${one}`).setAttribute("aria-pressed", one === chosen);
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
  byId("trouble").textContent = "";
  byId("empty").hidden = items.length > 0 || filtered;
  byId("none").hidden = items.length > 0 || !filtered;
  byId("none").textContent = filters() === "shared=true" ? "Nobody shares a search with you." : "No search is like that.";
  byId("more").hidden = next === null || limit >= MOST;
}

/** Say what is wrong with the filters. */
function showTrouble(error) {
  if (!(error instanceof Problem)) throw error;
  for (const id of ["waiting", "empty", "none", "more"]) byId(id).hidden = true;
  fill(byId("searches"));
  byId("trouble").textContent = error.message;
}

function readNow() {
  const asked = filters();
  history.replaceState(null, "", asked ? `?${asked}` : location.pathname);
  wakeUp.resolve();
}

for (const id of ["state", "since"]) byId(id).addEventListener("change", readNow);
const readSoon = throttled(readNow, TYPING_PAUSE);
for (const id of ["find", "tag"]) byId(id).addEventListener("input", () => readSoon());
for (const one of WHOSE) {
  byId(`whose-${one}`).addEventListener("click", () => {
    showWhose(one);
    readNow();
  });
}
byId("more").addEventListener("click", () => {
  limit = Math.min(2 * limit, MOST);
  readNow();
});
byId("compare").addEventListener("click", () => location.assign(`/compare?searches=${[...selected].join(",")}`));
showExamples(byId("examples"), (name) => location.assign(`/new?example=${name}`));

const me = await enter();
byId("whose-everyone").hidden = !me.scopes.includes("operate");
restore();
for (;;) {
  await whenVisible();
  wakeUp = Promise.withResolvers();
  const asked = filters();
  let moving = false;
  try {
    const page = (await read(`/searches?limit=${limit}${asked && `&${asked}`}`)).value;
    if (asked === filters()) show(page);
    moving = page.items.some((status) => MOVING.includes(status.state));
  } catch (error) {
    if (asked === filters()) showTrouble(error);
  }
  await Promise.race([sleep(moving ? BUSY_PAUSE : CALM_PAUSE), wakeUp.promise]);
}
