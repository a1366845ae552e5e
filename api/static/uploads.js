// Datasets: suggestions of names, and uploads.

import { showColumns } from "./columns.js";
import { byId, fill, h } from "./dom.js";
import { read, segment, send } from "./http.js";
import { formatCount } from "./format.js";

const MOST = 1000;

/** Suggest the names of datasets in the form. */
export async function offerDatasets() {
  const { items } = (await read(`/datasets?limit=${MOST}`)).value;
  fill(byId("datasets"), items.map((dataset) => h("option", { value: dataset.name }, describe(dataset))));
}

function describe({ n_train: examples, features, classes, source }) {
  if (!examples) return source;
  const labels = classes.length ? `${classes.length} classes` : "numbers to predict";
  return `${formatCount(examples, "example")}, ${formatCount(features, "feature")}, ${labels}`;
}

const OPTIONS = ["label", "task", "header", "drop", "kind", "missing", "groups", "time", "weight", "as"];
const ANY = "application/octet-stream";

/** Make the upload form work; `done` is called with the name of a new dataset. */
export function offerUpload(done) {
  const [file, name] = ["file", "name"].map((part) => byId(`upload-${part}`));
  const options = Object.fromEntries(OPTIONS.map((part) => [part, byId(`upload-${part}`)]));
  file.addEventListener("change", () => {
    const stem = file.files[0]?.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-") ?? "";
    name.value ||= stem.replace(/^[^A-Za-z0-9]+/, "").slice(0, 64);
  });
  let running = Promise.resolve(); // the service reads one file of a key at a time
  let asked = 0;
  byId("upload-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const dry = event.submitter?.value === "check";
    const mine = ++asked;
    byId("uploaded").textContent = dry ? "Checking …" : "Uploading …";
    running = running.then(() => (dry && mine !== asked ? null : put(file, name.value.trim(), options, dry, done)));
  });
}

/** Check or upload the file, and show what the service makes of it. */
async function put(file, name, options, dry, done) {
  const message = byId("uploaded");
  const used = document.activeElement?.dataset.column;
  try {
    const { value } = await upload(file.files[0], file.dataset, name, options, dry);
    const notes = value.notes.map((note) => `${note.message}: ${note.advice}`);
    const begin = dry ? "Nothing is stored yet. " : "";
    message.textContent = begin + [`${value.name}: ${describe(value)}`, ...splitBy(value), ...notes].join(". ");
    fill(byId("uploaded-columns"), showColumns(value, options, check));
    focusOn(used);
    if (dry) return;
    await offerDatasets();
    done(value.name);
  } catch (error) {
    if (used === undefined) fill(byId("uploaded-columns")); // else a refused choice can be taken back
    message.textContent = [error.message, ...(error.errors ?? []).map((e) => `${e.path}: ${e.message}`)].join("; ");
  }
}

/** Sentences about the groups and the time that part the rows, and about their weights. */
function splitBy({ groups, time, weight }) {
  return [
    weight && `Weights of ${weight.column}: ${counting("training", weight.train)}, ${counting("test", weight.test)}`,
    groups && `Groups of ${groups.column}: ${groups.n_train} train, ${groups.n_test} are sealed`,
    time && `Sealed by ${time.column}: from ${time.cut} on`,
  ].filter(Boolean);
}

function counting(part, { rows, effective_rows: effective }) {
  return `${formatCount(rows, `${part} row`)} count for ${Math.round(effective)}`;
}

function check() {
  byId("upload-form").requestSubmit(byId("upload-check"));
}

function focusOn(column) {
  if (column === undefined) return;
  for (const select of byId("uploaded-columns").querySelectorAll("select")) {
    if (select.dataset.column === column) select.focus();
  }
}

function upload(file, { mediaTypes }, name, options, dry) {
  const known = JSON.parse(mediaTypes)[file.name.match(/\.[^.]*$/)?.[0].toLowerCase()];
  const given = Object.entries(options).map(([option, field]) => [option, field.value.trim()]).filter(([, text]) => text);
  if (!known) given.push(["filename", file.name]);
  if (dry) given.push(["dry_run", "true"]);
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  return send("PUT", `/datasets/${segment(name)}${query}`, { body: file, headers: { "Content-Type": known ?? ANY } });
}
