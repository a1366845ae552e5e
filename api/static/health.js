// Health findings of a search, each with its advice.

import { byId, fill, h } from "./dom.js";

const SEVERITIES = { warning: "Warning", info: "Note" };

export function showHealth(notes) {
  const items = notes.map(({ severity, message, advice }) =>
    h("li", { class: severity },
      h("strong", {}, `${SEVERITIES[severity] ?? severity}: `), `${message}.`,
      h("br"), h("span", { class: "advice" }, `→ ${advice}`)));
  fill(byId("health"), items.length ? items : h("li", { class: "muted" }, "Nothing to report."));
}
