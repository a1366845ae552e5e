// Ranges over rounds in words: what holds now, and every decision that led there.

import { byId, fill, h, table } from "./dom.js";
import { level, number, share, shown, span, titled } from "./words.js";

const MARKS = { narrowed: "→←", kept: "=", unidentified: "?", open_low: "↓", open_high: "↑", open_both: "↕" };

/** A verdict with its mark. */
export function verdict(name) {
  const mark = h("span", { "aria-hidden": "true" }, MARKS[name] ?? "·");
  return h("span", { class: `verdict ${name}` }, mark, " ", titled(name));
}

/** A range that stays on one line, minus signs of exponents included; choices may break. */
export const reach = (range) => h("span", { class: range.choices ? "" : "reach" }, span(range));

export function showRounds(rounds, status) {
  fill(byId("ranges-now"), now(rounds, status));
  fill(byId("rounds"), rounds.length ? every(rounds) : h("p", { class: "muted" }, "No round has begun yet."));
  importance(rounds);
}

function now(rounds, status) {
  const rows = Object.entries(status.ranges).map(([name, range]) => {
    const made = rounds.findLast((round) => round.decisions[name])?.decisions[name];
    const asked = rounds[0]?.ranges[name];
    return [
      titled(name), reach(range), asked ? reach(asked) : "–",
      made ? verdict(made.verdict) : "as asked", made?.reason ?? "No round has ended yet.",
    ];
  });
  return table("Ranges now", ["Hyperparameter", "Now", "First round", "Verdict", "Why"], rows);
}

function every(rounds) {
  const rows = rounds.flatMap((round) =>
    Object.entries(round.ranges).map(([name, range]) => {
      const made = round.decisions[name];
      const best = round.best?.params[name];
      return [
        `${round.number} (${round.kind})`, titled(name), reach(range),
        best === undefined ? "–" : level(best), share(shown(round.best)),
        made ? verdict(made.verdict) : "–", made?.reason ?? "–",
      ];
    }),
  );
  const head = ["Round", "Hyperparameter", "Range", "Best value", "Best score", "Verdict", "Why"];
  return table("Every round", head, rows);
}

/** The figure of importance in a sentence. */
function importance(rounds) {
  const found = rounds.findLast((round) => round.evidence?.importance.length)?.evidence.importance;
  if (!found) return;
  const shares = found.map((i) =>
    `${titled(i.name)} ${Math.round(100 * i.total)} % (${Math.round(100 * i.low)} to ${Math.round(100 * i.high)} %)`);
  byId("importance-words").textContent =
    `How much of the score's variation inside the ranges each takes part in: ${shares.join(", ")}.`;
}

/** What a next round would be, as `dry_run` answers it. */
export function nextRound(plan) {
  const rows = Object.entries(plan.ranges).map(([name, range]) => {
    const made = plan.decisions[name];
    return [titled(name), reach(range), made ? verdict(made.verdict) : "–", made?.reason ?? "–"];
  });
  const head = plan.kind
    ? `Round ${plan.round} would be of kind ${plan.kind}: ${plan.trials} trials of up to ${plan.epochs} ` +
      `epochs, ${number(plan.epochs_planned)} epochs in all.`
    : "No further round would follow.";
  return [
    h("p", {}, head, plan.reason ? ` ${plan.reason}.` : ""),
    plan.preliminary && h("p", { class: "muted" },
      `Preliminary: ${plan.open_trials} trials of the round before still run.`),
    h("div", { class: "scroll cards" }, table("The next round's ranges",
      ["Hyperparameter", "Range", "Verdict", "Why"], rows)),
  ];
}
