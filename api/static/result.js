// The result of a completed search.

import { announce, byId, fact, fill, h, table } from "./dom.js";
import { rangeCell, verdict } from "./rounds.js";
import { effective, formatCount, formatGiven, formatParams, formatScore, formatValue, scoreOf, formatSigned, displayName } from "./format.js";

export function showResult(result) {
  fill(byId("answer"), headline(result), recommended(result), needs(result), against(result), ranges(result), test(result), finalists(result));
  byId("result").hidden = false;
}

function headline(result) {
  const { test, objective } = result;
  if (!test.sealed) return externalScore(result);
  const metric = test.metrics?.[objective];
  const value = metric ? metric.value : test.accuracy ?? test.score;
  const counted = test.accuracy !== null || test.class_counts !== null;
  const title = metric || !counted ? displayName(objective) : "accuracy";
  return h("div", { class: "score" },
    h("strong", {}, formatScore(value)),
    h("p", {}, `test ${title} of the recommended model`,
      yardstick(metric ?? { ci95: test.ci95 }).map((line) => [h("br"), line]),
      h("br"), h("span", { class: "muted" },
        `on ${formatCount(test.examples, "example")} that no part of the search had seen`,
        test.effective_examples !== null && `, which count for ${Math.round(test.effective_examples)} by their weights`)));
}

/** What a score has to be held against: its interval or why there is none, and its baseline. */
function yardstick({ ci95, baseline, note }) {
  const same = baseline ?? null;
  return [
    ci95 && `95 % interval ${formatScore(ci95[0])} to ${formatScore(ci95[1])}`,
    same !== null && `always the same answer: ${formatScore(same)}`,
    note,
  ].filter(Boolean);
}

/** The final scores of an external search, which the service cannot vouch for. */
function externalScore({ test, direction }) {
  return h("div", { class: "score" },
    h("strong", {}, formatScore(test.score)),
    h("p", {}, `test score of the recommended values, as reported${direction === "minimize" ? "; lower is better" : ""}`, h("br"),
      h("span", { class: "muted" }, "that nothing of the test part was seen before is its reporter's promise")));
}

function recommended({ recommended: chosen, objective, length }) {
  const text = JSON.stringify(chosen.params, null, 2);
  const values = h("pre", { tabindex: "0" }, h("code", {}, text));
  const kind = chosen.validation_accuracy === null ? "score" : "accuracy";
  const trainings = chosen.trainings > 1 ? `, mean of ${chosen.trainings} trainings` : "";
  return h("div", {},
    h("h3", {}, "Recommended values"),
    h("div", { class: "copy" }, values,
      h("button", { type: "button", onclick: (event) => copy(event.currentTarget, text, values) }, "Copy")),
    h("p", { class: "muted" },
      `Validation ${kind} ${formatScore(scoreOf(chosen))}${trainings}.`,
      kind === "accuracy" && objective !== "accuracy" && chosen.score !== null &&
        ` Expected score by the objective, higher is better: ${formatScore(chosen.score)}.`,
      length && ` ${lengthText(length)}`));
}

/** The length of training for which the answer holds, beside that of the final test. */
function lengthText({ trained, final, as_long: asLong }) {
  const text = `From trainings of up to ${formatCount(trained, "epoch")}; the final test trains ${final}`;
  if (!asLong) return `${text}, and no trial was trained as long: the answer is known to hold for the shorter ones.`;
  return trained === final ? `${text}.` : `${text}, no longer than ${formatCount(asLong, "trial")} of the search.`;
}

/** The recommended setting and the one that its user had, side by side. */
function against({ baseline, gain, recommended: chosen, objective, effective_with: conditions }) {
  if (!baseline || !gain) return null;
  const [ours, theirs] = [effective(chosen.params, conditions), effective(baseline.params, conditions)];
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const cell = (values, name) => (name in values ? formatValue(values[name]) : "–");
  const values = names.map((name) => [displayName(name), cell(ours, name), cell(theirs, name), [
    chosen.kept.includes(name) && "kept: the data do not object",
    baseline.outside.includes(name) && "yours lies outside the ranges",
  ].filter(Boolean).join("; ")]);
  const scores = Object.keys(gain.metrics).length ? gain.metrics : { [objective]: gain };
  const measured = Object.entries(scores).map(([name, one]) => [
    `Test ${name === "external" ? "score" : displayName(name)}`,
    formatScore(one.recommended), formatScore(one.baseline), gainText(one)]);
  return h("div", {}, h("h3", {}, "Against your setting"),
    h("p", {}, gain.same_setting ? "The search recommends the setting that you had." : h("span", {}, "Gain ", h("strong", {}, gainText(gain)))),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Against your setting" },
      table("The recommended setting and yours", ["", "Recommended", "Yours", "Gain"], [...values, ...measured])),
    gain.models > 1 && h("p", { class: "muted" }, `Scores are means of ${gain.models} trainings of each setting` +
      `${gain.paired ? ", compared example by example" : ""}. A gain above 0 is for the recommended one.`));
}

