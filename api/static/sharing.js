// Who else may read a search: nobody, named owners, or all.

import { h } from "./dom.js";
import { openForm } from "./dialog.js";
import { segment, sendJson } from "./http.js";

const WAYS = { nobody: "Nobody else", all: "Every owner of this service", named: "These owners" };

/** Open the editor of a search's readers; `changed` is called with the status after a change. */
export function editSharing(search, status, changed) {
  const named = status.sharing === "all" ? [] : status.sharing;
  const now = status.sharing === "all" ? "all" : named.length ? "named" : "nobody";
  const owners = h("textarea", { id: "share-owners", "data-path": "sharing", rows: 4,
    oninput: () => { ways.find((one) => one.value === "named").checked = true; } }, named.join("\n"));
  const ways = Object.keys(WAYS).map((way) =>
    h("input", { type: "radio", name: "sharing", id: `share-${way}`, value: way, checked: way === now }));
  const lines = () => owners.value.split("\n").map((line) => line.trim()).filter(Boolean);

  async function send() {
    const way = ways.find((one) => one.checked).value;
    if (way === "named" && lines().length === 0) throw new Error("name the owners, one on each line");
    const sharing = way === "all" ? "all" : way === "named" ? lines() : [];
    changed((await sendJson("PUT", `/searches/${segment(search)}/sharing`, { sharing })).value);
    return "The readers of this search are saved.";
  }

  openForm(`Share ${status.name || status.id}`, { label: "Save", send },
    h("p", { class: "muted" }, "Who may read this search, its trials, its result and its model. They change nothing."),
    h("fieldset", { class: "ways" }, h("legend", {}, "Readers"),
      ways.map((one) => h("label", { class: "way", for: one.id }, one, " ", WAYS[one.value]))),
    h("div", { class: "field" }, h("label", { for: "share-owners" }, "Names of owners, one on each line"), owners));
}
