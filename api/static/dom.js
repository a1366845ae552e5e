// Every element of the pages is made here. What comes from the service is text and stays text:
// nothing is ever parsed as markup.

/**
 * An element with attributes, listeners (`onclick` and the like are functions) and children.
 * Attributes that are null, undefined or false are left out; so are such children.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...present(children));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Put `children` in place of what `parent` holds. */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

function present(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);
}

/** A table; `head` and the cells of `rows` are texts or elements. */
export function table(caption, head, rows) {
  const cell = (content, column) =>
    column === 0 ? h("th", { scope: "row" }, content) : h("td", { "data-head": head[column] }, content);
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, head.map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))),
  );
}

/** A term and its description, for a <dl>. */
export function fact(term, ...description) {
  return h("div", {}, h("dt", {}, term), h("dd", {}, ...description));
}

/** Tell those who do not see the page what has changed on it. */
export function announce(text) {
  byId("announcer").textContent = text;
}
