// The figures of a search: read when they come into view, and again after a change.

import { byId } from "./dom.js";
import { read, segment } from "./http.js";
import { throttled } from "./timing.js";
import { Parallel } from "./parallel.js";
import { draw, onTheme } from "./plot.js";

const PAUSE = 3000;

/** A part of the page that is read from `address()` when it comes into view, and given to `show`. */
class Panel {
  constructor(place, address, show) {
    [this.address, this.show] = [address, show];
    this.last = null;
    this.inView = false;
    this.refresh = throttled(() => this.update(), PAUSE);
    const observer = new IntersectionObserver(
      (entries) => this.setInView(entries.at(-1).isIntersecting), { rootMargin: "200px" },
    );
    observer.observe(place);
  }

  setInView(inView) {
    this.inView = inView;
    if (inView && this.stale) this.refresh();
  }

  /** Note a change of the search; with `atOnce` the figure is read without a pause. */
  changed(atOnce = false) {
    this.stale = true;
    if (this.inView) this.refresh(atOnce);
  }

  async update() {
    this.stale = false;
    this.last = (await read(this.address())).value;
    await this.redraw();
  }

  async redraw() {
    if (this.last !== null) await this.show(this.last);
  }
}

/** A figure of a search that plotly draws into the element `figure-NAME`. */
function figure(search, name, query = () => "") {
  const place = byId(`figure-${name}`);
  const panel = new Panel(place, () => `/searches/${segment(search)}/figures/${name}${query()}`, (last) => draw(place, last));
  onTheme(() => panel.redraw());
  return panel;
}

/** The lines of all trials, which this page draws itself. */
function parallel(search) {
  const drawing = new Parallel();
  const panel = new Panel(drawing.place, () => `/searches/${segment(search)}/coordinates`, (view) => drawing.show(view));
  new ResizeObserver(() => panel.redraw()).observe(drawing.place.parentElement);
  return panel;
}

/** All figures of a search; `axes()` gives the names of those of `trials`. */
export function figuresOf(search, axes) {
  const query = () => {
    const { x, y } = axes();
    return x && y ? `?x=${segment(x)}&y=${segment(y)}` : "";
  };
  const trials = figure(search, "trials", query);
  const narrow = matchMedia("(max-width: 600px)"); // as in site.css
  const ranges = figure(search, "ranges", () => (narrow.matches ? "?columns=1" : ""));
  narrow.addEventListener("change", () => ranges.changed());
  const others = ["surface", "curves", "importance"].map((name) => figure(search, name));
  const all = [trials, ranges, ...others, parallel(search)];
  return { trials, changed: (atOnce) => all.forEach((figure) => figure.changed(atOnce)) };
}
