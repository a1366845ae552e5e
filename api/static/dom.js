// Elements of the pages are made here. Data of the service become text nodes; nothing is ever
// parsed as markup.

/**
 * Make an element with attributes, listeners (`onclick` and the like are functions) and children.
 * Attributes that are null, undefined or false are left out; so are such children.
 */
export function h(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...present(children));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of a drawing; attributes, listeners and children as with `h`. */
export function svg(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

export const byId = (id) => document.getElementById(id);

/** Replace the children of `parent`. */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

function present(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);
}

/** Make a table; `head` and the cells of `rows` are texts or elements. */
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

/** Make a term and its description, for a <dl>. */
export function fact(term, ...description) {
  return h("div", {}, h("dt", {}, term), h("dd", {}, ...description));
}

/** Announce a change of the page to screen readers. */
export function announce(text) {
  byId("announcer").textContent = text;
}
