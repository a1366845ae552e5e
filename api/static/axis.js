// An axis of the parallel coordinates: its marks, and the range of it that is selected.

import { svg } from "./dom.js";
import { displayName, formatNumber, formatScore, formatValue } from "./format.js";

const FINE = 0.01; // a press of an arrow key, as a share of the axis
const COARSE = 0.1; // of Page Up and Page Down
const CLICK = 5; // pixels: a pointer that moves less has not dragged
const HIT = 18; // pixels on either side of an axis that belong to it
const LONGEST = 14; // characters of a mark or of a line of a title
const WHOLE = [0, 1];

/** The value at a place of an axis, as text; at the border of two levels that on the side of `end`. */
function textAt(axis, place, end) {
  if (axis.levels) {
    const border = Math.round(place * axis.levels.length);
    return formatValue(axis.levels[end === 0 ? Math.min(border, axis.levels.length - 1) : Math.max(border - 1, 0)]);
  }
  const value = valueAt(axis, place);
  if (axis.score) return formatScore(value);
  return formatNumber(axis.integer ? Math.round(value) : Number(value.toPrecision(digits(value, axis.high - axis.low))));
}

/** Digits of a value that tell two places of an axis apart. */
function digits(value, width) {
  const more = value && width > 0 ? Math.floor(Math.log10(Math.abs(value))) - Math.floor(Math.log10(width)) : 0;
  return Math.min(3 + Math.max(more, 0), 17);
}

function valueAt({ low, high, scale }, place) {
  if (place === 0 || place === 1) return place ? high : low;
  if (scale !== "log") return low + place * (high - low);
  return Math.exp(Math.log(low) + place * (Math.log(high) - Math.log(low)));
}

function placeOf({ low, high, scale }, value) {
  const [from, to, at] = scale === "log" ? [low, high, value].map(Math.log) : [low, high, value];
  return Math.min(Math.max((at - from) / (to - from || 1), 0), 1);
}

/** The selection of an axis on a newer one of its name, which may reach further. */
export function moved(range, before, now) {
  if (before.levels || now.levels) {
    return JSON.stringify(before.levels) === JSON.stringify(now.levels) ? range : WHOLE;
  }
  return range.map((place) => (place === 0 || place === 1 ? place : placeOf(now, valueAt(before, place))));
}

/** An axis at `x`, from `top` down to `bottom` in pixels; `changed` is called after each selection. */
export class Axis {
  constructor(axis, { x, top, bottom, last }, changed) {
    [this.axis, this.x, this.top, this.bottom, this.changed] = [axis, x, top, bottom, changed];
    const { levels, low, high, integer, scale } = axis;
    const counted = integer && scale === "linear" && high - low <= 1 / FINE;
    this.step = levels ? 1 / levels.length : counted && high > low ? 1 / (high - low) : FINE;
    this.least = levels ? this.step : 0; // width of a selection
    this.range = WHOLE;
    this.held = false; // by a pointer
    this.band = svg("rect", { class: "band", x: x - 7, width: 14 });
    this.handles = WHOLE.map((end) => this.handle(end));
    this.element = svg("g", { class: "axis", role: "group", "aria-label": displayName(axis.name) },
      this.title(), svg("line", { x1: x, x2: x, y1: top, y2: bottom }), this.marks(last),
      svg("rect", { class: "hit", x: x - HIT, width: 2 * HIT, y: top - 10, height: bottom - top + 20,
        onpointerdown: (event) => this.drag(event) }),
      this.band, this.handles);
    this.select(WHOLE);
  }

  get selects() {
    return this.range[0] > 0 || this.range[1] < 1;
  }

  /** Whether a line with this place is selected; null is none, which no range holds. */
  holds(place) {
    const [low, high] = this.range;
    return !this.selects || (place !== null && low - 1e-4 <= place && place <= high + 1e-4);
  }

  /** The selected range in words. */
  words() {
    const [from, to] = WHOLE.map((end) => textAt(this.axis, this.range[end], end));
    return `${displayName(this.axis.name)} ${from === to ? from : `${from} to ${to}`}`;
  }

  select(range) {
    this.range = range;
    const [low, high] = range;
    this.band.setAttribute("y", this.y(high));
    this.band.setAttribute("height", this.y(low) - this.y(high));
    this.band.classList.toggle("on", this.selects);
    this.handles.forEach((handle, end) => {
      handle.setAttribute("transform", `translate(${this.x} ${this.y(range[end])})`);
      handle.setAttribute("aria-valuenow", Math.round(100 * range[end]));
      handle.setAttribute("aria-valuetext", textAt(this.axis, range[end], end));
    });
  }

