// The head of a search's page: where it stands.

import { byId, fact, fill, h } from "./dom.js";
import { ago, count, dataset, duration, ended, meaning, moment, params, share, shown } from "./words.js";

/** State as a word with a mark of its own: colour says nothing that the word does not. */
export const badge = (state) => h("span", { class: `badge ${state}` }, state);

/** Trials that have ended, of those planned. */
export function progress(status) {
  const [done, planned] = [ended(status.trials), status.trials.planned];
  const words = `${done.toLocaleString("en")} of ${count(planned, "trial")}`;
  return [h("progress", { max: planned || 1, value: done, "aria-label": words }), h("span", {}, words)];
}

export function showOverview(status) {
  const named = status.name || `Search ${status.id}`;
  document.title = `${named} · hpsearch`;
  byId("name").textContent = named;
  fill(byId("state"), badge(status.state));
  byId("about").textContent = status.reason ?? meaning(status.state);
  fill(byId("progress"), progress(status));
  fill(byId("facts"), facts(status));
}

function facts(status) {
  const { best, rounds, trials, epochs } = status;
  const kind = rounds.kind && status.finished_at === null ? ` (${rounds.kind})` : "";
  const odd = ["running", "stopped", "diverged", "failed"].filter((state) => trials[state]);
  return [
    fact("Best so far", best ? h("strong", {}, share(shown(best))) : "–",
      best && h("small", {}, `trial ${best.trial}: ${params(best.params)}`)),
    fact("Rounds", `${rounds.completed} of ${rounds.planned}${kind}`),
    fact("Trials", trials.planned.toLocaleString("en"),
      odd.length > 0 && h("small", {}, odd.map((s) => `${trials[s].toLocaleString("en")} ${s}`).join(", "))),
    fact("Epochs", `${epochs.trained.toLocaleString("en")} of ${epochs.planned.toLocaleString("en")}`),
    fact(status.finished_at ? "Took" : "Left", time(status)),
    fact("Dataset", dataset(status)),
    fact("Submitted", h("time", { datetime: status.created_at, title: moment(status.created_at) },
      ago(status.created_at))),
    fact("Id", h("code", {}, status.id)),
    status.webhook && fact("Webhook", `${status.webhook.host}: ${status.webhook.state.replace("_", " ")}`,
      status.webhook.error && h("small", {}, status.webhook.error)),
    status.warm_start.length > 0 && fact("Began with", status.warm_start.map((id) =>
      [h("a", { href: `/searches/${encodeURIComponent(id)}` }, id), " "])),
  ];
}

function time({ started_at: start, finished_at: end, eta_seconds: left }) {
  if (end) return start ? duration((Date.parse(end) - Date.parse(start)) / 1000) : "–";
  return left === null ? "–" : `about ${duration(left)}`;
}
