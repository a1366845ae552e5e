// The buttons that steer a search: who may press each of them, in which states, and what it does.

import { announce, byId, h } from "./dom.js";
import { confirm } from "./dialog.js";
import { editSearch } from "./edit.js";
import { editLabels } from "./labels.js";
import { mayChange } from "./me.js";
import { operate } from "./operate.js";
import { editSharing } from "./sharing.js";
import { segment, send, setLeaving } from "./http.js";
import { ENDED_STATES } from "./format.js";

const OPEN = ["queued", "running", "paused"];

const OWNER = (me, { owner }) => mayChange(me, owner);
const OPERATOR = (me, { owner }) => !mayChange(me, owner) && me.scopes.includes("operate");
const SUBMITTER = (me) => me.scopes.includes("submit");

/** The buttons of a search; `changed` is called with the status after each action. */
export class Controls {
  constructor(search, changed) {
    this.path = `/searches/${segment(search)}`;
    this.changed = changed;
    const newSearchFrom = (how) => () => location.assign(`/new?${how}=${segment(search)}`);
    const operating = (action) => () => operate(search, this.status, action, changed);
    this.buttons = [
      this.button("Pause", OWNER, ["queued", "running"], () => this.steer("pause")),
      this.button("Resume", OWNER, ["paused", "failed"], () => this.steer("resume")),
      this.button("Pause …", OPERATOR, ["queued", "running"], operating("pause")),
      this.button("Resume …", OPERATOR, ["paused", "failed"], operating("resume")),
      this.button("Edit …", OWNER, OPEN, () => editSearch(search, this.status, changed)),
      this.button("Tags and note …", OWNER, null, () => editLabels(search, this.status, changed)),
      this.button("Share …", OWNER, null, () => editSharing(search, this.status, changed),
        "Let other owners read this search"),
      this.button("Cancel …", OWNER, [...OPEN, "finalizing"], () => this.cancel()),
      this.button("Cancel …", OPERATOR, [...OPEN, "finalizing"], operating("cancel")),
      this.button("Continue …", OWNER, [...ENDED_STATES, "paused"], newSearchFrom("warm_start"),
        "A new search that begins with what this one has seen"),
      this.button("Clone …", SUBMITTER, null, newSearchFrom("clone"), "The same spec again, to be changed"),
      this.button("Delete …", OWNER, ENDED_STATES, () => this.remove()),
    ];
    byId("controls").append(...this.buttons.map(({ element }) => element));
  }

  button(label, allows, states, act, title) {
    // Hidden until it is known who looks at what.
    const attributes = { type: "button", title, hidden: true, onclick: () => this.press(element, act) };
    const element = h("button", attributes, label);
    return { element, allows, states };
  }

  /** Show the buttons that key and state allow. A button with the focus is never hidden. */
  show(status, me) {
    this.status = status;
    for (const { element, allows, states } of this.buttons) {
      const allowed = allows(me, status) && (states === null || states.includes(status.state));
      element.disabled = !allowed;
      element.hidden = !allowed && document.activeElement !== element;
    }
  }

  /** Run the action of a button; its error is shown below the buttons. */
  async press(element, act) {
    const trouble = byId("trouble");
    trouble.textContent = "";
    element.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      trouble.textContent = `${element.textContent.replace(" …", "")}: ${error.message}`;
    }
    element.removeAttribute("aria-busy");
  }

  async steer(action) {
    const { value } = await send("POST", `${this.path}/${action}`);
    this.changed(value);
    announce(`The search is ${value.state}.`);
  }

  cancel() {
    confirm("Cancel this search?",
      "It ends for good. What it has found stays readable, and another search can begin with it.",
      "Cancel the search", () => this.steer("cancel"));
  }

  remove() {
    const name = this.status.name || this.status.id;
    confirm("Delete this search?", `“${name}”, its trials and its result are removed. Nothing brings them back.`,
      "Delete the search", async () => {
        setLeaving(true);
        try {
          await send("DELETE", this.path);
        } catch (error) {
          setLeaving(false);
          throw error;
        }
        location.assign("/");
      });
  }
}
