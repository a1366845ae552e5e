// A search as files. A link could not carry the key, so each is fetched when its button is pressed.

import { announce, byId, h } from "./dom.js";
import { Problem, save, segment } from "./http.js";

const CSV = { Accept: "text/csv" };

/** [label, what it is, route behind the search, file name, headers, whether it takes a result] */
const FILES = (id) => [
  ["Trials", "CSV", "trials", `trials-${id}.csv`, CSV, false],
  ["Result", "JSON", "result", `result-${id}.json`, {}, true],
  ["Spec", "JSON", "spec", `spec-${id}.json`, {}, false],
  ["Report", "HTML, with figures", "report", `report-${id}.html`, {}, false],
  ["Trained model", "NPZ", "model", `model-${id}.npz`, {}, true],
];

/** The buttons of a search; `show(status)` says which of them there is something behind. */
export class Exports {
  constructor(id) {
    const path = `/searches/${segment(id)}`;
    this.buttons = FILES(id).map(([label, kind, route, name, headers, late]) => {
      const press = (event) => fetched(event.currentTarget, `${path}/${route}`, name, headers);
      const element = h("button", { type: "button", onclick: press }, label, " ", h("small", {}, kind));
      return { element, late, route };
    });
    byId("exports").append(...this.buttons.map(({ element }) => element));
  }

  show(status) {
    for (const { element, late, route } of this.buttons) {
      element.hidden = route === "model" && status.objective === "external";
      element.disabled = element.dataset.gone !== undefined || (late && status.state !== "completed");
    }
  }
}

async function fetched(button, path, name, headers) {
  button.setAttribute("aria-busy", "true");
  try {
    await save(path, name, headers);
    announce(`${name} is saved.`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    button.dataset.gone = ""; // a model that diverged, or that an older version did not keep
    button.disabled = true;
    button.textContent = error.message;
    announce(error.message);
  }
  button.removeAttribute("aria-busy");
}
