// The page that submits a search: a form and a JSON editor of the same spec.

import { byId, fill, h } from "./dom.js";
import { EXAMPLES, showExamples } from "./examples.js";
import { Problem, read, segment, sendJson } from "./http.js";
import { lineAt, lineOf } from "./json-positions.js";
import { clearMistakes, showMistakes } from "./mistakes.js";
import { planned } from "./plan.js";
import { specSchema } from "./schema.js";
import { enter } from "./me.js";
import { SpecForm } from "./spec-form.js";
import { offerDatasets, offerUpload } from "./uploads.js";

const WARM_STARTS = 8; // of one search, by the contract
const json = byId("json");
const mistakes = byId("mistakes");

const [schema] = await Promise.all([specSchema(), enter()]);
const form = new SpecForm(byId("fields"), schema);
let inJson = false;
let submission = { body: null, token: null };
let shownPlan = null; // the text whose plan has been shown

function setSpec(spec) {
  byId("plan").hidden = true;
  clearMistakes(byId("form"));
  mistakes.hidden = true;
  form.set(spec);
  json.value = JSON.stringify(spec, null, 2);
}

/** Switch between form and JSON; a text that is not JSON keeps the editor open. */
function switchEditor(toJson) {
  if (toJson === inJson) return;
  clearMistakes(byId("form"));
  mistakes.hidden = true;
  if (toJson) json.value = JSON.stringify(form.get(), null, 2);
  else {
    try {
      form.set(JSON.parse(json.value));
    } catch (error) {
      showMistakes(mistakes, new Error(`The form cannot show this: ${error.message}.`), byId("form"));
      return;
    }
  }
  inJson = toJson;
  byId("fields").hidden = inJson;
  byId("editor").hidden = !inJson;
  byId("as-form").setAttribute("aria-pressed", String(!inJson));
  byId("as-json").setAttribute("aria-pressed", String(inJson));
}

/** The place of a path in the JSON editor, for a link to it. */
function placeInEditor(path) {
  const line = inJson && path ? lineOf(json.value, path) : null;
  return line && { where: `line ${line.number}`, go: () => select(line) };
}

function select({ start, end }) {
  json.focus();
  json.setSelectionRange(start, end);
}

/** The token of a text: sent twice, as after a lost answer, it makes a single search. */
function tokenFor(body) {
  if (body !== submission.body) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    submission = { body, token: [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  return submission.token;
}

async function submit(event) {
  event.preventDefault();
  clearMistakes(byId("form"));
  mistakes.hidden = true;
  const body = inJson ? json.value : JSON.stringify(form.get());
  byId("submit").disabled = true;
  byId("sending").textContent = "Submitting …";
  try {
    if (await asksToRead(body)) return;
    const { value } = await sendJson("POST", "/searches", body, { "Idempotency-Key": tokenFor(body) });
    location.assign(`/searches/${segment(value.id)}`);
  } catch (error) {
    showMistakes(mistakes, error, byId("form"), placeInEditor);
    if (inJson && error.line) select(lineAt(json.value, offsetOf(error.line)));
  }
  endSending();
}

function endSending(text = "") {
  byId("sending").textContent = text;
  byId("submit").disabled = false;
}

/** Show the plan once where it has notes, such as levels that it cannot try, before the search begins. */
async function asksToRead(body) {
  if (body === shownPlan) return false;
  const { value } = await sendJson("POST", "/searches?dry_run=true", body);
  if (value.notes.length === 0) return false;
  show(value, body);
  endSending("Read the notes of the plan; submit again to begin all the same.");
  return true;
}

function show(plan, body) {
  shownPlan = body;
  fill(byId("plan"), ...planned(plan));
  byId("plan").hidden = false;
}

/** Show what a search of this spec would do. Nothing is stored. */
async function showPlan() {
  clearMistakes(byId("form"));
  mistakes.hidden = true;
  byId("plan").hidden = true;
  byId("show-plan").disabled = true;
  try {
    const body = inJson ? json.value : JSON.stringify(form.get());
    show((await sendJson("POST", "/searches?dry_run=true", body)).value, body);
  } catch (error) {
    showMistakes(mistakes, error, byId("form"), placeInEditor);
  }
  byId("show-plan").disabled = false;
}

function offsetOf(line) {
  return json.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
}

/** The spec that the query of the address asks for. */
async function initialSpec(query) {
  const [clone, old] = [query.get("clone"), query.get("warm_start")];
  if (clone) return specOf(clone, "The spec of", (spec) => spec);
  if (old) return specOf(old, "Begins with all that was seen by", (spec) => continued(spec, old));
  return (EXAMPLES[query.get("example")] ?? EXAMPLES.digits).spec;
}

async function specOf(id, origin, change) {
  const spec = (await read(`/searches/${segment(id)}/spec`)).value;
  const link = h("a", { href: `/searches/${segment(id)}` }, spec.name || id);
  fill(byId("origin"), origin, " ", link, ".");
  byId("origin").hidden = false;
  return change(spec);
}

/** Add a warm start and take the next seed, so that nothing is trained twice; what was tried first was. */
async function continued({ try_first: _tried, ...spec }, id) {
  const earlier = await Promise.all((spec.warm_start ?? []).map(async (item) => ((await exists(item)) ? item : null)));
  const all = [...earlier.filter(Boolean), id].slice(-WARM_STARTS);
  return { ...spec, warm_start: all, seed: (spec.seed ?? 0) + 1 };
}

async function exists(id) {
  try {
    await read(`/searches/${segment(id)}`);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return false;
    throw error;
  }
}

byId("as-form").addEventListener("click", () => switchEditor(false));
byId("as-json").addEventListener("click", () => switchEditor(true));
byId("form").addEventListener("submit", submit);
byId("form").addEventListener("input", () => { byId("plan").hidden = true; });
byId("show-plan").addEventListener("click", showPlan);
showExamples(byId("examples"), (name) => {
  byId("origin").hidden = true;
  setSpec(EXAMPLES[name].spec);
});
offerUpload((name) => {
  setSpec({ ...(inJson ? JSON.parse(json.value) : form.get()), dataset: name });
});
setSpec(await initialSpec(new URLSearchParams(location.search)));
for (const id of ["as-form", "as-json", "submit", "show-plan"]) byId(id).disabled = false; // before, a press was lost
await offerDatasets();
