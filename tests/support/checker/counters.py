"""I9: every number that the service keeps or shows, counted again from rows and history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch.records import JobRecord, RoundRecord, SearchRecord, TrialRecord
from support.checker.history import History
from support.checker.queue import trial_name

STATES = ("completed", "stopped", "diverged", "failed", "cancelled")


def i9_counters(seen: History, shown: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Counters of rounds, searches, jobs and datasets, and `shown` statuses of the API by id."""
    for r in seen.rounds:
        yield from _round(seen, r)
    for s in seen.searches.values():
        yield from _best(f"search {s.id}", s, _scored(seen, s.id))
    for t in seen.trials:
        usable = t.state in ("completed", "stopped") and t.examples
        if t.rank_value != (t.correct / t.examples if usable else None):
            yield f"{trial_name(t)}: rank value {t.rank_value} is not {t.correct} of {t.examples}"
    for j in seen.jobs.values():
        yield from _job(seen, j)
    opened = Counter(e.detail["dataset"] for e in seen.events if e.kind == "test_opened")
    for c in seen.contents.values():
        if c.openings != opened[c.digest]:
            yield (
                f"dataset {c.digest} counts {c.openings} openings, its history {opened[c.digest]}"
            )
    for search_id, status in shown.items():
        yield from _shown(seen, search_id, status)


def _round(seen: History, r: RoundRecord) -> Iterator[str]:
    where = f"search {r.search_id} round {r.number}"
    trials = seen.trials_of[r.search_id, r.number]
    states = Counter(t.state for t in trials)
    for state in STATES:
        if getattr(r, state) != states[state]:
            yield f"{where} counts {getattr(r, state)} {state}, its rows hold {states[state]}"
    epochs = sum(t.epochs for t in trials)
    if r.epochs_trained != epochs:
        yield f"{where} counts {r.epochs_trained} epochs, its trials have {epochs}"
    opened = sum(
        j.state in ("queued", "running") or (j.kind, j.state) == ("final", "failed")
        for j in seen.jobs_of[r.search_id, r.number]
    )
    if r.open_jobs != opened:
        yield f"{where} counts {r.open_jobs} open jobs, its rows hold {opened}"
    if (r.finished_at is None) == (opened == 0):
        yield f"{where} has {opened} open jobs, and its finished_at is {r.finished_at}"
    best = [t for t in _scored(seen, r.search_id) if t.round == r.number]
    yield from _best(where, r, best)


def _scored(seen: History, search_id: str) -> list[TrialRecord]:
    return [
        t
        for r in seen.rounds_of[search_id]
        for t in seen.trials_of[search_id, r.number]
        if t.role is None and t.score is not None and t.loss is not None
    ]


def _best(where: str, row: SearchRecord | RoundRecord, trials: list[TrialRecord]) -> Iterator[str]:
    """The best is the highest score, then the lowest loss, then the oldest trial."""
    best = min(trials, key=lambda t: (-t.score, t.loss, t.round, t.idx), default=None)
    shown = (row.best_index, row.best_params, row.best_score, row.best_loss, row.best_accuracy)
    found = (
        None if best is None else (best.idx, best.params, best.score, best.loss, best.rank_value)
    )
    if shown != (found or (None,) * 5):
        yield f"{where} shows as its best {shown}, its trials say {found}"
    if best is not None and getattr(row, "best_round", best.round) != best.round:
        yield f"{where} shows a best trial of round {row.best_round}, it is of round {best.round}"


def _job(seen: History, j: JobRecord) -> Iterator[str]:
    """What a worker reported is what its trials hold now."""
    for e in seen.events_of(j):
        if e.kind != "done":
            continue
        members = seen.members[j.id]
        now = {
            "trials": len(members),
            "epochs": sum(t.epochs for t in members),
            "correct": sum(t.correct for t in members),
        }
        told = {name: e.detail[name] for name in now}
        if told != now:
            yield f"job {j.id}: attempt {e.attempt} reported {told}, its trials hold {now}"


def _shown(seen: History, search_id: str, status: Mapping[str, Any]) -> Iterator[str]:
    """A status as the API gave it, once nothing moves any more."""
    s = seen.searches.get(search_id)
    if s is None:
        yield f"search {search_id} was shown, and it is not there"
        return
    rounds = [r.number for r in seen.rounds_of[search_id] if r.kind != "final"]
    trials = [t for n in rounds for t in seen.trials_of[search_id, n]]
    states = Counter(t.state for t in trials)
    counts = {name: states[name] for name in ("completed", "stopped", "diverged", "failed")}
    found = {"state": s.state, "revision": s.revision, **counts}
    told = {
        "state": status["state"],
        "revision": status["revision"],
        **{name: status["trials"][name] for name in counts},
    }
    if told != found:
        yield f"search {search_id} was shown as {told}, its rows say {found}"
    trained = sum(t.epochs for t in trials)
    if status["epochs"]["trained"] != trained:
        yield (
            f"search {search_id} was shown with {status['epochs']['trained']} epochs trained, "
            f"its trials have {trained}"
        )
