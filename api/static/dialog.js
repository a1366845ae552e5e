// Modal dialogs: each is made for a question and removed with its answer.

import { fill, h } from "./dom.js";

/** Open a dialog and return its element; it is removed once it is closed. */
export function openDialog(title, ...content) {
  const heading = h("h2", { id: "dialog-title" }, title);
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, heading, content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask before `act` is called; an error of it is shown in the dialog, which stays open. */
export function confirm(title, text, label, act) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const yes = h("button", { type: "button", class: "danger" }, label);
  const no = h("button", { type: "button", autofocus: true }, "Go back");
  const dialog = openDialog(title, h("p", {}, text), trouble, h("p", { class: "buttons" }, no, yes));
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      fill(trouble, error.message);
    }
    yes.disabled = false;
  });
}
