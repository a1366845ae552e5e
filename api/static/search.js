// The page of one search.

import { announce, byId, fill, h } from "./dom.js";
import { Controls } from "./controls.js";
import { Exports } from "./exports.js";
import { figuresOf } from "./figures.js";
import { showHealth } from "./health.js";
import { Problem, read, segment } from "./http.js";
import { follow } from "./live.js";
import { showOverview } from "./overview.js";
import { paced } from "./pace.js";
import { showResult } from "./result.js";
import { showRounds } from "./rounds.js";
import { signedIn } from "./session.js";
import { TrialTable } from "./trials.js";
import { level, moment, span, titled } from "./words.js";

const PAUSE = 1000;
const ROUNDS = 1000;

const id = decodeURIComponent(location.pathname.split("/").pop());
const path = `/searches/${segment(id)}`;
const axes = { x: byId("axis-x"), y: byId("axis-y") };
const figures = figuresOf(id, () => ({ x: axes.x.value, y: axes.y.value }));
const trials = new TrialTable(id);
let status = null;
let turned = false; // a round has begun or ended since the last refresh

const refresh = paced(async () => {
  const atOnce = turned;
  turned = false;
  const [rounds, health] = await Promise.all([read(`${path}/rounds?limit=${ROUNDS}`), read(`${path}/health`)]);
  showRounds(rounds.value.items, status);
  showHealth(health.value.notes);
  trials.describe(status, rounds.value.items);
  trials.refresh();
  figures.changed(atOnce);
  const done = status.state === "completed";
  if (done) showResult((await read(`${path}/result`)).value);
  else byId("result").hidden = true;
  byId("ranges-now").hidden = done; // the result says the same, and more
}, PAUSE);

const controls = new Controls(id, show);
const exports = new Exports(id);

/** A newer status; older ones, overtaken by the answer to a button, are passed over. */
function show(newer) {
  if (status && newer.revision < status.revision) return;
  const before = status;
  status = newer;
  showOverview(status);
  controls.show(status);
  exports.show(status);
  showEdits(status.edits);
  offerAxes(Object.keys(status.ranges).sort());
  turned ||= turnOf(before) !== turnOf(status);
  if (before?.revision !== status.revision) refresh(turned);
  tell(before, status);
  byId("overview").dataset.revision = status.revision;
}

/** What changes where a round begins or ends. */
const turnOf = (seen) => seen && [seen.state, seen.rounds.completed, seen.rounds.kind].join();

function tell(before, now) {
  if (!before) return;
  if (before.state !== now.state) announce(`The search is ${now.state}.`);
  else if (before.rounds.completed !== now.rounds.completed) {
    announce(`Round ${now.rounds.completed} of ${now.rounds.planned} is over.`);
  }
}

function offerAxes(names) {
  if (axes.x.options.length) return;
  for (const select of [axes.x, axes.y]) {
    select.append(...names.map((name) => h("option", { value: name }, titled(name))));
    select.addEventListener("change", () => figures.trials.changed());
  }
  axes.y.value = names[1] ?? names[0];
}

function showEdits(edits) {
  byId("edits-card").hidden = edits.length === 0;
  fill(byId("edits"), edits.map(({ after_round: round, changes, at }) => {
    const { space = {}, ...others } = changes;
    const parts = [
      ...Object.entries(space).map(([name, range]) => `${titled(name)} ${span(range)}`),
      ...Object.entries(others).map(([name, value]) =>
        `${titled(name)} ${typeof value === "object" ? JSON.stringify(value) : level(value)}`),
    ];
    const when = round ? `After round ${round}` : "Before the first round";
    return h("li", {}, h("strong", {}, `${when}: `), parts.join("; "), " ", h("small", {}, moment(at)));
  }));
}

function gone(error) {
  byId("name").textContent = "No such search";
  byId("about").textContent = `${error.message}; it may have been deleted, or belong to another key.`;
  fill(byId("controls"), h("a", { href: "/" }, "All searches"));
}

await signedIn();
try {
  await follow(id, show);
} catch (error) {
  if (!(error instanceof Problem && error.status === 404)) throw error;
  gone(error);
}
