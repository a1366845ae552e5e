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
    this.remarks = false; // whether any has a note or a link
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

  head() {
    const sortable = (title, best) => {
      const order = this.best !== best ? "none" : best ? this.order : "ascending";
      const act = () => this.sortBy(best);
      return h("th", { scope: "col", "aria-sort": order },
        h("button", { type: "button", class: "sort", onclick: act }, title));
    };
    const plain = (title) => h("th", { scope: "col" }, title);
    fill(byId("trials").tHead, h("tr", {},
      sortable("Trial", false), plain("State"), plain("Epochs"),
      sortable(this.score, true), this.metrics.map((name) => plain(name)), this.costs && plain("Cost"), this.remarks && plain("Note"),
      this.names.map((name) => plain(displayName(name)))));
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
    fill(byId("trials").tBodies[0], items.length ? items.map((trial) => this.row(trial)) : this.nothing());
    byId("trials-previous").disabled = this.cursors.length === 1;
    byId("trials-next").disabled = next === null;
    byId("trials-page").textContent = `Page ${this.cursors.length}`;
  }

  /** Add columns for metrics, costs and notes that were not there before. */
  extend(items) {
    const metrics = [...new Set([...this.metrics, ...items.flatMap((trial) => Object.keys(trial.metrics ?? {}))])].sort();
    const costs = this.costs || items.some((trial) => trial.cost !== null);
    const remarks = this.remarks || items.some((trial) => trial.note ?? trial.link);
    if (metrics.length === this.metrics.length && costs === this.costs && remarks === this.remarks) return;
    [this.metrics, this.costs, this.remarks] = [metrics, costs, remarks];
    this.head();
  }

  row(trial) {
    const params = effective(trial.params, this.conditions);
    const values = this.names.map((name) => h("td", {}, formatValue(name in params ? params[name] : "–")));
    const state = trial.role ? `${trial.state}, ${displayName(trial.role)}` : trial.state;
    return h("tr", {}, h("th", { scope: "row" }, trial.id), h("td", { title: trial.error }, state),
      h("td", {}, String(trial.epochs)), h("td", {}, formatScore(scoreOf(trial))),
      this.metrics.map((name) => h("td", {}, formatScore(trial.metrics?.[name]))),
      this.costs && h("td", {}, formatScore(trial.cost)), this.remarks && h("td", {}, this.remark(trial)), values);
  }

  /** The note of a trial, which leads to its link; the service takes http(s) alone, and so does this page. */
  remark({ note, link }) {
    if (!/^https?:\/\//i.test(link ?? "")) return note ?? "–";
    return h("a", { href: link, rel: "noopener noreferrer" }, note ?? new URL(link).host);
  }

  nothing() {
    const columns = 4 + this.metrics.length + Number(this.costs) + Number(this.remarks) + this.names.length;
    return h("tr", {}, h("td", { colspan: columns, class: "muted" }, "No trial to show."));
  }

  /** Save all trials that the filters select. */
  download() {
    return save(`${this.path}?${this.query({ role: "true" })}`, "trials.csv", { Accept: "text/csv" });
  }
}
