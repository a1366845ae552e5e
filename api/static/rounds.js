// Tables of ranges: the present ones, and every decision that led to them.

import { byId, fill, h, table } from "./dom.js";
import { effective, formatValue, formatNumber, formatScore, scoreOf, formatRange, displayName } from "./format.js";

const MARKS = { narrowed: "→←", kept: "=", unidentified: "?", open_low: "↓", open_high: "↑", open_both: "↕" };

/** A verdict with its mark; where too little was seen to tell values apart, it says that. */
export function verdict({ verdict: name, basis }) {
  const mark = h("span", { "aria-hidden": "true" }, MARKS[name] ?? "·");
  return h("span", { class: `verdict ${name}` }, mark, " ",
    name === "unidentified" && basis && basis !== "enough" ? "not known yet" : displayName(name));
}

/** A range on one line, minus signs of exponents included; choices may break. */
export const rangeCell = (range) => h("span", { class: range.choices ? "" : "reach" }, formatRange(range));

export function showRounds(rounds, status) {
  fill(byId("ranges-now"), presentRanges(rounds, status));
  fill(byId("rounds"), rounds.length ? allRounds(rounds, status) : h("p", { class: "muted" }, "No round has begun yet."));
  showImportance(rounds);
}

function presentRanges(rounds, status) {
  const rows = Object.entries(status.ranges).map(([name, range]) => {
    const decision = rounds.findLast((round) => round.decisions[name])?.decisions[name];
    const asked = rounds[0]?.ranges[name];
    return [
      displayName(name), rangeCell(range), asked ? rangeCell(asked) : "–",
      decision ? verdict(decision) : "as asked", decision?.reason ?? "No round has ended yet.",
    ];
  });
  return table("Ranges now", ["Hyperparameter", "Now", "First round", "Verdict", "Why"], rows);
}

function allRounds(rounds, status) {
  const rows = rounds.flatMap((round) =>
    Object.entries(round.ranges).map(([name, range]) => {
      const decision = round.decisions[name];
      const best = effective(round.best?.params ?? {}, status.effective_with)[name];
      return [
        `${round.number} (${round.kind})`, displayName(name), rangeCell(range),
        best === undefined ? "–" : formatValue(best), formatScore(scoreOf(round.best)),
        decision ? verdict(decision) : "–", decision?.reason ?? "–",
      ];
    }),
  );
  const head = ["Round", "Hyperparameter", "Range", "Best value", "Best score", "Verdict", "Why"];
  return table("Every round", head, rows);
}

/** Show the importance of hyperparameters in words; what is below the noise comes last, faintly. */
function showImportance(rounds) {
  const evidence = rounds.findLast((round) => round.evidence?.importance.length)?.evidence;
  if (!evidence) return;
  const noise = evidence.noise_sd;
  const items = evidence.importance.map((item) => {
    const effect = item.first > 0 ? item.effect * Math.sqrt(item.total / item.first) : item.effect;
    return { ...item, effect, below: noise !== null && effect < noise };
  });
  items.sort((one, other) => one.below - other.below || other.effect - one.effect);
  const words = items.map((item) => h("span", { class: item.below ? "muted" : "" },
    `${displayName(item.name)} moves the score by ${item.effect.toPrecision(2)}` +
    (item.below ? ", which is below the noise" : "") +
    ` (a share of ${Math.round(100 * item.total)} %, ${Math.round(100 * item.low)} to ${Math.round(100 * item.high)} %). `));
  fill(byId("importance-words"),
    "Inside the ranges, as standard deviations",
    noise === null ? "" : `, beside a noise of one training of ${noise.toPrecision(2)}`, ": ", words,
    "Each share counts the interactions that it takes part in, so shares do not add up.");
}

/** The next round as it would be, from the answer to `dry_run`. */
export function nextRound(plan) {
  const rows = Object.entries(plan.ranges).map(([name, range]) => {
    const decision = plan.decisions[name];
    return [displayName(name), rangeCell(range), rangeCell(plan.limits[name]), decision ? verdict(decision) : "–", decision?.reason ?? "–"];
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
      ["Hyperparameter", "Range", "May reach", "Verdict", "Why"], rows)),
  ];
}
