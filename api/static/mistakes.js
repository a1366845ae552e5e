// Mistakes that the service has named, shown beside their fields.

import { fill, h } from "./dom.js";

/** Remove the messages that `showMistakes` has put beside fields. */
export function clearMistakes(form) {
  for (const note of form.querySelectorAll(".mistake")) note.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

/**
 * Show the mistakes of `error` in `summary`, and each beside the field of `form` that has its
 * path, or the nearest one above it. An entry of the summary leads to its field; for a path without
 * one, `find(path)` may answer another place as `{where, go}`.
 */
export function showMistakes(summary, error, form, find = () => null) {
  clearMistakes(form);
  const list = (error.errors ?? []).map(({ path, message }, index) => {
    const field = fieldOf(form, path);
    if (field) mark(field, message, `mistake-${index}`);
    const place = field ? { go: () => field.focus() } : find(path);
    const words = [place?.where, path, message].filter(Boolean).join(": ");
    return h("li", {}, place ? h("button", { type: "button", class: "link", onclick: place.go }, words) : words);
  });
  fill(summary, h("p", {}, h("strong", {}, error.message)), list.length > 0 && h("ul", {}, list));
  summary.hidden = false;
  summary.focus();
}

/** The field of a path such as space.learning_rate.low, or of the longest beginning of it. */
function fieldOf(form, path) {
  const fields = [...form.querySelectorAll("[data-path]")].filter((f) => f.checkVisibility());
  const names = path.replaceAll("[", ".").replaceAll("]", "").split(".");
  for (let end = names.length; end > 0; end -= 1) {
    const wanted = names.slice(0, end).join(".");
    const match = fields.find((field) => field.dataset.path === wanted)
      ?? fields.find((field) => field.dataset.path.startsWith(`${wanted}.`));
    if (match) return match;
  }
  return null;
}

function mark(field, message, id) {
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", id);
  field.after(h("span", { class: "mistake", id }, message));
}
