// What a careful reader of a search should know, and what to do about it.

import { byId, fill, h } from "./dom.js";

const WORDS = { warning: "Warning", info: "Note" };

export function showHealth(notes) {
  const items = notes.map(({ severity, message, advice }) =>
    h("li", { class: severity },
      h("strong", {}, `${WORDS[severity] ?? severity}: `), `${message}.`,
      h("br"), h("span", { class: "advice" }, `→ ${advice}`)));
  fill(byId("health"), items.length ? items : h("li", { class: "muted" }, "Nothing to report."));
}
