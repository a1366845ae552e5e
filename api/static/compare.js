// Two to five searches side by side.

import { byId, fill, h, table } from "./dom.js";
import { Problem, read, segment } from "./http.js";
import { badge } from "./overview.js";
import { sleep, whenVisible } from "./timing.js";
import { draw, onTheme } from "./plot.js";
import { enter } from "./me.js";
import { datasetName, effective, endedTrials, formatValue, ENDED_STATES, formatScore, scoreOf, formatSigned, formatRange, displayName } from "./format.js";

const PAUSE = 3000; // milliseconds between two reads while a search runs
const MOST_SEARCHES = 5;

const ids = [...new Set((new URLSearchParams(location.search).get("searches") ?? "").split(",").filter(Boolean))];
let figure = null;

/** Read a search and, once it has completed, its result. */
async function readSearch(id) {
  const path = `/searches/${segment(id)}`;
  const status = (await read(path)).value;
  const result = status.state === "completed" ? (await read(`${path}/result`)).value : null;
  return { status, result };
}

function rows(all) {
  const each = (title, show) => [title, ...all.map(show)];
  const ofResult = (title, show) => each(title, ({ result }) => (result ? show(result) : "–"));
  const names = [...new Set(all.flatMap(({ status }) => Object.keys(status.ranges)))];
  return [
    each("State", ({ status }) => badge(status.state)),
    each("Dataset", ({ status }) => datasetName(status)),
    each("Objective", ({ status }) => displayName(status.objective)),
    each("Trials", ({ status: { trials } }) =>
      `${endedTrials(trials).toLocaleString("en")} of ${trials.planned.toLocaleString("en")}`),
    each("Epochs trained", ({ status }) => status.epochs.trained.toLocaleString("en")),
    each("Best trial, validation", ({ status }) => formatScore(scoreOf(status.best))),
    ofResult("Recommended, validation", ({ recommended }) => formatScore(scoreOf(recommended))),
    ofResult("Test", headline),
    ofResult("Always the same answer, test", ({ test }) => formatScore(test.majority_share)),
    ofResult("Objective, test", ({ test, objective }) => formatScore((test.metrics?.[objective] ?? {}).value)),
    ofResult("Models of the range, test", ({ test }) => formatScore(test.mean ?? test.score_mean)),
    ofResult("Ensemble, test", ({ test }) => formatScore(test.ensemble_accuracy)),
    ...(all.some(({ result }) => result?.gain) ? [ofResult("Gain over your setting", gain)] : []),
    ...(all.some(({ result }) => result?.requirements?.length) ? [ofResult("Requirements met", met)] : []),
    ...(all.some(({ result }) => result?.cheapest) ? [ofResult("Cost", cost)] : []),
    ofResult("Optimism", ({ optimism }) => (optimism === null ? "–" : formatSigned(optimism))),
    ...names.flatMap((name) => [
      each(`${displayName(name)}: range`, ({ status, result }) => rangeText((result ?? status).ranges[name])),
      ofResult(`${displayName(name)}: recommended`, ({ recommended, effective_with: conditions }) => {
        const params = effective(recommended.params, conditions);
        return formatValue(name in params ? params[name] : "–");
      }),
    ]),
  ];
}

function headline({ test }) {
  const score = h("strong", {}, formatScore(test.accuracy ?? test.score));
  const ends = test.ci95 ?? test.metrics?.accuracy?.ci95;
  return ends ? [score, h("br"), h("small", {}, `${formatScore(ends[0])} to ${formatScore(ends[1])}`)] : score;
}

function gain({ gain: one }) {
  if (!one || one.value === null) return "–";
  if (one.same_setting) return "same setting";
  return one.low === null ? formatSigned(one.value)
    : [formatSigned(one.value), h("br"), h("small", {}, `${formatSigned(one.low)} to ${formatSigned(one.high)}`)];
}

const met = ({ requirements: asked = [] }) =>
  (asked.length ? `${asked.filter((one) => one.met === true).length} of ${asked.length}` : "–");

const cost = ({ cheapest: one }) => (one && one.cost !== null ? `${formatValue(one.cost)} ${displayName(one.quantity)}` : "–");

const rangeText = (range) => (range ? formatRange(range) : "not searched");

/** Differences that make scores incomparable. */
function warnings(all) {
  const distinct = (of) => new Set(all.map(({ status }) => of(status))).size;
  return [
    distinct(datasetName) > 1
      ? "These searches are on different datasets: their scores cannot be compared."
      : distinct((status) => status.dataset_digest) > 1
        && "These searches are on different contents of one name: the dataset was uploaded again, and their scores cannot be compared.",
    distinct((status) => status.direction) > 1 && "Some of these searches minimise their score and some maximise it.",
    distinct((status) => status.objective) > 1 && "These searches have different objectives: validation scores differ in kind.",
  ].filter(Boolean);
}

function show(all) {
  const heads = all.map(({ status }) =>
    h("a", { href: `/searches/${encodeURIComponent(status.id)}` }, status.name || status.id));
  fill(byId("side"), table("Searches side by side", ["Search", ...heads], rows(all)));
  fill(byId("notes"), warnings(all).map((text) => h("li", { class: "warning" }, text)));
  byId("waiting").hidden = true;
  byId("compared").hidden = false;
}

async function redraw() {
  if (figure) await draw(byId("figure-progress"), figure);
}

async function follow() {
  for (;;) {
    await whenVisible();
    const all = await Promise.all(ids.map(readSearch));
    show(all);
    figure = (await read(`/figures/progress?searches=${ids.map(segment).join(",")}`)).value;
    await redraw();
    if (all.every(({ status }) => ENDED_STATES.includes(status.state))) return;
    await sleep(PAUSE);
  }
}

function showTrouble(why) {
  byId("waiting").hidden = true;
  byId("trouble").textContent = why;
}

await enter();
onTheme(redraw);
if (ids.length < 2 || ids.length > MOST_SEARCHES) {
  showTrouble(`Two to ${MOST_SEARCHES} searches can be compared; tick them in the list of searches.`);
} else {
  try {
    await follow();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showTrouble(error.message);
  }
}
