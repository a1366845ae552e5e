// The head of a search's page: its status.

import { byId, fact, fill, h } from "./dom.js";
import { displayName, formatAge, formatCount, datasetName, formatDuration, endedTrials, stateMeaning, formatTime, formatParams, formatScore, isOutside, scoreOf } from "./format.js";

/** A state as a word with a mark; colour adds no information to the word. */
export const badge = (state) => h("span", { class: `badge ${state}` }, state);

/** Trials that have ended, of those planned. */
export function progress(status) {
  const [done, planned] = [endedTrials(status.trials), status.trials.planned];
  const words = `${done.toLocaleString("en")} of ${formatCount(planned, "trial")}`;
  return [h("progress", { max: planned || 1, value: done, "aria-label": words }), h("span", {}, words)];
}

export function showOverview(status, me) {
  const title = status.name || `Search ${status.id}`;
  document.title = `${title} · hpsearch`;
  byId("name").textContent = title;
  fill(byId("state"), badge(status.state));
  byId("about").textContent = status.waiting?.message ?? status.reason ?? stateMeaning(status.state);
  fill(byId("progress"), progress(status));
  fill(byId("facts"), facts(status, me));
}

function facts(status, me) {
  const { best, rounds, trials, epochs } = status;
  const kind = rounds.kind && status.finished_at === null ? ` (${rounds.kind})` : "";
  // The best one by the objective need not be the one of the highest accuracy.
  const byObjective = best && status.objective !== "accuracy" &&
    best.validation_accuracy !== null && best.score !== null;
  const others = ["running", "stopped", "diverged", "failed"].filter((state) => trials[state]);
  return [
    fact("Best trial so far", best ? h("strong", {}, formatScore(byObjective ? best.score : scoreOf(best))) : "–",
      byObjective && h("small", {}, `${displayName(status.objective)}, higher is better; accuracy ${formatScore(best.validation_accuracy)}`),
      best && h("small", {}, `trial ${best.trial}: ${formatParams(best.params, status.effective_with)}`,
        isOutside(status.ranges, best.params) && "; it lies outside the ranges now")),
    status.direction === "minimize" && fact("Scores", "lower is better"),
    status.cost && fact("Cost", costWords(status.cost),
      status.cost.final !== null && h("small", {}, `${formatScore(status.cost.final)} more by the final test`)),
    fact("Rounds", `${rounds.completed} of ${rounds.planned}${kind}`),
    fact("Trials", trials.planned.toLocaleString("en"),
      others.length > 0 && h("small", {}, others.map((s) => `${trials[s].toLocaleString("en")} ${s}`).join(", "))),
    fact("Epochs", `${epochs.trained.toLocaleString("en")} of ${epochs.planned.toLocaleString("en")}`),
    fact(status.finished_at ? "Took" : "Left", time(status)),
    fact("Dataset", datasetName(status)),
    fact("Submitted", h("time", { datetime: status.created_at, title: formatTime(status.created_at) },
      formatAge(status.created_at))),
    status.owner !== me.owner && fact("Owner", status.owner),
    status.owner === me.owner && status.sharing.length > 0 && fact("Read by",
      status.sharing === "all" ? "every owner" : status.sharing.join(", ")),
    fact("Id", h("code", {}, status.id)),
    status.webhook && fact("Webhook", `${status.webhook.host}: ${status.webhook.state.replace("_", " ")}`,
      status.webhook.error && h("small", {}, status.webhook.error)),
    status.tags.length > 0 && fact("Tags", status.tags.map((tag) => h("span", { class: "tag" }, tag))),
    status.note && fact("Note", h("span", { class: "note" }, status.note)),
    status.warm_start_trials > 0 && fact("Began with", formatCount(status.warm_start_trials, "trial"),
      status.warm_start.map((id) => [" ", h("a", { href: `/searches/${encodeURIComponent(id)}` }, id)])),
  ];
}

function costWords({ spent, budget }) {
  const words = spent === null ? "none reported" : formatScore(spent);
  return budget === null ? words : `${words} of ${formatScore(budget)}`;
}

function time({ started_at: start, finished_at: end, eta_seconds: left }) {
  if (end) return start ? formatDuration((Date.parse(end) - Date.parse(start)) / 1000) : "–";
  return left === null ? "–" : `about ${formatDuration(left)}`;
}
