// The figures of a search: read when they come into view, and again after a change.

import { byId } from "./dom.js";
import { read, segment } from "./http.js";
import { throttled } from "./timing.js";
import { draw, onTheme } from "./plot.js";

const PAUSE = 3000;

/** A figure of a search in the element `figure-NAME`. */
class Figure {
  constructor(search, name, query = () => "") {
    this.place = byId(`figure-${name}`);
    this.address = () => `/searches/${segment(search)}/figures/${name}${query()}`;
    this.last = null;
    this.inView = false;
    this.refresh = throttled(() => this.update(), PAUSE);
    const observer = new IntersectionObserver(
      (entries) => this.setInView(entries.at(-1).isIntersecting), { rootMargin: "200px" },
    );
    observer.observe(this.place);
    onTheme(() => this.redraw());
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
    if (this.last === null) return;
    await draw(this.place, this.last);
  }
}

/** All figures of a search; `axes()` gives the names of those of `trials`. */
export function figuresOf(search, axes) {
  const query = () => {
    const { x, y } = axes();
    return x && y ? `?x=${segment(x)}&y=${segment(y)}` : "";
  };
  const trials = new Figure(search, "trials", query);
  const narrow = matchMedia("(max-width: 600px)"); // as in site.css
  const ranges = new Figure(search, "ranges", () => (narrow.matches ? "?columns=1" : ""));
  narrow.addEventListener("change", () => ranges.changed());
  const all = [trials, ranges, ...["surface", "curves", "importance"].map((n) => new Figure(search, n))];
  return { trials, changed: (atOnce) => all.forEach((figure) => figure.changed(atOnce)) };
}
