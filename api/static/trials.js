// The table of trials, sorted and paged by the server.

import { byId, fill, h } from "./dom.js";
import { read, save, segment } from "./http.js";
import { throttled } from "./timing.js";
import { effective, formatValue, formatScore, scoreOf, displayName } from "./format.js";

const LIMIT = 20;
const PAUSE = 2000;

export class TrialTable {
  constructor(search) {
    this.path = `/searches/${segment(search)}/trials`;
    this.names = [];
    this.metrics = []; // names of those that the trials shown so far have
    this.costs = false;
    this.replicated = false; // whether any has scores of several trainings
    this.remarks = false; // whether any has a note or a link
    this.hidden = new Set(new URLSearchParams(location.search).getAll("hide")); // keys of columns
    this.items = []; // of the page shown
    this.sort = "-validation_accuracy"; // of the best ones first
    this.order = "descending";
    this.best = true; // first; otherwise by round
    this.cursors = [null]; // of the pages up to the one shown
    this.next = null;
    this.refresh = throttled(() => this.update(), PAUSE);
    byId("trials-round").addEventListener("change", () => this.restart());
    byId("trials-state").addEventListener("change", () => this.restart());
    byId("trials-previous").addEventListener("click", () => this.turn(() => this.cursors.pop()));
    byId("trials-next").addEventListener("click", () => this.turn(() => this.cursors.push(this.next)));
    byId("trials-csv").addEventListener("click", () => this.download());
  }

  /** Set the columns and the rounds to choose from. */
  describe(status, rounds) {
    const names = Object.keys(status.ranges).sort();
    this.conditions = status.effective_with;
    const external = status.objective === "external";
    this.sort = external ? "-score" : "-validation_accuracy";
    this.order = status.direction === "minimize" ? "ascending" : "descending";
    const score = external || status.best?.validation_accuracy === null ? "Validation score" : "Validation accuracy";
    if (names.join() !== this.names.join() || score !== this.score) {
      [this.names, this.score] = [names, score];
      this.head();
    }
    const select = byId("trials-round");
    for (const { number } of rounds.slice(select.options.length - 1)) {
      select.append(h("option", { value: number }, String(number)));
    }
  }

  /** The columns that there are: `key` names one in the address, `best` says what a press on its head sorts by. */
  columns() {
    const metrics = this.metrics.map((name) =>
      ({ key: `metric.${name}`, title: name, cell: (trial) => formatScore(trial.metrics?.[name]) }));
    const values = this.names.map((name) =>
      ({ key: `param.${name}`, title: displayName(name), cell: (_, params) => formatValue(Object.hasOwn(params, name) ? params[name] : "–") }));
    return [
      { title: "Trial", best: false, cell: (trial) => trial.id },
      { key: "state", title: "State", cell: (trial) => h("span", { title: trial.error }, stateOf(trial)) },
      { key: "epochs", title: "Epochs", cell: (trial) => String(trial.epochs) },
      { title: this.score, best: true, cell: (trial) => formatScore(scoreOf(trial)) },
      this.replicated && { key: "replicates", title: "Trainings", cell: trainings },
      ...metrics,
      this.costs && { key: "cost", title: "Cost", cell: (trial) => formatScore(trial.cost) },
      this.remarks && { key: "note", title: "Note", cell: (trial) => this.remark(trial) },
      ...values,
    ].filter(Boolean);
  }

  shown() {
    return this.columns().filter(({ key }) => !this.hidden.has(key));
  }

  head() {
    const sortable = ({ title, best }) => {
      const order = this.best !== best ? "none" : best ? this.order : "ascending";
      const act = () => this.sortBy(best);
      return h("th", { scope: "col", "aria-sort": order },
        h("button", { type: "button", class: "sort", onclick: act }, title));
    };
    fill(byId("trials").tHead, h("tr", {}, this.shown().map((column) =>
      (column.best === undefined ? h("th", { scope: "col" }, column.title) : sortable(column)))));
    this.offer();
  }

