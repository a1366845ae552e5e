// Tables of ranges: the present ones, and every decision that led to them.

import { byId, fill, h, table } from "./dom.js";
import { formatValue, formatNumber, formatScore, scoreOf, formatRange, displayName } from "./format.js";

const MARKS = { narrowed: "→←", kept: "=", unidentified: "?", open_low: "↓", open_high: "↑", open_both: "↕" };

/** A verdict with its mark. */
export function verdict(name) {
  const mark = h("span", { "aria-hidden": "true" }, MARKS[name] ?? "·");
  return h("span", { class: `verdict ${name}` }, mark, " ", displayName(name));
}

/** A range on one line, minus signs of exponents included; choices may break. */
export const rangeCell = (range) => h("span", { class: range.choices ? "" : "reach" }, formatRange(range));

export function showRounds(rounds, status) {
  fill(byId("ranges-now"), presentRanges(rounds, status));
  fill(byId("rounds"), rounds.length ? allRounds(rounds) : h("p", { class: "muted" }, "No round has begun yet."));
  showImportance(rounds);
}

function presentRanges(rounds, status) {
  const rows = Object.entries(status.ranges).map(([name, range]) => {
    const decision = rounds.findLast((round) => round.decisions[name])?.decisions[name];
    const asked = rounds[0]?.ranges[name];
    return [
      displayName(name), rangeCell(range), asked ? rangeCell(asked) : "–",
      decision ? verdict(decision.verdict) : "as asked", decision?.reason ?? "No round has ended yet.",
    ];
  });
  return table("Ranges now", ["Hyperparameter", "Now", "First round", "Verdict", "Why"], rows);
}

function allRounds(rounds) {
  const rows = rounds.flatMap((round) =>
    Object.entries(round.ranges).map(([name, range]) => {
      const decision = round.decisions[name];
      const best = round.best?.params[name];
      return [
        `${round.number} (${round.kind})`, displayName(name), rangeCell(range),
        best === undefined ? "–" : formatValue(best), formatScore(scoreOf(round.best)),
        decision ? verdict(decision.verdict) : "–", decision?.reason ?? "–",
      ];
    }),
  );
  const head = ["Round", "Hyperparameter", "Range", "Best value", "Best score", "Verdict", "Why"];
  return table("Every round", head, rows);
}

/** Show the importance of hyperparameters in a sentence. */
function showImportance(rounds) {
  const importance = rounds.findLast((round) => round.evidence?.importance.length)?.evidence.importance;
  if (!importance) return;
  const shares = importance.map((i) =>
    `${displayName(i.name)} ${Math.round(100 * i.total)} % (${Math.round(100 * i.low)} to ${Math.round(100 * i.high)} %)`);
  byId("importance-words").textContent =
    `How much of the score's variation inside the ranges each takes part in: ${shares.join(", ")}.`;
}

/** The next round as it would be, from the answer to `dry_run`. */
export function nextRound(plan) {
  const rows = Object.entries(plan.ranges).map(([name, range]) => {
    const decision = plan.decisions[name];
    return [displayName(name), rangeCell(range), decision ? verdict(decision.verdict) : "–", decision?.reason ?? "–"];
  });
  const head = plan.kind
    ? `Round ${plan.round} would be of kind ${plan.kind}: ${plan.trials} trials of up to ${plan.epochs} ` +
      `epochs, ${formatNumber(plan.epochs_planned)} epochs in all.`
    : "No further round would follow.";
  return [
    h("p", {}, head, plan.reason ? ` ${plan.reason}.` : ""),
    plan.preliminary && h("p", { class: "muted" },
      `Preliminary: ${plan.open_trials} trials of the round before still run.`),
    h("div", { class: "scroll cards" }, table("The next round's ranges",
      ["Hyperparameter", "Range", "Verdict", "Why"], rows)),
  ];
}
