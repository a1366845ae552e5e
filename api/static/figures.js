// The figures of a search: read when they are looked at, and again when the search has changed.

import { byId } from "./dom.js";
import { read, segment } from "./http.js";
import { paced } from "./pace.js";
import { draw, onTheme } from "./plot.js";

const PAUSE = 3000;

/** A figure of a search in the element `figure-NAME`. */
class Figure {
  constructor(search, name, query = () => "") {
    this.place = byId(`figure-${name}`);
    this.address = () => `/searches/${segment(search)}/figures/${name}${query()}`;
    this.last = null;
    this.seen = false;
    this.refresh = paced(() => this.update(), PAUSE);
    const looked = new IntersectionObserver(
      (entries) => this.look(entries.at(-1).isIntersecting), { rootMargin: "200px" },
    );
    looked.observe(this.place);
    onTheme(() => this.redraw());
  }

  look(seen) {
    this.seen = seen;
    if (seen && this.stale) this.refresh();
  }

  /** The search has changed; `atOnce`: so much that the figure must not wait its turn. */
  changed(atOnce = false) {
    this.stale = true;
    if (this.seen) this.refresh(atOnce);
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
