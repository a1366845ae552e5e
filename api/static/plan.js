// A plan before anything runs, as POST /searches?dry_run=true answers it.

import { h, table } from "./dom.js";
import { formatConditions, formatNumber } from "./format.js";

/** The parts of a plan: its sentence, what it has chosen, its rounds, and what to know. */
export function planned(plan) {
  const rows = plan.rounds.map((round) => [
    round.number, round.kind, round.trials, round.rungs.join(", "), formatNumber(round.epochs),
  ]);
  return [
    h("h2", {}, "The plan"),
    h("p", {}, `${plan.summary}.`),
    plan.planned.length > 0 && h("p", { class: "muted" }, `Planned from the budget: ${plan.planned.join(", ")}.`),
    Object.keys(plan.conditions ?? {}).length > 0 && h("p", { class: "muted" }, `Searched only where they have an effect: ${formatConditions(plan.conditions)}.`),
    plan.notes.length > 0 && h("ul", {}, plan.notes.map((note) => h("li", {}, note))),
    h("details", {}, h("summary", {}, "Rounds"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rounds of the plan" },
      table("Rounds of the plan", ["Round", "Kind", "Trials", "Rungs", "Epochs"], rows))),
  ];
}