  y(place) {
    return this.bottom - place * (this.bottom - this.top);
  }

  place(event) {
    const { top, height } = this.element.querySelector(".hit").getBoundingClientRect();
    const [from, length] = [top + 10, height - 20];
    return Math.min(Math.max(1 - (event.clientY - from) / length, 0), 1);
  }

  title() {
    const lines = [];
    for (const word of displayName(this.axis.name).split(" ")) {
      if (lines.length && `${lines.at(-1)} ${word}`.length <= LONGEST) lines.push(`${lines.pop()} ${word}`);
      else lines.push(word);
    }
    const shown = lines.length > 2 ? [lines[0], `${lines[1]} …`] : lines;
    return svg("text", { class: "title", x: this.x, y: this.top - 20 - 15 * (shown.length - 1) },
      shown.map((line, i) => svg("tspan", { x: this.x, dy: i ? 15 : 0 }, shortened(line))),
      svg("title", {}, displayName(this.axis.name)));
  }

  marks(last) {
    const x = this.x + (last ? 9 : -9);
    return svg("g", { class: last ? "marks last" : "marks", "aria-hidden": "true" }, this.axis.ticks.map(({ place, text }) => [
      svg("line", { x1: this.x, x2: this.x + (last ? 5 : -5), y1: this.y(place), y2: this.y(place) }),
      svg("text", { x, y: this.y(place) + 4 }, last ? text : shortened(text), text.length > LONGEST && svg("title", {}, text)),
    ]));
  }

  handle(end) {
    const name = `${displayName(this.axis.name)}, ${end ? "upper" : "lower"} end`;
    const way = end ? -1 : 1;
    return svg("g", {
      class: "handle", role: "slider", tabindex: 0, "aria-label": name, "aria-orientation": "vertical",
      "aria-valuemin": 0, "aria-valuemax": 100, "data-handle": `${this.axis.name} ${end}`,
      onkeydown: (event) => this.press(event, end), onpointerdown: (event) => this.drag(event, end),
    }, svg("rect", { class: "room", x: -14, width: 28, y: end ? -22 : -2, height: 24 }),
    svg("path", { d: `M-8 0 H8 L0 ${way * 9} Z` }));
  }

  press(event, end) {
    const far = Math.max(COARSE, this.step);
    const by = { ArrowUp: this.step, ArrowRight: this.step, ArrowDown: -this.step, ArrowLeft: -this.step,
      PageUp: far, PageDown: -far, Home: -2, End: 2 }[event.key];
    const lets = ["Escape", "Delete", "Backspace"].includes(event.key);
    if (!lets && by === undefined) return;
    event.preventDefault();
    this.select(lets ? WHOLE : this.with(end, this.range[end] + by));
    this.changed();
  }

  /** The range with one end at `place`, or as near as the other one allows. */
  with(end, place) {
    const [low, high] = this.range;
    const at = this.snapped(place);
    return end ? [low, Math.max(Math.min(at, 1), low + this.least)] : [Math.min(Math.max(at, 0), high - this.least), high];
  }

  /** A place on a border of two levels, where there are levels. */
  snapped(place) {
    if (this.axis.levels) return Math.round(place / this.step) / this.axis.levels.length;
    return Math.round(place * 1e4) / 1e4;
  }

  /** Follow a pointer: with one end of the range, or from where it went down. */
  drag(event, end = null) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    const [target, from, start] = [event.currentTarget, this.place(event), event.clientY];
    const ended = new AbortController();
    let far = false;
    const move = (now) => {
      far ||= Math.abs(now.clientY - start) > CLICK;
      if (!far) return;
      this.select(end === null ? this.between(from, this.place(now)) : this.with(end, this.place(now)));
      this.changed();
    };
    // A pointer that is taken away, as by a finger that pans the page, has not clicked.
    const stop = ({ type }) => {
      ended.abort();
      this.held = false;
      if (type === "pointerup" && !far && end === null) this.select(WHOLE);
      this.changed();
    };
    this.held = true;
    target.setPointerCapture(event.pointerId);
    for (const [name, act] of Object.entries({ pointermove: move, pointerup: stop, pointercancel: stop })) {
      target.addEventListener(name, act, { signal: ended.signal });
    }
  }

  /** The range between two places; of levels those that it touches. */
  between(one, other) {
    const [low, high] = [Math.min(one, other), Math.max(one, other)];
    if (!this.axis.levels) return [this.snapped(low), this.snapped(high)];
    const count = this.axis.levels.length;
    const first = Math.min(Math.floor(low * count), count - 1);
    return [first / count, Math.max(Math.ceil(high * count), first + 1) / count];
  }
}

const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
