// Modal dialogs: each is made for a question and removed with its answer.

import { announce, fill, h } from "./dom.js";
import { showMistakes } from "./mistakes.js";

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

/**
 * Open a dialog with a form and return it. `send` is called when it is submitted and answers what is then announced;
 * an error of it is shown beside its field, and the dialog stays open. `label` and `kind` are those of its button.
 */
export function openForm(title, { label, kind = "primary", send }, ...fields) {
  const trouble = h("div", { class: "mistakes", role: "alert", tabindex: "-1", hidden: true });
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Go back");
  const act = h("button", { type: "submit", class: kind }, label);
  const form = h("form", {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      act.disabled = true;
      try {
        const done = await send();
        dialog.close();
        announce(done);
      } catch (error) {
        showMistakes(trouble, error, form);
      }
      act.disabled = false;
    },
  }, fields, trouble, h("p", { class: "buttons" }, close, act));
  const dialog = openDialog(title, form);
  return dialog;
}
