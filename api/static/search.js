// The page of a search.

import { announce, byId, fill, h } from "./dom.js";
import { Controls } from "./controls.js";
import { Exports } from "./exports.js";
import { figuresOf } from "./figures.js";
import { showHealth } from "./health.js";
import { Problem, read, segment } from "./http.js";
import { follow } from "./follow.js";
import { showOverview } from "./overview.js";
import { throttled } from "./timing.js";
import { showResult } from "./result.js";
import { showRounds } from "./rounds.js";
import { enter, whoami } from "./me.js";
import { TrialTable } from "./trials.js";
import { formatValue, formatTime, formatRange, displayName } from "./format.js";

const PAUSE = 1000;
const ROUNDS = 1000;

const id = decodeURIComponent(location.pathname.split("/").pop());
const path = `/searches/${segment(id)}`;
const axes = { x: byId("axis-x"), y: byId("axis-y") };
const figures = figuresOf(id, () => ({ x: axes.x.value, y: axes.y.value }));
const trials = new TrialTable(id);
let status = null;
let roundChanged = false; // a round has begun or ended since the last refresh

const isGone = (error) => error instanceof Problem && error.status === 404;

const refresh = throttled(async () => {
  try {
    await showParts();
  } catch (error) {
    if (!isGone(error)) throw error; // deleted in the meantime, which whoever follows it says
  }
}, PAUSE);

async function showParts() {
  const atOnce = roundChanged;
  roundChanged = false;
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
}

const controls = new Controls(id, show);
const exports = new Exports(id);

/** Show a newer status; older ones, overtaken by the answer to a button, are ignored. */
async function show(newer) {
  const me = await whoami();
  if (status && newer.revision < status.revision) return;
  const before = status;
  status = newer;
  showOverview(status, me);
  controls.show(status, me);
  exports.show(status);
  showEdits(status.edits);
  offerAxes(Object.keys(status.ranges).sort());
  roundChanged ||= roundOf(before) !== roundOf(status);
  if (before?.revision !== status.revision) refresh(roundChanged);
  announceChange(before, status);
  byId("overview").dataset.revision = status.revision;
}

/** A text that changes when a round begins or ends. */
const roundOf = (view) => view && [view.state, view.rounds.completed, view.rounds.kind].join();

function announceChange(before, now) {
  if (!before) return;
  if (before.state !== now.state) announce(`The search is ${now.state}.`);
  else if (before.rounds.completed !== now.rounds.completed) {
    announce(`Round ${now.rounds.completed} of ${now.rounds.planned} is over.`);
  }
}

function offerAxes(names) {
  if (axes.x.options.length) return;
  for (const select of [axes.x, axes.y]) {
    select.append(...names.map((name) => h("option", { value: name }, displayName(name))));
    select.addEventListener("change", () => figures.trials.changed());
  }
  axes.y.value = names[1] ?? names[0];
}

function showEdits(edits) {
  byId("edits-card").hidden = edits.length === 0;
  fill(byId("edits"), edits.map(({ after_round: round, changes, at }) => {
    const { space = {}, ...others } = changes;
    const parts = [
      ...Object.entries(space).map(([name, range]) => `${displayName(name)} ${formatRange(range)}`),
      ...Object.entries(others).map(([name, value]) =>
        `${displayName(name)} ${typeof value === "object" ? JSON.stringify(value) : formatValue(value)}`),
    ];
    const when = round ? `After round ${round}` : "Before the first round";
    return h("li", {}, h("strong", {}, `${when}: `), parts.join("; "), " ", h("small", {}, formatTime(at)));
  }));
}

function showMissing(error) {
  byId("name").textContent = "No such search";
  byId("about").textContent = `${error.message}; it may have been deleted, or belong to another key.`;
  fill(byId("controls"), h("a", { href: "/" }, "All searches"));
}

await enter();
try {
  await follow(id, show);
} catch (error) {
  if (!isGone(error)) throw error;
  showMissing(error);
}
