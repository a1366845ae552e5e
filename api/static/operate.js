// Steering a search of somebody else, as an operator: always with a reason, which its owner reads.

import { announce, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { segment, sendJson } from "./http.js";
import { showMistakes } from "./mistakes.js";

const LONGEST = 500; // characters, by the contract
const ASKED = { pause: "Pause", resume: "Resume", cancel: "Cancel" };

/** Ask for the reason of an action; `changed` is called with the status after it. */
export function operate(search, status, action, changed) {
  const trouble = h("div", { class: "mistakes", role: "alert", tabindex: "-1", hidden: true });
  const reason = h("input", { id: "operate-reason", "data-path": "reason", maxlength: LONGEST, autocomplete: "off" });
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Go back");
  const act = h("button", { type: "submit", class: action === "cancel" ? "danger" : "primary" }, `${ASKED[action]} the search`);
  const form = h("form", {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      act.disabled = true;
      try {
        if (!reason.value.trim()) throw new Error(`say why, for ${status.owner} reads it`);
        const asked = { action, reason: reason.value.trim() };
        const { value } = await sendJson("POST", `/searches/${segment(search)}/operate`, asked);
        changed(value);
        dialog.close();
        announce(`The search is ${value.state}.`);
      } catch (error) {
        showMistakes(trouble, error, form);
      }
      act.disabled = false;
    },
  },
    h("p", {}, `This search belongs to ${status.owner}, who reads the reason beside its state. The audit keeps it too.`,
      action === "cancel" && " A cancelled search ends for good; what it has found stays readable."),
    h("div", { class: "field" }, h("label", { for: "operate-reason" }, "Reason"), reason),
    trouble, h("p", { class: "buttons" }, close, act));
  const dialog = openDialog(`${ASKED[action]} ${status.name || status.id}?`, form);
  reason.focus();
}
