// The editor of a running search: it shows the next round before anything is changed.

import { announce, fill, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { read, segment, sendJson } from "./http.js";
import { showMistakes } from "./mistakes.js";
import { nextRound } from "./rounds.js";
import { displayName } from "./format.js";

const EDGES = { low: "Low", high: "High", hard_low: "Never below", hard_high: "Never above", guess: "Guess" };

/** Open the editor of a search; `changed` is called with the status after an edit. */
export async function editSearch(search, status, changed) {
  const path = `/searches/${segment(search)}`;
  const spec = (await read(`${path}/spec`)).value;
  const fields = [...rangeFields(spec.space), ...planFields(spec)];
  const trouble = h("div", { class: "mistakes", role: "alert", tabindex: "-1", hidden: true });
  const plan = h("div", { class: "plan", role: "status" });
  const apply = h("button", { type: "button", class: "primary", disabled: true }, "Apply");
  const preview = h("button", { type: "submit" }, "Show the next round");
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Go back");

  async function sendEdit(query) {
    trouble.hidden = true;
    try {
      const changes = changesOf(fields);
      if (Object.keys(changes).length === 0) throw new Error("nothing is changed yet");
      return (await sendJson("PATCH", `${path}${query}`, changes)).value;
    } catch (error) {
      showMistakes(trouble, error, form);
      return null;
    }
  }

  const form = h("form", {
    novalidate: true,
    oninput: () => { apply.disabled = true; fill(plan); },
    onsubmit: async (event) => {
      event.preventDefault();
      const next = await sendEdit("?dry_run=true");
      if (next) fill(plan, h("h3", {}, "With this edit"), nextRound(next));
      apply.disabled = !next;
    },
  },
    h("p", { class: "muted" }, "In force from the next round on. What has been trained is kept and used. " +
      "An edge that you change is a wall: no round looks beyond it, unless you say null or another value in never below or never above."),
    groups(fields), trouble, plan, h("p", { class: "buttons" }, close, preview, apply));

  apply.addEventListener("click", async () => {
    apply.disabled = true;
    const edited = await sendEdit("");
    if (!edited) return;
    changed(edited);
    dialog.close();
    announce("The search is edited.");
  });
  const dialog = openDialog(`Edit ${status.name || status.id}`, form);
}

// A field is {group, label, path, element, text}; `text` is its initial content.

function field(group, path, label, value) {
  const text = value === undefined || value === null ? "" : typeof value === "number" ? String(value) : JSON.stringify(value);
  const id = `edit-${path}`;
  const element = h("input", { id, value: text, "data-path": path, autocomplete: "off" });
  return { group, path, label, element, text };
}

function rangeFields(space) {
  return Object.entries(space).flatMap(([name, range]) => {
    const at = `space.${name}`;
    if (range.choices) return [field(displayName(name), `${at}.choices`, "Choices (JSON)", range.choices)];
    return Object.entries(EDGES).map(([edge, label]) => field(displayName(name), `${at}.${edge}`, label, range[edge]));
  });
}

function planFields(spec) {
  const plan = "Plan";
  return [
    field(plan, "rounds", "Rounds", spec.rounds),
    field(plan, "trials_per_round", "Trials per round", spec.trials_per_round),
    field(plan, "epochs.first", "First epochs", spec.epochs.first),
    field(plan, "epochs.last", "Last epochs", spec.epochs.last),
  ];
}

function groups(fields) {
  const names = [...new Set(fields.map(({ group }) => group))];
  return names.map((name) => {
    const own = fields.filter(({ group }) => group === name);
    return h("fieldset", {}, h("legend", {}, name), h("div", { class: "fields" },
      own.map(({ label, element }) =>
        h("div", { class: "field" }, h("label", { for: element.id }, label), element))));
  });
}

/** The edit that the fields make together, without the fields that were not changed. */
function changesOf(fields) {
  const changes = {};
  for (const { path, element, text, label } of fields) {
    const now = element.value.trim();
    if (now === text) continue;
    let place = changes;
    const names = path.split(".");
    for (const name of names.slice(0, -1)) place = place[name] ??= {};
    place[names.at(-1)] = valueOf(now, label);
  }
  return changes;
}

function valueOf(text, label) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${label}: ${JSON.stringify(text)} is neither a number nor JSON`);
  }
}
