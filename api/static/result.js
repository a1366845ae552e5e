// The result of a completed search.

import { announce, byId, fact, fill, h, table } from "./dom.js";
import { rangeCell, verdict } from "./rounds.js";
import { formatCount, formatValue, formatScore, scoreOf, formatSigned, displayName } from "./format.js";

export function showResult(result) {
  fill(byId("answer"), headline(result), recommended(result), ranges(result), test(result), finalists(result));
  byId("result").hidden = false;
}

function headline({ test }) {
  if (!test.sealed) return externalScore(test);
  const interval = test.ci95 && `95 % interval ${formatScore(test.ci95[0])} to ${formatScore(test.ci95[1])}`;
  return h("div", { class: "score" },
    h("strong", {}, formatScore(test.accuracy ?? test.score)),
    h("p", {}, `test ${test.score === null ? "accuracy" : "score"} of the recommended model`, interval && h("br"), interval,
      h("br"), h("span", { class: "muted" },
        `on ${formatCount(test.examples, "example")} that no part of the search had seen`)));
}

/** The final scores of an external search, which the service cannot vouch for. */
function externalScore(test) {
  return h("div", { class: "score" },
    h("strong", {}, formatScore(test.score)),
    h("p", {}, "test score of the recommended values, as reported", h("br"),
      h("span", { class: "muted" }, "that nothing of the test part was seen before is its reporter's promise")));
}

function recommended({ recommended: chosen }) {
  const text = JSON.stringify(chosen.params, null, 2);
  const values = h("pre", { tabindex: "0" }, h("code", {}, text));
  const kind = chosen.validation_accuracy === null ? "score" : "accuracy";
  const trainings = chosen.trainings > 1 ? `, mean of ${chosen.trainings} trainings` : "";
  return h("div", {},
    h("h3", {}, "Recommended values"),
    h("div", { class: "copy" }, values,
      h("button", { type: "button", onclick: (event) => copy(event.currentTarget, text, values) }, "Copy")),
    h("p", { class: "muted" },
      `Validation ${kind} ${formatScore(scoreOf(chosen))}${trainings}.`));
}

/** Copy, or where the browser forbids it (a page without TLS) select the text to be copied. */
async function copy(button, text, values) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(values);
    button.textContent = "Selected: press Ctrl+C";
  }
  announce(button.textContent);
}

function ranges(result) {
  const rows = Object.entries(result.ranges).map(([name, range]) => [
    displayName(name), h("strong", {}, rangeCell(range)), rangeCell(range.asked), verdict(range.verdict),
    range.reason + (range.outside_asked ? "; it reaches beyond what was asked" : ""),
  ]);
  return h("div", {}, h("h3", {}, "Best range"),
    h("div", { class: "scroll cards", tabindex: "0", role: "region", "aria-label": "Best range" },
      table("Best range", ["Hyperparameter", "Best range", "Asked", "Verdict", "Why"], rows)));
}

function test(result) {
  const { test: scores, optimism, digest } = result;
  const [mean, sd] = [scores.mean ?? scores.score_mean, scores.sd ?? scores.score_sd];
  const spread = sd === null ? "" : ` ± ${formatScore(sd)}`;
  const drawn = scores.models.filter((model) => model.role === "drawn").length;
  return h("dl", { class: "facts" },
    mean !== null && fact("Models drawn from the range", `${formatScore(mean)}${spread}`,
      h("small", {}, `mean of ${drawn}: what the range promises`)),
    scores.ensemble_accuracy !== null && fact("Ensemble", formatScore(scores.ensemble_accuracy),
      h("small", {}, "all models vote by their probabilities")),
    optimism !== null && fact("Optimism", formatSigned(optimism),
      h("small", {}, "validation minus test, of one more model")),
    fact("Test part opened", formatCount(scores.attempts, "time"),
      scores.sealed && h("small", {}, `${formatCount(scores.dataset_openings, "time")} by all searches on this dataset`)),
    fact("Digest", digest ? h("code", { title: digest }, digest.slice(0, 16)) : "none",
      h("small", {}, digest ? "the same search gives the same digest" : result.digest_reason)));
}

function finalists({ finalists: list, indistinguishable: alike }) {
  if (list.length < 2) return null;
  const rows = list.map((finalist, place) => [
    Object.entries(finalist.params).map(([n, v]) => `${displayName(n)} ${formatValue(v)}`).join(", "),
    String(finalist.trainings), formatScore(finalist.posterior_mean), formatScore(finalist.mean), place === 0 ? "–" : formatSigned(finalist.difference),
    finalist.p === null ? "–" : finalist.p.toPrecision(2),
    place === 0 ? "recommended" : finalist.indistinguishable ? "alike" : "worse",
  ]);
  return h("details", {},
    h("summary", {}, `Finalists: ${alike ?? 0} of ${list.length - 1} others cannot be told apart from the recommended one`),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Finalists" },
      table("Finalists", ["Parameters", "Trainings", "Expected", "Mean score", "Behind", "p", ""], rows)),
    h("p", { class: "muted" }, "Ranked by the expected score, the surrogate's estimate from all trials. " +
      "Behind compares full trainings alone."));
}
