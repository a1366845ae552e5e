// Parallel coordinates: every trial a line over all hyperparameters and its score.

import { byId, fill, h, svg, table } from "./dom.js";
import { Axis, moved } from "./axis.js";
import { displayName, formatCount, formatScore, formatValue } from "./format.js";

const SHADES = 6; // classes of strokes in site.css, from the worst scores to the best
const FADED = 0.3; // quantile of the scores where the shades begin, as in the other figures
const [TOP, HEIGHT, LANE] = [64, 300, 40]; // pixels: of titles, of axes, of what has no value
const [LEFT, RIGHT, APART] = [86, 136, 104]; // pixels beside the axes, and the least between two
const ROWS = 10;

export class Parallel {
  constructor() {
    this.place = byId("parallel");
    this.axes = [];
    this.view = null;
    this.newer = null; // a view that is shown once no axis is held: the pointer would lose it
    byId("parallel-clear").addEventListener("click", () => {
      for (const axis of this.axes) axis.select([0, 1]);
      this.changed();
    });
    this.place.addEventListener("pointerover", (event) => this.point(event.target));
  }

  /** Draw a view of the service in place of an older one; what is selected stays selected. */
  show(view) {
    if (this.axes.some((axis) => axis.held)) {
      this.newer = view;
      return;
    }
    this.newer = null;
    const width = Math.max(this.place.parentElement.clientWidth, LEFT + RIGHT + APART * (view.axes.length - 1));
    if (view === this.view && width === this.width) return;
    const focused = this.place.contains(document.activeElement) ? document.activeElement.dataset.handle : undefined;
    const before = new Map(this.axes.map((axis) => [axis.axis.name, axis]));
    [this.view, this.width] = [view, width];
    this.shades = shadesOf(view);
    this.lacking = view.lines.some((line) => line.places.includes(null));
    this.makeAxes();
    for (const axis of this.axes) {
      const old = before.get(axis.axis.name);
      if (old?.selects) axis.select(moved(old.range, old.axis, axis.axis));
    }
    this.draw();
    if (focused) this.place.querySelector(`[data-handle="${CSS.escape(focused)}"]`)?.focus();
    this.changed();
  }

  makeAxes() {
    const last = this.view.axes.length - 1;
    const apart = last ? (this.width - LEFT - RIGHT) / last : 0;
    this.axes = this.view.axes.map((axis, i) => new Axis({ ...axis, score: i === last },
      { x: LEFT + i * apart, top: TOP, bottom: TOP + HEIGHT, last: i === last }, () => this.changedSoon()));
  }

  draw() {
    const height = TOP + HEIGHT + LANE;
    const floor = TOP + HEIGHT + LANE - 12;
    // The best ones last, on top of all others.
    const drawn = this.view.lines.toSorted((one, other) => this.shades.compare(one, other));
    this.lines = drawn.map((line) => {
      const points = line.places.map((place, i) =>
        `${this.axes[i].x.toFixed(1)} ${(place === null ? floor : this.axes[i].y(place)).toFixed(1)}`);
      const shade = this.shades.of(line);
      return { line, path: svg("path", { d: `M${points.join("L")}`, class: shade < 0 ? "diverged" : `shade-${shade}` }) };
    });
    this.paths = new Map(this.lines.map(({ line, path }) => [path, line]));
    const lane = this.lacking && svg("text", { class: "lane", x: 4, y: floor + 4, "aria-hidden": "true" }, "no value");
    fill(this.place, this.view.lines.length > 0 && svg("svg", {
      class: "parallel", width: this.width, height, viewBox: `0 0 ${this.width} ${height}`, role: "group",
      "aria-label": "Trials over all hyperparameters; the table below has the best of them",
    }, svg("g", { class: "lines", "aria-hidden": "true" }, this.lines.map(({ path }) => path)), lane,
    this.axes.map(({ element }) => element)));
    byId("parallel-lacking").hidden = !this.lacking;
    fill(byId("parallel-legend"), this.view.lines.length > 0 && this.legend());
  }

