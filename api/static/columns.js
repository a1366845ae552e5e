// The columns of a table as the service understood them, and the ways to use them otherwise.

import { h, table } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";
import { joinList, splitList } from "./lists.js";

const MOST_CLASSES = 20;
const KINDS = ["number", "boolean", "category", "date"];
const ROLES = { label: "the label", groups: "groups", time: "time", weight: "weight" };
const LEFT_OUT = "left out";

/**
 * Show the columns of a dataset, each with what it is used as. `fields` are the inputs of the
 * upload's options by name; a choice is written into them, and `changed` is called.
 */
export function showColumns(dataset, fields, changed) {
  const { label, columns, left_out: others, n_train: train, n_test: test } = dataset;
  if (!columns) return [];
  const use = (name, now, options) => choice(name, now, options, fields, changed);
  const all = Object.values(ROLES);
  const rows = byFile(columns).map((one) => {
    const options = [...new Set([one.use, ...KINDS, ...all, LEFT_OUT])];
    return [one.name, use(one.name, one.use, options), one.holds, share(one.missing, train + test)];
  });
  const left = others.map(({ name, kind, reason }) => {
    const now = ROLES[kind] ?? `${LEFT_OUT} (${kind})`;
    const options = name ? [now, ...KINDS, ...all, ...(now.startsWith(LEFT_OUT) ? [] : [LEFT_OUT])] : [now];
    return [name, use(name, now, options), reason, ""];
  });
  const labelled = label ? [[label, ROLES.label, formatCount(train + test, "example"), ""]] : [];
  return [
    balance(dataset),
    table("Columns as they were understood", ["Column", "Used as", "Holds", "Missing"], [
      ...labelled,
      ...rows,
      ...left,
    ]),
  ];
}

/** Columns of the file: a date is stored as several. */
function byFile(columns) {
  const found = new Map();
  for (const { name, kind, levels: words, n_levels: count, missing, source, part, unit } of columns) {
    if (!part) {
      const more = words && count > words.length ? `, … (${count})` : "";
      found.set(name, { name, use: kind, holds: words ? words.join(", ") + more : unit ? `in ${unit}` : "", missing });
      continue;
    }
    const parts = [...(found.get(source)?.parts ?? []), part.replace("_", " ")];
    found.set(source, { name: source, use: "date", holds: parts.join(", "), missing, parts });
  }
  return [...found.values()];
}

/** Draw the examples of each class, or say how numbers to predict are spread. */
function balance({ label, classes, class_counts: counts, target }) {
  if (target) {
    const { min, max, mean, sd } = target;
    const [low, high, middle, spread] = [min, max, mean, sd].map(formatNumber);
    return h("p", {}, `${label}: from ${low} to ${high}, mean ${middle}, standard deviation ${spread}.`);
  }
  if (!counts) return null;
  const most = Math.max(...counts);
  const rows = classes
    .map((word, at) => [word, bar(counts[at], most), String(counts[at])])
    .sort((one, other) => other[2] - one[2]);
  const more = rows.length > MOST_CLASSES ? [["…", "", `${rows.length - MOST_CLASSES} more classes`]] : [];
  return table("Examples of each class", [label || "Class", "Share", "Examples"], [
    ...rows.slice(0, MOST_CLASSES),
    ...more,
  ]);
}

function share(missing, examples) {
  if (!missing) return "";
  return [bar(missing, examples), ` ${missing} (${Math.max(1, Math.round((100 * missing) / examples))} %)`];
}

function bar(value, max) {
  return h("progress", { value, max, "aria-hidden": "true" });
}

/** Make the choice of what a column is used as. */
function choice(name, now, options, fields, changed) {
  if (options.length < 2) return now;
  const onchange = (event) => {
    write(name, event.target.value, fields);
    changed();
  };
  const option = (word) => h("option", { value: word, selected: word === now }, word);
  return h("select", { onchange, "data-column": name, "aria-label": `Use of column ${name}` }, options.map(option));
}

/** Write a choice into the options of the upload, in place of what they said of the column. */
function write(name, use, fields) {
  for (const role of Object.keys(ROLES)) if (fields[role].value.trim() === name) fields[role].value = "";
  const others = (list, of) => splitList(list.value).filter((item) => of(item) !== name);
  const drop = others(fields.drop, (item) => item);
  const kind = others(fields.kind, (item) => item.slice(0, item.lastIndexOf(":")));
  const role = Object.keys(ROLES).find((one) => ROLES[one] === use);
  if (role) fields[role].value = name;
  else if (use === LEFT_OUT) drop.push(name);
  else kind.push(`${name}:${use}`);
  fields.drop.value = joinList(drop);
  fields.kind.value = joinList(kind);
}
