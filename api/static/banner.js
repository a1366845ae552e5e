// What has gone wrong, above everything else, until it is over or has been read.

import { byId, h } from "./dom.js";

const shown = new Map();

/** Show `text` under a name; another text of that name takes its place. */
export function warn(name, text, label, act) {
  const notice = h("p", {}, text, " ", h("button", { type: "button", onclick: act }, label));
  shown.get(name)?.remove();
  shown.set(name, notice);
  byId("banner").append(notice);
}

export function unwarn(name) {
  shown.get(name)?.remove();
  shown.delete(name);
}

// Nothing fails in silence: what no place on the page is made for is told here.
window.addEventListener("unhandledrejection", (event) => {
  const text = event.reason?.message ?? String(event.reason);
  warn("fault", `Something went wrong: ${text}.`, "Dismiss", () => unwarn("fault"));
});
