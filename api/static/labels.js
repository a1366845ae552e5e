// Tags and note of a search, which may be changed in any state.

import { h } from "./dom.js";
import { openForm } from "./dialog.js";
import { segment, sendJson } from "./http.js";

/** Open the editor of labels; `changed` is called with the status after a change. */
export function editLabels(search, status, changed) {
  const tags = h("textarea", { id: "label-tags", "data-path": "tags", rows: 5 }, status.tags.join("\n"));
  const note = h("textarea", { id: "label-note", "data-path": "note", rows: 6 }, status.note);

  async function send() {
    const lines = tags.value.split("\n").map((line) => line.trim()).filter(Boolean);
    changed((await sendJson("PATCH", `/searches/${segment(search)}`, { tags: lines, note: note.value })).value);
    return "Tags and note are saved.";
  }

  openForm(`Tags and note of ${status.name || status.id}`, { label: "Save", send },
    h("div", { class: "field" }, h("label", { for: "label-tags" }, "Tags, one on each line"), tags),
    h("div", { class: "field" }, h("label", { for: "label-note" }, "Note"), note));
}
