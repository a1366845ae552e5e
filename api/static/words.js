// Values as words for people, and the words of the contract that several pages ask for.

/** The states in which nothing changes any more. */
export const OVER = ["completed", "cancelled", "failed"];

/** A number with four digits that matter. */
export function number(value) {
  if (typeof value !== "number") return level(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [digits, exponent] = value.toExponential(3).split("e");
    return `${Number(digits)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(size >= 1e4 ? 6 : 4)));
}

/** One value of a hyperparameter. */
export function level(value) {
  if (typeof value === "number") return number(value);
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}

/** An accuracy with four decimals, or a dash. */
export const share = (value) =>
  value === null || value === undefined ? "–" : value.toFixed(4);

/** What people look at: the accuracy, or the score of a search that is trained elsewhere. */
export const shown = (one) => one?.validation_accuracy ?? one?.score;

export const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);

export const titled = (name) => name.replaceAll("_", " ");

/** A range, or the choices that are left. */
export function span(range) {
  if (range.choices) return range.choices.map(level).join(", ");
  return `${number(range.low)}\u00a0to\u00a0${number(range.high)}`; // on one line
}

/** A set of hyperparameters on one line. */
export const params = (values) =>
  Object.entries(values).map(([name, value]) => `${titled(name)} ${level(value)}`).join(", ");

export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago a moment was. */
export function ago(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString();
}

export const moment = (time) => new Date(time).toLocaleString();

export const count = (value, one, many = `${one}s`) =>
  `${value.toLocaleString("en")} ${value === 1 ? one : many}`;

const STATES = {
  queued: "Waiting for its turn",
  running: "Trials are being trained",
  paused: "Running jobs end, no new ones begin",
  finalizing: "The choice is frozen; the final test runs",
  completed: "The result is there",
  cancelled: "Ended by hand; what was found stays",
  failed: "It could not go on",
};

/** What a state means, in a sentence. */
export const meaning = (state) => STATES[state] ?? state;

/** The trials of a status that have ended, those lost to failure included. */
export const ended = ({ completed, stopped, diverged, failed }) =>
  completed + stopped + diverged + failed;

export const dataset = (status) => status.dataset || "your own training";
