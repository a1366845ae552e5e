// Values as text for people, and questions about a status that several pages ask.

/** The states in which nothing changes any more. */
export const ENDED_STATES = ["completed", "cancelled", "failed"];

const KEPT = 6; // digits of a value in a range that is as wide as it is large
const PLACES = 15; // digits that a narrow range keeps at the most; more are those of another program

/** A number with four significant digits. */
export function formatNumber(value) {
  if (typeof value !== "number") return formatValue(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return String(value); // a count: every digit tells
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [digits, exponent] = value.toExponential(3).split("e");
    return `${Number(digits)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(size >= 1e4 ? 6 : 4)));
}

/** A value of a hyperparameter: four digits, or all those that a narrow range has kept. */
export function formatValue(value) {
  if (typeof value === "number") {
    const digits = value.toExponential().replace(/e.*|[-.]/g, "").length;
    return digits > KEPT && digits <= PLACES ? String(value) : formatNumber(value);
  }
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}

/** A score with four decimals, six digits of one in other units than shares, or a dash. */
export function formatScore(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-3 && size < 10) ? value.toFixed(4) : String(Number(value.toPrecision(6)));
}

/** The score to show: the accuracy, or the score of a search that is trained elsewhere. */
export const scoreOf = (trial) => trial?.validation_accuracy ?? trial?.score;

export const formatSigned = (value) => (value < 0 ? "−" : "+") + formatScore(Math.abs(value));

export const displayName = (name) => name.replaceAll("_", " ");

/** Whether a trial with these values lies outside the ranges. */
export const isOutside = (ranges, values) =>
  Object.entries(values).some(([name, value]) => ranges[name] && !holds(ranges[name], value));

function holds(range, value) {
  if (!range.choices) return range.low <= value && value <= range.high;
  return range.choices.some((choice) => isSameLevel(choice, value));
}

/** Whether two levels are one; some are lists. */
const isSameLevel = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The condition under which a range speaks, in front of its reason; empty without one. */
export function formatGiven({ given, trials, of }) {
  return given ? `given ${formatCondition(given)}, in ${trials} of ${of} trials: ` : "";
}

const formatCondition = (levels) => Object.entries(levels)
  .map(([name, some]) => `${displayName(name)} = ${some.map(formatValue).join(" or ")}`).join(" and ");

/** The conditions of several hyperparameters on one line. */
export const formatConditions = (conditions) => Object.entries(conditions)
  .map(([name, levels]) => `${displayName(name)} with ${formatCondition(levels)}`).join("; ");

/** A range with the digits that count in its width, or the choices that are left. */
export function formatRange(range) {
  if (range.choices) return range.choices.map(formatValue).join(", ");
  const [low, high] = [range.low, range.high].map((edge) => formatEdge(edge, range.high - range.low));
  return `${low}\u00a0to\u00a0${high}`; // on one line
}

/** An edge: four digits, and more where it is far larger than the width. */
function formatEdge(edge, width) {
  const size = (value) => Math.floor(Math.log10(Math.abs(value)));
  const more = edge && width > 0 ? size(edge) - size(width) : 0;
  return more > 1 ? String(Number(edge.toPrecision(Math.min(4 + more, 17)))) : formatNumber(edge);
}

/** A set of hyperparameters without those that have no effect beside the others. */
export const effective = (values, conditions = {}) =>
  Object.fromEntries(Object.entries(values).filter(([name]) =>
    Object.entries(conditions[name] ?? {}).every(([other, useful]) => useful.some((level) => isSameLevel(level, values[other])))));

/** A set of hyperparameters on one line, without those that have no effect in it. */
export const formatParams = (values, conditions) =>
  Object.entries(effective(values, conditions)).map(([name, value]) => `${displayName(name)} ${formatValue(value)}`).join(", ");

export function formatDuration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time that has passed since a moment. */
export function formatAge(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString();
}

export const formatTime = (time) => new Date(time).toLocaleString();

export const formatCount = (value, singular, plural = `${singular}s`) =>
  `${value.toLocaleString("en")} ${value === 1 ? singular : plural}`;

const STATES = {
  queued: "Waiting for its turn",
  running: "Trials are being trained",
  paused: "Running jobs end, no new ones begin",
  finalizing: "The choice is frozen; the final test runs",
  completed: "The result is there",
  cancelled: "Ended by hand; what was found stays",
  failed: "It could not go on",
};

/** The meaning of a state, in a sentence. */
export const stateMeaning = (state) => STATES[state] ?? state;

/** The trials of a status that have ended, those lost to failure included. */
export const endedTrials = ({ completed, stopped, diverged, failed }) =>
  completed + stopped + diverged + failed;

export const datasetName = (status) => status.dataset || "your own training";
