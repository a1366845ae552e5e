// Tags and note of a search, which may be changed in any state.

import { announce, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { segment, sendJson } from "./http.js";
import { showMistakes } from "./mistakes.js";

/** Open the editor of labels; `changed` is called with the status after a change. */
export function editLabels(search, status, changed) {
  const trouble = h("div", { class: "mistakes", role: "alert", tabindex: "-1", hidden: true });
  const tags = h("textarea", { id: "label-tags", "data-path": "tags", rows: 5 }, status.tags.join("\n"));
  const note = h("textarea", { id: "label-note", "data-path": "note", rows: 6 }, status.note);
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Go back");
  const save = h("button", { type: "submit", class: "primary" }, "Save");
  const form = h("form", {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      const lines = tags.value.split("\n").map((line) => line.trim()).filter(Boolean);
      save.disabled = true;
      try {
        const changes = { tags: lines, note: note.value };
        changed((await sendJson("PATCH", `/searches/${segment(search)}`, changes)).value);
        dialog.close();
        announce("Tags and note are saved.");
      } catch (error) {
        showMistakes(trouble, error, form);
      }
      save.disabled = false;
    },
  },
    h("div", { class: "field" }, h("label", { for: "label-tags" }, "Tags, one on each line"), tags),
    h("div", { class: "field" }, h("label", { for: "label-note" }, "Note"), note),
    trouble, h("p", { class: "buttons" }, close, save));
  const dialog = openDialog(`Tags and note of ${status.name || status.id}`, form);
}
