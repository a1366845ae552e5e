// Steering a search of somebody else, as an operator: always with a reason, which its owner reads.

import { h } from "./dom.js";
import { openForm } from "./dialog.js";
import { segment, sendJson } from "./http.js";

const LONGEST = 500; // characters, by the contract
const ASKED = { pause: "Pause", resume: "Resume", cancel: "Cancel" };

/** Ask for the reason of an action; `changed` is called with the status after it. */
export function operate(search, status, action, changed) {
  const reason = h("input", { id: "operate-reason", "data-path": "reason", maxlength: LONGEST, autocomplete: "off" });

  async function send() {
    const said = reason.value.trim();
    if (!said) throw new Error(`say why, for ${status.owner} reads it`);
    const { value } = await sendJson("POST", `/searches/${segment(search)}/operate`, { action, reason: said });
    changed(value);
    return `The search is ${value.state}.`;
  }

  const kind = action === "cancel" ? "danger" : "primary";
  openForm(`${ASKED[action]} ${status.name || status.id}?`, { label: `${ASKED[action]} the search`, kind, send },
    h("p", {}, `This search belongs to ${status.owner}, who reads the reason beside its state. The audit keeps it too.`,
      action === "cancel" && " A cancelled search ends for good; what it has found stays readable."),
    h("div", { class: "field" }, h("label", { for: "operate-reason" }, "Reason"), reason));
  reason.focus();
}
