// Downloads of a search. A link could not carry the key, so a button fetches each file.

import { announce, byId, h } from "./dom.js";
import { Problem, save, segment } from "./http.js";

const CSV = { Accept: "text/csv" };

/** [label, format, route below the search, file name, headers, true if it needs a result] */
const FILES = (id) => [
  ["Trials", "CSV", "trials", `trials-${id}.csv`, CSV, false],
  ["Result", "JSON", "result", `result-${id}.json`, {}, true],
  ["Spec", "JSON", "spec", `spec-${id}.json`, {}, false],
  ["Report", "HTML, with figures", "report", `report-${id}.html`, {}, false],
  ["Statement", "Markdown, for a paper", "statement", `statement-${id}.md`, { Accept: "text/markdown" }, true],
  ["Trained model", "NPZ", "model", `model-${id}.npz`, {}, true],
];

/** The buttons of a search; `show(status)` enables those whose file exists. */
export class Exports {
  constructor(id) {
    const path = `/searches/${segment(id)}`;
    this.buttons = FILES(id).map(([label, kind, route, name, headers, needsResult]) => {
      const press = (event) => download(event.currentTarget, `${path}/${route}`, name, headers);
      const element = h("button", { type: "button", onclick: press }, label, " ", h("small", {}, kind));
      return { element, needsResult, route };
    });
    byId("exports").append(...this.buttons.map(({ element }) => element));
  }

  show(status) {
    for (const { element, needsResult, route } of this.buttons) {
      element.hidden = route === "model" && status.objective === "external";
      element.disabled = element.dataset.unavailable !== undefined || (needsResult && status.state !== "completed");
    }
  }
}

async function download(button, path, name, headers) {
  button.setAttribute("aria-busy", "true");
  try {
    await save(path, name, headers);
    announce(`${name} is saved.`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    button.dataset.unavailable = ""; // a model that diverged, or that an older version did not keep
    button.disabled = true;
    button.textContent = error.message;
    announce(error.message);
  }
  button.removeAttribute("aria-busy");
}
