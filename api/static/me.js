// Whose key this tab has, and what it opens.

import { warn } from "./banner.js";
import { byId } from "./dom.js";
import { read } from "./http.js";
import { key, signIn } from "./session.js";

let known = { key: null, answer: null };

/** The owner and the scopes of the present key; asked once for each key. */
export function whoami() {
  if (known.key !== key()) known = { key: key(), answer: ask() };
  return known.answer;
}

async function ask() {
  const me = (await read("/whoami")).value;
  if (known.key !== key()) known = { key: key(), answer: me }; // the key was replaced for this answer
  show(me);
  return me;
}

/** Whether a search of that owner may be changed with this key. */
export const mayChange = (me, owner) => me.owner === owner && me.scopes.includes("submit");

function show(me) {
  const place = byId("who");
  place.textContent = me.owner;
  place.title = `Key ${me.key_id}: ${me.scopes.join(", ")}`;
  for (const link of document.querySelectorAll('a[href="/new"]')) link.hidden = !me.scopes.includes("submit");
  if (!me.scopes.includes("read")) {
    warn("scope", `This key reads no searches; its scopes are ${me.scopes.join(", ")}. `,
      "Sign out", () => byId("sign-out").click());
  }
}

/** Resolves once there is a key and it is known whose it is. */
export async function enter() {
  await signIn();
  return whoami();
}