/** What the recommendation had to keep, and the best score by its cost. */
function needs({ requirements: asked = [], cheapest = null }) {
  if (!asked.length && !cheapest) return null;
  const rows = asked.map((one) => [
    `${displayName(one.metric)} ${one.at_most === null ? "at least" : "at most"} ${formatValue(one.at_most ?? one.at_least)}`,
    one.met === null ? "not known" : one.met ? "met" : h("strong", {}, "not met"),
    one.chosen_by === null ? "–" : formatValue(one.chosen_by),
    one.value === null ? "–" : [formatValue(one.value),
      one.low !== null && [h("br"), h("small", {}, `${formatValue(one.low)} to ${formatValue(one.high)}`)]],
    one.probability === null ? "–" : percent(one),
    one.note ?? "",
  ]);
  const points = (cheapest?.curve ?? []).map((point) => [formatValue(point.cost), formatScore(point.score), point.trial]);
  return h("div", {}, h("h3", {}, "Required, and its cost"),
    rows.length > 0 && h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Required" },
      table("What was required", ["Required", "", "Chosen by", "Value", "Probability", "Note"], rows)),
    cheapest && h("p", {}, cheapest.cost === null ? "Nobody has reported what it costs."
      : `It costs ${formatValue(cheapest.cost)} ${displayName(cheapest.quantity)}${cheapest.instead_of === null ? ""
        : `, in place of ${formatValue(cheapest.instead_of)} of a finalist that it cannot be told from`}.`),
    points.length > 0 && h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Best score by cost" },
      table("Best score by cost", [`Cost in ${displayName(cheapest.quantity)}`, "Best score, validation", "Trial"], points)));
}

/** A probability of what was measured, which is never certain. */
function percent({ known, probability }) {
  if (known) return `${100 * probability} %`;
  if (probability > 0.999) return "more than 99.9 %";
  return probability < 0.001 ? "less than 0.1 %" : `${(100 * probability).toFixed(1)} %`;
}

/** A gain with its interval, or why there is none. */
function gainText({ value, low, high, probability, note }) {
  if (value === null) return `– (${note})`;
  const ends = low === null ? "" : `, 95 % interval ${formatSigned(low)} to ${formatSigned(high)}, ` +
    `better with a probability of ${(100 * probability).toFixed(1)} %`;
  return `${formatSigned(value)}${ends}${note ? ` (${note})` : ""}`;
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
    displayName(name), h("strong", {}, rangeCell(range)), rangeCell(range.asked), verdict(range),
    formatGiven(range) + range.reason + (range.outside_asked ? "; it reaches beyond what was asked" : ""),
  ]);
  return h("div", {}, h("h3", {}, "Best range"),
    h("div", { class: "scroll cards", tabindex: "0", role: "region", "aria-label": "Best range" },
      table("Best range", ["Hyperparameter", "Best range", "Asked", "Verdict", "Why"], rows)));
}

function test(result) {
  const { test: scores, optimism, digest } = result;
  const [mean, sd] = [scores.mean ?? scores.score_mean, scores.sd ?? scores.score_sd];
  const spread = sd === null ? "" : ` ± ${formatScore(sd)}`;
  const drawn = scores.models.filter((model) => model.role === "drawn" && (model.accuracy ?? model.score) !== null).length;
  const objectiveMean = result.objective !== "accuracy" && scores.objective_mean;
  return h("div", {}, h("dl", { class: "facts" },
    otherMetrics(result),
    typeof objectiveMean === "number" && fact(`Models drawn from the range, ${displayName(result.objective)}`,
      formatScore(objectiveMean), scores.objective_sd !== null && h("small", {}, `± ${formatScore(scores.objective_sd)}`)),
    mean !== null && (scores.mean !== null || typeof objectiveMean !== "number") && fact(`Models drawn from the range${scores.mean === null ? "" : ", accuracy"}`, `${formatScore(mean)}${spread}`,
      h("small", {}, `mean of ${drawn}: what the range promises`)),
    scores.ensemble_accuracy !== null && fact("Ensemble", formatScore(scores.ensemble_accuracy),
      h("small", {}, "all models vote by their probabilities")),
    optimism !== null && fact("Optimism", formatSigned(optimism),
      h("small", {}, "validation minus test, of one more model")),
    fact("Test part opened", formatCount(scores.attempts, "time"),
      scores.sealed && h("small", {}, `${formatCount(scores.dataset_openings, "time")} by all searches on this dataset`)),
    fact("Digest", digest ? h("code", { title: digest }, digest.slice(0, 16)) : "none",
      h("small", {}, digest ? "the same search gives the same digest" : result.digest_reason))),
  confusion(scores));
}

/** All metrics but the objective, which is the headline. */
function otherMetrics({ test, objective }) {
  const others = Object.entries(test.metrics ?? {}).filter(([name]) => name !== objective);
  return others.map(([name, metric]) => fact(`Test ${displayName(name)}`, formatScore(metric.value),
    yardstick(metric).map((line) => h("small", {}, line))));
}

/** Test examples by class, and what the recommended model answered for each. */
function confusion({ classes, class_counts: counts, confusion: answers }) {
  if (!classes) return null;
  const most = Math.max(...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const about = `${formatCount(classes.length, "class", "classes")}; the largest, ${classes[counts.indexOf(most)]}, ` +
    `has ${most.toLocaleString("en")} of ${total.toLocaleString("en")} test examples (${(100 * most / total).toFixed(1)} %)`;
  if (!answers) return h("p", { class: "muted" }, `${about}.`);
  const rows = answers.map((row, i) => [classes[i], String(counts[i]),
    ...row.map((count, j) => (i === j ? h("strong", {}, String(count)) : count ? String(count) : "·"))]);
  return h("details", {}, h("summary", {}, `Test answers by class: ${about}`),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
      table("Confusion matrix: rows are true classes, columns are answers",
        ["True class", "Examples", ...classes.map((name) => `answered ${name}`)], rows)));
}

function finalists({ finalists: list, indistinguishable: alike, effective_with: conditions }) {
  if (list.length < 2) return null;
  const rows = list.map((finalist, place) => [
    formatParams(finalist.params, conditions),
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
