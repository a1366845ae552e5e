// The search space of the form: a row for every hyperparameter.

import { fill, h } from "./dom.js";

const TYPICAL = {
  learning_rate: { low: 1e-5, high: 1, scale: "log" },
  weight_decay: { low: 1e-8, high: 0.1, scale: "log" },
  momentum: { low: 0.5, high: 0.99, scale: "linear" },
  dropout: { low: 0, high: 0.6, scale: "linear" },
  batch_size: { low: 16, high: 256, scale: "log", integer: true },
  hidden_units: { low: 16, high: 256, scale: "log", integer: true },
  hidden_layers: { low: 1, high: 3, scale: "linear", integer: true },
  hidden_sizes: { choices: [[50], [100], [50, 50]] },
  class_weight: { choices: [null, "balanced"] },
};
const ANY = { low: 1e-4, high: 1, scale: "log" };

export class SpaceRows {
  /** `schema` knows the levels of hyperparameters; `changed` is called after every change. */
  constructor(schema) {
    this.schema = schema;
    this.list = h("div", { class: "rows" });
    const names = schema.hyperparameters().map((name) => h("option", { value: name }));
    const add = h("button", { type: "button", onclick: () => this.add() }, "Add a hyperparameter");
    this.element = h("fieldset", {}, h("legend", {}, "Search space"), this.list,
      h("datalist", { id: "hyperparameters" }, names), h("p", {}, add));
  }

  set(space) {
    fill(this.list);
    for (const [name, range] of Object.entries(space ?? {})) this.list.append(this.row(name, range));
  }

  get() {
    const all = [...this.list.children].map((row) => row.read());
    const twice = all.find(([name], place) => all.findIndex(([other]) => other === name) < place);
    if (twice) throw new Error(`${twice[0] || "a hyperparameter without a name"} stands in the search space twice`);
    return Object.fromEntries(all);
  }

  add() {
    const taken = [...this.list.children].map((row) => row.read()[0]);
    const name = Object.keys(TYPICAL).find((one) => !taken.includes(one)) ?? "";
    const row = this.row(name, this.typical(name));
    this.list.append(row);
    row.querySelector("input").focus();
  }

  typical(name) {
    const levels = name ? this.schema.field(`model.${name}`).levels : null;
    return TYPICAL[name] ?? (levels ? { choices: levels } : ANY);
  }

  row(name, range) {
    const label = (text, element) => h("label", { class: "field" }, h("span", {}, text), element);
    const called = h("input", { value: name, list: "hyperparameters", autocomplete: "off", "data-path": `space.${name}` });
    const remove = h("button", { type: "button", class: "quiet" }, "Remove");
    const values = h("div", { class: "fields" });
    const row = h("div", { class: "row", role: "group", "aria-label": `Hyperparameter ${name}` },
      h("div", { class: "fields" }, label("Hyperparameter", called)), values, remove);
    const show = (given) => {
      const shown = given.choices ? new Choices(given, label) : new Range(given, label);
      fill(values, shown.elements);
      shown.name(`space.${called.value.trim()}`);
      row.read = () => [called.value.trim(), shown.read()];
    };
    show(range);
    called.addEventListener("change", () => {
      const now = called.value.trim();
      called.dataset.path = `space.${now}`;
      row.setAttribute("aria-label", `Hyperparameter ${now}`);
      show(this.typical(now));
    });
    remove.addEventListener("click", () => {
      (row.nextElementSibling ?? row.previousElementSibling ?? this.element).querySelector("input, button")?.focus();
      row.remove();
    });
    return row;
  }
}

/** The fields of a range; settings without a field are kept as they were. */
class Range {
  constructor(given, label) {
    this.given = given;
    const edge = (value) => h("input", { value, inputmode: "decimal", autocomplete: "off" });
    this.fields = { low: edge(given.low), high: edge(given.high), scale: h("select", {}) };
    this.fields.scale.append(...["log", "linear"].map((one) => h("option", {}, one)));
    this.fields.scale.value = given.scale ?? "linear";
    this.whole = h("input", { type: "checkbox", checked: given.integer === true });
    this.elements = [
      label("Low", this.fields.low), label("High", this.fields.high), label("Scale", this.fields.scale),
      h("label", { class: "check" }, this.whole, " whole numbers"),
    ];
  }

  name(path) {
    for (const [name, field] of Object.entries(this.fields)) field.dataset.path = `${path}.${name}`;
    this.whole.dataset.path = `${path}.integer`;
  }

  read() {
    const { low, high, scale } = this.fields;
    const edges = { low: parseValue(low.value), high: parseValue(high.value), scale: scale.value };
    const { integer, ...others } = this.given;
    return { ...others, ...edges, ...(this.whole.checked ? { integer: true } : {}) };
  }
}

/** The field of choices; a condition has no field, and is kept as it was. */
class Choices {
  constructor(given, label) {
    this.given = given;
    // A text that would be read as something else, such as "null" or "16", has all in quotes.
    const plain = given.choices.every((one) => typeof one !== "string" || (parseValue(one) === one && !one.includes(",")));
    const text = given.choices.map((one) => (plain && typeof one === "string" ? one : JSON.stringify(one)));
    this.field = h("input", { value: text.join(", "), autocomplete: "off", class: "long" });
    this.elements = [label("Choices, with commas between", this.field)];
  }

  name(path) {
    this.field.dataset.path = `${path}.choices`;
  }

  /** JSON values, such as [50], [50, 50], or plain words. */
  read() {
    const all = parseValue(`[${this.field.value}]`);
    return { ...this.given, choices: Array.isArray(all) ? all : this.field.value.split(",").map(parseValue) };
  }
}

/** The JSON value of a text, or the text itself; the service names the mistake then. */
export function parseValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}
