// A spec as a form. Parts of the spec without a field are kept as they were.

import { h } from "./dom.js";
import { parseValue, SpaceRows } from "./space-rows.js";
import { displayName } from "./format.js";

const GROUPS = {
  "What": ["name", "dataset", "objective"],
  "Network": ["model.hidden_sizes", "model.activation", "model.optimizer", "model.batch_size"],
  "Budget (one of them, or none)": ["budget.epochs", "budget.trials", "budget.seconds"],
  "Plan": ["rounds", "trials_per_round", "epochs.first", "epochs.last"],
  "Final test": ["final.epochs", "final.models"],
};
const MORE = [
  "sampler", "narrowing", "seed", "stop_early", "max_seconds", "validation_fraction", "epochs.halving",
  "finalists.rounds", "model.learning_rate", "model.weight_decay", "model.momentum", "model.dropout",
  "model.batch_norm", "model.schedule", "model.initializer", "model.class_weight", "model.loss", "model.clip_norm",
  "final.train_on",
];
// They follow from the budget where they are left empty.
const PLANNED = [
  "rounds", "trials_per_round", "epochs.first", "epochs.last", "epochs.halving", "finalists.rounds", "sampler",
  "model.hidden_sizes", "model.optimizer", "model.schedule", "model.dropout",
];
const LABELS = {
  "budget.epochs": "Epochs of all trials",
  "budget.trials": "Trials, each in full",
  "budget.seconds": "Seconds",
  "model.hidden_sizes": "Hidden layers (units, with commas)",
  "trials_per_round": "Trials per round",
  "epochs.first": "Epochs in the first round",
  "epochs.last": "Epochs of a full training",
  "final.epochs": "Epochs of the final test",
  "final.models": "Models of the final test",
  "max_seconds": "Time limit (seconds)",
  "finalists.rounds": "Rounds that repeat finalists",
};

export class SpecForm {
  constructor(place, schema) {
    this.spec = {};
    this.fields = [];
    this.space = new SpaceRows(schema);
    const group = ([title, paths]) => h("fieldset", {}, h("legend", {}, title),
      h("div", { class: "fields" }, paths.map((path) => this.field(path, schema.field(path)))));
    const [what, ...others] = Object.entries(GROUPS).map(group);
    const more = h("details", {}, h("summary", {}, "More settings"), group(["Settings", MORE]));
    place.append(h("div", { class: "card" }, what, this.space.element, others, more),
      h("datalist", { id: "datasets" }));
  }

  field(path, { levels, kind, initial, about }) {
    const id = `field-${path}`;
    const planned = PLANNED.includes(path);
    const usual = planned || initial === undefined || initial === null ? "" : shown(initial, kind);
    const common = { id, "data-path": path, title: about };
    const element = levels
      ? h("select", common, h("option", { value: "" }, usual ? `${usual} (default)` : planned ? "planned" : "default"),
        levels.filter((one) => String(one) !== usual).map((one) => h("option", {}, String(one))))
      : h("input", { ...common, placeholder: planned ? "planned" : usual, autocomplete: "off", list: path === "dataset" && "datasets" });
    this.fields.push({ path, element, kind, levels, usual });
    const label = LABELS[path] ?? displayName(path.split(".").pop());
    return h("div", { class: "field" }, h("label", { for: id }, label[0].toUpperCase() + label.slice(1)), element);
  }

  /** Show a spec. */
  set(spec) {
    this.spec = structuredClone(spec);
    for (const { path, element, kind, levels, usual } of this.fields) {
      const value = path.split(".").reduce((place, name) => place?.[name], spec);
      const text = value === undefined || value === null ? "" : shown(value, kind);
      element.value = levels && text === usual ? "" : text; // a list has its default once
    }
    this.space.set(spec.space);
  }

  /** The spec that the form shows; empty fields are left to the service's defaults. */
  get() {
    const spec = structuredClone(this.spec);
    for (const { path, element, kind, levels } of this.fields) {
      const text = element.value.trim();
      const value = levels?.find((one) => String(one) === text) ?? valueOf(text, kind);
      write(spec, path.split("."), text === "" ? undefined : value);
    }
    return { ...spec, space: this.space.get() };
  }
}

function shown(value, kind) {
  if (kind === "array") return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function valueOf(text, kind) {
  if (kind === "string") return text;
  return parseValue(kind === "array" ? `[${text}]` : text);
}

/** Write `value` at a path, or delete the value there, and objects that become empty. */
function write(place, [name, ...rest], value) {
  if (rest.length > 0) {
    const inner = { ...place[name] };
    write(inner, rest, value);
    if (Object.keys(inner).length > 0) place[name] = inner;
    else delete place[name];
  } else if (value === undefined) delete place[name];
  else place[name] = value;
}
