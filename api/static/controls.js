// The buttons that steer a search: the states that allow each of them, and their actions.

import { announce, byId, h } from "./dom.js";
import { confirm } from "./dialog.js";
import { editSearch } from "./edit.js";
import { editLabels } from "./labels.js";
import { segment, send, setLeaving } from "./http.js";
import { ENDED_STATES } from "./format.js";

const OPEN = ["queued", "running", "paused"];

/** The buttons of a search; `changed` is called with the status after each action. */
export class Controls {
  constructor(search, changed) {
    this.path = `/searches/${segment(search)}`;
    this.changed = changed;
    const newSearchFrom = (how) => () => location.assign(`/new?${how}=${segment(search)}`);
    this.buttons = [
      this.button("Pause", ["queued", "running"], () => this.steer("pause")),
      this.button("Resume", ["paused", "failed"], () => this.steer("resume")),
      this.button("Edit …", OPEN, () => editSearch(search, this.status, changed)),
      this.button("Tags and note …", null, () => editLabels(search, this.status, changed)),
      this.button("Cancel …", [...OPEN, "finalizing"], () => this.cancel()),
      this.button("Continue …", [...ENDED_STATES, "paused"], newSearchFrom("warm_start"),
        "A new search that begins with what this one has seen"),
      this.button("Clone …", null, newSearchFrom("clone"), "The same spec again, to be changed"),
      this.button("Delete …", ENDED_STATES, () => this.remove()),
    ];
    byId("controls").append(...this.buttons.map(({ element }) => element));
  }

  button(label, states, act, title) {
    // Disabled until the state is known, which what it does may need.
    const attributes = { type: "button", title, disabled: true, onclick: () => this.press(element, act) };
    const element = h("button", attributes, label);
    return { element, states };
  }

  /** Show the buttons that the present state allows. A button with the focus is never hidden. */
  show(status) {
    this.status = status;
    for (const { element, states } of this.buttons) {
      const allowed = states === null || states.includes(status.state);
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