  legend() {
    const { shades, view } = this;
    const diverged = view.lines.filter((line) => line.score === null).length;
    const swatch = (name) => svg("svg", { class: "parallel swatch", width: 26, height: 10, "aria-hidden": "true" },
      svg("path", { class: name, d: "M0 5H26" }));
    return [
      shades.ends && h("span", {}, displayName(view.measure), " ", formatScore(shades.ends[0]), " or worse ",
        h("span", { class: "shades" }, Array.from({ length: SHADES }, (_, i) => swatch(`shade-${i}`)), " ", formatScore(shades.ends[1]))),
      diverged > 0 && h("span", {}, swatch("diverged"), ` ${diverged.toLocaleString("en")} diverged`),
    ];
  }

  /** The same as `changed`, once a frame: a pointer moves more often. */
  changedSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.changed();
      if (this.newer !== null) this.show(this.newer);
    });
  }

  /** Show what is selected now. */
  changed() {
    const selecting = this.axes.filter((axis) => axis.selects);
    const selected = [];
    for (const { line, path } of this.lines) {
      const inside = line.places.every((place, i) => this.axes[i].holds(place));
      path.classList.toggle("out", !inside);
      if (inside) selected.push(line);
    }
    selected.reverse(); // the best ones first
    byId("parallel-clear").disabled = selecting.length === 0;
    byId("parallel-count").textContent = this.words(selected, selecting);
    fill(byId("parallel-table"), this.table(selected));
  }

  words(selected, selecting) {
    const { lines, of, measure, beyond } = this.view;
    if (!lines.length) return "No trial has ended yet.";
    const best = selected.find((line) => line.score !== null);
    const chosen = selecting.length === 0 ? "" : ` with ${selecting.map((axis) => axis.words()).join(", ")}`;
    const count = selecting.length === 0 ? formatCount(lines.length, "trial")
      : `${selected.length.toLocaleString("en")} of ${formatCount(lines.length, "trial")}`;
    return [
      `${count}${chosen}${best ? `; the best has a ${displayName(measure)} of ${formatScore(best.score)} (trial ${best.trial})` : ""}.`,
      lines.length < of && `A sample: ${of.toLocaleString("en")} have ended; the best of them are all here.`,
      beyond > 0 && `${formatCount(beyond, "score")} far worse than the others ${beyond === 1 ? "stands" : "stand"} at the lower end.`,
    ].filter(Boolean).join(" ");
  }

  table(selected) {
    const heads = ["Trial", displayName(this.view.measure), ...this.view.axes.slice(0, -1).map(({ name }) => displayName(name))];
    const rows = selected.slice(0, ROWS).map((line) => [line.trial, formatScore(line.score),
      ...line.values.slice(0, -1).map((value, i) => (line.places[i] === null ? "–" : formatValue(value)))]);
    return rows.length > 0 && table("The best of the selected trials", heads, rows);
  }

  /** Bring the line under the pointer to the front of the words. */
  point(target) {
    this.pointed?.classList.remove("pointed");
    const line = this.paths?.get(target);
    this.pointed = line && target;
    if (!line) return;
    target.classList.add("pointed");
    const names = this.view.axes.map(({ name }) => displayName(name));
    target.replaceChildren(svg("title", {}, [`trial ${line.trial}`, ...names.map((name, i) =>
      `${name} ${line.places[i] === null ? "–" : i < names.length - 1 ? formatValue(line.values[i]) : formatScore(line.score)}`)].join("\n")));
  }
}

/** The shade of each line, -1 of diverged ones, and the scores at the ends of the shades. */
function shadesOf({ lines, direction }) {
  const sign = direction === "minimize" ? -1 : 1;
  const scores = lines.filter((line) => line.score !== null).map((line) => sign * line.score).sort((one, other) => one - other);
  const [low, high] = [scores[Math.floor(FADED * scores.length)], scores.at(-1)];
  const share = (score) => (high > low ? Math.min(Math.max((sign * score - low) / (high - low), 0), 1) : 1);
  return {
    ends: high > low ? [sign * low, sign * high] : null,
    compare: (one, other) => (one.score === null) === (other.score === null)
      ? sign * (one.score - other.score) : one.score === null ? -1 : 1,
    of: (line) => (line.score === null ? -1 : Math.min(Math.floor(SHADES * share(line.score)), SHADES - 1)),
  };
}
