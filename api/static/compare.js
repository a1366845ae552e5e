// Two to five searches side by side.

import { byId, fill, h, table } from "./dom.js";
import { Problem, read, segment } from "./http.js";
import { badge } from "./overview.js";
import { sleep, visible } from "./pace.js";
import { draw, onTheme } from "./plot.js";
import { signedIn } from "./session.js";
import { dataset, ended, level, OVER, share, shown, signed, span, titled } from "./words.js";

const PAUSE = 3000; // milliseconds between two looks while something moves
const MOST = 5;

const ids = [...new Set((new URLSearchParams(location.search).get("searches") ?? "").split(",").filter(Boolean))];
let figure = null;

/** A search with its result, once it has one. */
async function found(id) {
  const path = `/searches/${segment(id)}`;
  const status = (await read(path)).value;
  const result = status.state === "completed" ? (await read(`${path}/result`)).value : null;
  return { status, result };
}

function rows(all) {
  const each = (title, show) => [title, ...all.map(show)];
  const over = (title, show) => each(title, ({ result }) => (result ? show(result) : "–"));
  const names = [...new Set(all.flatMap(({ status }) => Object.keys(status.ranges)))];
  return [
    each("State", ({ status }) => badge(status.state)),
    each("Dataset", ({ status }) => dataset(status)),
    each("Objective", ({ status }) => titled(status.objective)),
    each("Trials", ({ status: { trials } }) =>
      `${ended(trials).toLocaleString("en")} of ${trials.planned.toLocaleString("en")}`),
    each("Epochs trained", ({ status }) => status.epochs.trained.toLocaleString("en")),
    each("Best trial, validation", ({ status }) => share(shown(status.best))),
    over("Recommended, validation", ({ recommended }) => share(shown(recommended))),
    over("Test", headline),
    over("Models of the range, test", ({ test }) => share(test.sealed ? test.mean : test.score_mean)),
    over("Ensemble, test", ({ test }) => share(test.ensemble_accuracy)),
    over("Optimism", ({ optimism }) => (optimism === null ? "–" : signed(optimism))),
    ...names.flatMap((name) => [
      each(`${titled(name)}: range`, ({ status, result }) => ranged((result ?? status).ranges[name])),
      over(`${titled(name)}: recommended`, ({ recommended }) => level(recommended.params[name] ?? "–")),
    ]),
  ];
}

function headline({ test }) {
  const score = h("strong", {}, share(test.sealed ? test.accuracy : test.score));
  return test.ci95 ? [score, h("br"), h("small", {}, `${share(test.ci95[0])} to ${share(test.ci95[1])}`)] : score;
}

const ranged = (range) => (range ? span(range) : "not searched");

/** What keeps scores from being compared, if anything does. */
function warnings(all) {
  const distinct = (of) => new Set(all.map(({ status }) => of(status))).size;
  return [
    distinct(dataset) > 1 && "These searches are on different datasets: their scores cannot be compared.",
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
    await visible();
    const all = await Promise.all(ids.map(found));
    show(all);
    figure = (await read(`/figures/progress?searches=${ids.map(segment).join(",")}`)).value;
    await redraw();
    if (all.every(({ status }) => OVER.includes(status.state))) return;
    await sleep(PAUSE);
  }
}

function refused(why) {
  byId("waiting").hidden = true;
  byId("trouble").textContent = why;
}

await signedIn();
onTheme(redraw);
if (ids.length < 2 || ids.length > MOST) {
  refused(`Two to ${MOST} searches can be compared; tick them in the list of searches.`);
} else {
  try {
    await follow();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    refused(error.message);
  }
}
