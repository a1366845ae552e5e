// Lists as a line of CSV, which is how the service takes those of an upload.

const FIELD = /(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g;

/** The items of a list. */
export function splitList(line) {
  if (!line.trim()) return [];
  return [...line.matchAll(FIELD)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare.trim());
}

/** A list of items as a line. */
export function joinList(items) {
  return items.map((item) => (/[",]|^\s|\s$/.test(item) ? `"${item.replaceAll('"', '""')}"` : item)).join(",");
}