  /** Offer the columns to choose from. A box that has the focus keeps it. */
  offer() {
    const place = byId("trials-columns");
    const focused = place.contains(document.activeElement) ? document.activeElement.value : null;
    fill(place, this.columns().filter(({ key }) => key).map(({ key, title }) => h("label", { class: "way" },
      h("input", { type: "checkbox", value: key, checked: !this.hidden.has(key), onchange: () => this.choose(key) }), " ", title)));
    if (focused !== null) place.querySelector(`[value="${CSS.escape(focused)}"]`)?.focus();
  }

  /** Show or hide a column, in the address too. */
  choose(key) {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    const query = String(new URLSearchParams([...this.hidden].map((one) => ["hide", one])));
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    this.head();
    this.fill();
  }

  sortBy(best) {
    this.best = best;
    this.head(); // with new buttons: the one that was pressed keeps the focus
    byId("trials").tHead.querySelector("th:not([aria-sort=none]) > button").focus();
    this.restart();
  }

  query(more) {
    const filters = {
      round: byId("trials-round").value, state: byId("trials-state").value,
      sort: this.best ? this.sort : "round", ...more,
    };
    return new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  }

  restart() {
    return this.turn(() => { this.cursors = [null]; });
  }

  async turn(move) {
    move();
    await this.update();
  }

  async update() {
    const query = this.query({ limit: LIMIT, cursor: this.cursors.at(-1) });
    const { items, next } = (await read(`${this.path}?${query}`)).value;
    // An answer to an older question, after the next one has been asked, is dropped.
    if (String(query) !== String(this.query({ limit: LIMIT, cursor: this.cursors.at(-1) }))) return;
    this.next = next;
    this.extend(items);
    this.items = items;
    this.fill();
    byId("trials-previous").disabled = this.cursors.length === 1;
    byId("trials-next").disabled = next === null;
    byId("trials-page").textContent = `Page ${this.cursors.length}`;
  }

  fill() {
    const columns = this.shown();
    const nothing = () => h("tr", {}, h("td", { colspan: columns.length, class: "muted" }, "No trial to show."));
    const rows = this.items.map((trial) => this.row(trial, columns));
    fill(byId("trials").tBodies[0], rows.length ? rows : nothing());
  }

  /** Add columns for metrics, costs, notes and replicates that were not there before. */
  extend(items) {
    const metrics = [...new Set([...this.metrics, ...items.flatMap((trial) => Object.keys(trial.metrics ?? {}))])].sort();
    const costs = this.costs || items.some((trial) => trial.cost !== null);
    const remarks = this.remarks || items.some((trial) => trial.note ?? trial.link);
    const replicated = this.replicated || items.some((trial) => trial.replicates);
    if (metrics.length === this.metrics.length && costs === this.costs && remarks === this.remarks
      && replicated === this.replicated) return;
    [this.metrics, this.costs, this.remarks, this.replicated] = [metrics, costs, remarks, replicated];
    this.head();
  }

  row(trial, columns) {
    const params = effective(trial.params, this.conditions);
    return h("tr", {}, columns.map(({ cell }, i) =>
      (i ? h("td", {}, cell(trial, params)) : h("th", { scope: "row" }, cell(trial)))));
  }

  /** The note of a trial, which leads to its link; the service takes http(s) alone, and so does this page. */
  remark({ note, link }) {
    if (!/^https?:\/\//i.test(link ?? "")) return note ?? "–";
    return h("a", { href: link, rel: "noopener noreferrer" }, note ?? new URL(link).host);
  }

  /** Save all trials that the filters select. */
  download() {
    return save(`${this.path}?${this.query({ role: "true" })}`, "trials.csv", { Accept: "text/csv" });
  }
}

const stateOf = ({ state, role }) => (role ? `${state}, ${displayName(role)}` : state);

/** How many trainings the score is the mean of, with their standard deviation. */
function trainings({ replicates }) {
  if (!replicates) return "1";
  const mean = replicates.reduce((sum, one) => sum + one, 0) / replicates.length;
  const squares = replicates.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return `${replicates.length}, sd ${formatScore(Math.sqrt(squares / (replicates.length - 1)))}`;
}
