// Positions of paths in a JSON text, to lead from a mistake to its line.

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;

/** The line that holds `path`, or the longest beginning of it that exists; null without one. */
export function lineOf(text, path) {
  const places = placesIn(text);
  const names = path.replaceAll("[", ".").replaceAll("]", "").split(".");
  for (let end = names.length; end > 0; end -= 1) {
    const offset = places.get(names.slice(0, end).join("."));
    if (offset !== undefined) return lineAt(text, offset);
  }
  return null;
}

/** The line around an offset: its number, from 1, and its ends. */
export function lineAt(text, offset) {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const next = text.indexOf("\n", offset);
  return { number: text.slice(0, start).split("\n").length, start, end: next < 0 ? text.length : next };
}

/** The offset of every value of a JSON text, by its path with dots: space.learning_rate.low. */
function placesIn(text) {
  const offsets = new Map();
  const open = []; // of every bracket that is open: {list, name}, the name of the next value
  let key = null; // a text that may turn out to be a name
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const top = open.at(-1);
    if (token === "}" || token === "]") open.pop();
    else if (token === ",") {
      if (top?.list) top.name = String(Number(top.name) + 1);
    } else if (token === ":") {
      top.name = JSON.parse(key.token);
      offsets.set(open.map(({ name }) => name).join("."), key.index);
    } else {
      if (top?.list) offsets.set(open.map(({ name }) => name).join("."), index);
      if (token === "{" || token === "[") open.push({ list: token === "[", name: "0" });
      else key = { token, index };
    }
  }
  return offsets;
}
