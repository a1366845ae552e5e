// The key of this tab: entered once, kept in sessionStorage, sent as a header only.

import { byId, h } from "./dom.js";

const NAME = "hpsearch-key";
let asking = null;

export const key = () => sessionStorage.getItem(NAME);

/**
 * A `#key=` link signs in, unless somebody is: a stranger's link must not change whose searches
 * these are. The key leaves the address bar; a browser may remember the link that was opened.
 */
function takeFromFragment() {
  if (!location.hash.startsWith("#key=")) return;
  if (key() === null) {
    sessionStorage.setItem(NAME, decodeURIComponent(location.hash.slice("#key=".length)));
  }
  history.replaceState(null, "", location.pathname + location.search);
}

/** Ask for a key and keep it; simultaneous calls share a dialog. */
export function askForKey(why = "") {
  asking ??= ask(why).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(why) {
  return new Promise((resolve) => {
    const input = h("input", {
      id: "key", type: "password", required: true, autocomplete: "off", spellcheck: "false",
      "aria-describedby": "key-why key-help",
    });
    const accept = (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      sessionStorage.setItem(NAME, input.value.trim());
      dialog.close();
      dialog.remove();
      showSignOut();
      resolve();
    };
    const dialog = h(
      "dialog", { "aria-labelledby": "key-title", class: "narrow" },
      h(
        "form", { onsubmit: accept },
        h("h2", { id: "key-title" }, "Sign in"),
        h("p", { id: "key-why", class: "trouble", role: "alert" }, why),
        h("div", { class: "field" }, h("label", { for: "key" }, "API key"), input),
        h("p", { id: "key-help", class: "muted" },
          "hpsearch serve prints where the key of your own service lies; ",
          h("code", {}, "hpsearch keys create NAME"), " makes another. It stays in this tab."),
        h("p", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Sign in")),
      ),
    );
    // Without a key there is nothing behind the dialog to go back to.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Forget a key that was refused and ask for another, unless that has been done already. */
export async function replaceKey(used, why) {
  if (key() !== null && key() !== used) return;
  sessionStorage.removeItem(NAME);
  await askForKey(why);
}

function showSignOut() {
  byId("sign-out").hidden = key() === null;
}

/** Resolves once there is a key. */
export async function signIn() {
  takeFromFragment();
  byId("sign-out").addEventListener("click", () => {
    sessionStorage.removeItem(NAME);
    location.reload();
  });
  if (key() === null) await askForKey();
  showSignOut();
}
