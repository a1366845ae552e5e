// Warnings at the top of the page, each shown until it is over or dismissed.

import { byId, h } from "./dom.js";

const notices = new Map();

/** Show `text` under a name; another text of that name takes its place. */
export function warn(name, text, label, act) {
  const notice = h("p", {}, text, " ", h("button", { type: "button", onclick: act }, label));
  notices.get(name)?.remove();
  notices.set(name, notice);
  byId("banner").append(notice);
}

export function clearWarning(name) {
  notices.get(name)?.remove();
  notices.delete(name);
}

// Faults without a place of their own on the page are notices here, so that none is silent.
window.addEventListener("unhandledrejection", (event) => {
  const text = event.reason?.message ?? String(event.reason);
  warn("fault", `Something went wrong: ${text}.`, "Dismiss", () => clearWarning("fault"));
});
