// The list of searches, newest first, and live.

import { byId, fill, h } from "./dom.js";
import { showExamples } from "./examples.js";
import { read } from "./http.js";
import { badge, progress } from "./overview.js";
import { sleep, visible } from "./pace.js";
import { signedIn } from "./session.js";
import { ago, dataset, duration, moment, share, shown } from "./words.js";

const PAGE = 25;
const BUSY_PAUSE = 1500; // milliseconds between two looks while something moves
const CALM_PAUSE = 6000;
const MOVING = ["queued", "running", "finalizing"];
const MOST = 1000; // of a page, by the contract

const COMPARED = 5; // searches at the most, two at the least

let limit = PAGE;
const ticked = new Set(); // ids, in the order in which they were ticked
let look = Promise.withResolvers(); // resolved when the next look should come at once

function row(status) {
  const link = h("a", { href: `/searches/${encodeURIComponent(status.id)}` }, status.name || status.id);
  const created = h("time", { datetime: status.created_at, title: moment(status.created_at) }, ago(status.created_at));
  const left = status.eta_seconds === null ? "" : `, about ${duration(status.eta_seconds)} left`;
  const tick = h("input", {
    type: "checkbox", checked: ticked.has(status.id), "aria-label": `Compare ${status.name || status.id}`,
    onchange: (event) => choose(status.id, event.target.checked),
  });
  return h("li", { "data-id": status.id }, tick,
    h("div", { class: "what" }, link, h("small", {}, dataset(status), " · ", created)),
    h("div", { class: "where" }, badge(status.state)),
    h("div", { class: "progress" }, progress(status), h("small", {},
      `round ${status.rounds.completed} of ${status.rounds.planned}${left}`)),
    h("div", { class: "best" }, h("small", {}, "best "), share(shown(status.best))));
}

function choose(id, chosen) {
  if (chosen) ticked.add(id);
  else ticked.delete(id);
  const button = byId("compare");
  button.disabled = ticked.size < 2 || ticked.size > COMPARED;
  button.textContent = ticked.size ? `Compare (${ticked.size})` : "Compare";
}

/** The rows are made anew; a link or a box that had the focus has it again. */
function show({ items, next }) {
  const list = byId("searches");
  const active = document.activeElement;
  const focused = active?.closest("li")?.dataset.id;
  fill(list, items.map(row));
  if (focused) list.querySelector(`li[data-id="${CSS.escape(focused)}"] ${active.localName}`)?.focus();
  const filtered = byId("state").value !== "";
  byId("waiting").hidden = true;
  byId("empty").hidden = items.length > 0 || filtered;
  byId("none").hidden = items.length > 0 || !filtered;
  byId("more").hidden = next === null || limit >= MOST;
}

function again() {
  look.resolve();
}

byId("state").addEventListener("change", again);
byId("more").addEventListener("click", () => {
  limit = Math.min(2 * limit, MOST);
  again();
});
byId("compare").addEventListener("click", () => location.assign(`/compare?searches=${[...ticked].join(",")}`));
showExamples(byId("examples"), (name) => location.assign(`/new?example=${name}`));

await signedIn();
for (;;) {
  await visible();
  look = Promise.withResolvers();
  const state = byId("state").value;
  const found = (await read(`/searches?limit=${limit}${state && `&state=${state}`}`)).value;
  if (state === byId("state").value) show(found);
  const moving = found.items.some((status) => MOVING.includes(status.state));
  await Promise.race([sleep(moving ? BUSY_PAUSE : CALM_PAUSE), look.promise]);
}
