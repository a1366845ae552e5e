"""Doing a completed search again from its spec, and saying where it differs.

`again` trains everything anew; `decisions` recomputes every decision from the stored rows
without training. Both compare row by row with what is stored. `again` opens the test part
once more, and that is recorded like every opening.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hpsearch import rules
from hpsearch.coordinator import Plan, decide
from hpsearch.data import DatasetInfo
from hpsearch.errors import Conflict, NotFound
from hpsearch.report import digest
from hpsearch.service import Services
from hpsearch.service.snapshots import snapshot
from hpsearch.service.stored import resolved, restored
from hpsearch.space import box_to_json
from hpsearch.store import Row, Tx, chosen
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import (
    OBSERVED,
    Decision,
    FinalPlan,
    GiveUp,
    JobOrder,
    Role,
    RoundKind,
    SearchState,
    TrialReport,
    TrialState,
)

Progress = Callable[[int, int], None]
COMPARED = ("role", "params", "state", "epochs", "correct", "examples", "loss", "score",
            "right", "test_correct", "test_examples")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a replay found: without differences it agrees."""

    search_id: str
    trials: int
    digest: str | None
    stored_digest: str | None
    differences: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Stored:
    """Everything that the database says about a completed search."""

    row: Row
    rounds: Sequence[Row]
    trials: Sequence[Row]
    decisions: Sequence[Row]
    final: Row
    model: str | None  # SHA-256
    fingerprints: Sequence[Mapping[str, str]]
    pruned: bool

    def seconds(self, after: int) -> float | None:
        """What the clock showed when the decision after that round was made."""
        evidence = self.rounds[after - 1].evidence if after else None
        return (evidence or {}).get("seconds")


@dataclass(frozen=True, slots=True)
class _Round:
    """A round of the replay, under the column names of the store."""

    number: int
    kind: RoundKind
    box: Mapping[str, Any]
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A trial of the replay, under the column names of the store."""

    round: int
    idx: int
    role: Role | None
    params: Mapping[str, Any]
    state: str
    epochs: int
    correct: int
    examples: int
    loss: float | None
    score: float | None
    curve: Sequence[Sequence[Any]]
    right: bytes | None
    test_correct: int | None
    test_examples: int | None


def decisions(services: Services, search_id: str) -> Comparison:
    """Recompute every decision of a search from its stored trials, training nothing.

    Raises
    ------
    NotFound, Conflict
        No such search, it has not completed or was made under other rules, or the curves that
        decisions rest on are pruned.
    """
    stored = _read(services, search_id)
    if stored.pruned:
        raise Conflict(
            f"the curves of search {search_id}, which its decisions rest on, have been pruned; "
            "replay it without --decisions, which trains it again"
        )
    found = list[str]()
    for done in range(stored.final.round):
        now = snapshot(stored.row, stored.rounds, stored.trials, after=done,
                       seconds=stored.seconds(done))  # fmt: skip
        plan = decide(now, job_size=services.settings.job_size)
        found += _compare_plan(stored, plan, done)
        if isinstance(plan, FinalPlan):
            found += _compare_summary(stored, plan, stored.final.ensemble_correct)
    return _comparison(stored, stored.trials, stored.final.ensemble_correct, found)


def again(services: Services, search_id: str, *, progress: Progress | None = None) -> Comparison:
    """Train a completed search again from its spec and compare every trial.

    Raises
    ------
    NotFound, Conflict
        No such search, it has not completed, or it was made under other rules.
    Corrupt
        A byte of the dataset is not what was stored.
    """
    stored = _read(services, search_id)
    if stored.row.dataset_digest is None:
        raise Conflict(
            f"search {search_id} was trained elsewhere, and nothing here can train it again; "
            "--decisions recomputes what was decided from the scores that were reported"
        )
    services.files.verify(DatasetInfo.from_json(stored.row.facts))
    trainer = Trainer(services.files, stack_size=services.settings.stack_size)
    found, lines, rounds, ensemble = list[str](), list[_Line](), list[_Round](), None
    while True:
        done = len(rounds)
        now = snapshot(stored.row, rounds, lines, after=done, seconds=stored.seconds(done))
        plan = decide(now, job_size=services.settings.job_size)
        found += _compare_plan(stored, plan, done)
        if isinstance(plan, GiveUp):
            break
        if rounds:
            rounds[-1] = replace(rounds[-1], evidence=plan.evidence)
        order = _order(stored, plan)
        if progress is not None:
            progress(plan.number, order.epochs)
        if isinstance(plan, FinalPlan):
            report = run_final(trainer, order, open_test=lambda: _record(services, stored))
            ensemble = report.ensemble_correct
            found += _compare_model(stored, report.model)
            lines += _lines(order, report.trials)
            found += _compare_summary(stored, plan, ensemble)
            break
        rounds.append(_Round(plan.number, plan.kind, box_to_json(plan.box)))
        lines += _lines(order, trainer.run(order).trials)
    found += _compare_trials(stored, lines)
    return _comparison(stored, lines, ensemble, found)


def _read(services: Services, search_id: str) -> _Stored:
    def read(tx: Tx) -> _Stored:
        row = tx.searches.get(search_id)
        if row is None:
            raise NotFound(f"no search {search_id!r}")
        final = tx.jobs.final(search_id)
        if row.state != SearchState.COMPLETED or final is None:
            raise Conflict(f"search {search_id} is {row.state}; only a completed one is replayed")
        rules.check_same(row.rules, search_id)
        return _Stored(
            row,
            tx.searches.rounds(search_id),
            tx.searches.trials(search_id),
            tx.searches.decisions(search_id),
            final,
            tx.models.sha256(search_id),
            [*tx.jobs.fingerprints(search_id), *tx.searches.deciders(search_id)],
            tx.retention.pruned(search_id),
        )

    return services.store.read(read)


def _record(services: Services, stored: _Stored) -> bool:
    services.store.write(lambda tx: tx.jobs.open_again(stored.row))
    return True


def _order(stored: _Stored, plan: Plan) -> JobOrder:
    """A whole round as one job."""
    assert not isinstance(plan, GiveUp)  # nothing to train then
    count = len(plan.trials)
    cohorts = [0] * count
    if isinstance(plan, FinalPlan):
        epochs, rungs = resolved(stored.row).spec.final.epochs, tuple[int, ...]()
    else:
        epochs, rungs = plan.epochs, tuple(plan.rungs)
        for number, members in enumerate(plan.cohorts):
            for i in members:
                cohorts[i] = number
    return JobOrder(
        search_id=stored.row.id,
        kind=RoundKind.FINAL if isinstance(plan, FinalPlan) else plan.kind,
        round=plan.number,
        epochs=epochs,
        spec=stored.row.spec,
        dataset=stored.row.facts,
        indices=range(count),
        params=plan.trials,
        roles=plan.roles if isinstance(plan, FinalPlan) else [None] * count,
        rungs=rungs or (epochs,),
        cohorts=cohorts,
    )


def _lines(order: JobOrder, reports: Sequence[TrialReport]) -> list[_Line]:
    return [
        _Line(
            order.round, r.index, order.roles[r.index], order.params[r.index], r.state, r.epochs,
            r.correct, r.examples, r.loss, r.score, r.curve, r.correct_mask, r.test_correct,
            r.test_examples,
        )
        for r in sorted(reports, key=lambda r: r.index)
    ]  # fmt: skip


def _compare_plan(stored: _Stored, plan: Plan, done: int) -> list[str]:
    """Differences between a plan made now and what was stored after round `done`."""
    if isinstance(plan, GiveUp):
        return [f"after round {done} the search would give up now: {plan.reason}"]
    if plan.number > len(stored.rounds):
        return [f"round {plan.number} is planned now and is not stored"]
    found = []
    kind = stored.rounds[plan.number - 1].kind
    planned = RoundKind.FINAL if isinstance(plan, FinalPlan) else plan.kind
    if kind != planned:
        found.append(f"round {plan.number}: kind {kind} is stored, {planned} is planned now")
    if dict(stored.rounds[plan.number - 1].box) != box_to_json(plan.box):
        found.append(f"round {plan.number}: other ranges are stored than are decided now")
    trials = [restored(t.params) for t in stored.trials if t.round == plan.number]
    found += [
        f"round {plan.number} trial {i}: params {old} are stored, {dict(new)} are drawn now"
        for i, (old, new) in enumerate(zip(trials, plan.trials, strict=False))
        if old != dict(new)
    ]
    if len(trials) != len(plan.trials):
        found.append(
            f"round {plan.number}: {len(trials)} trials stored, {len(plan.trials)} planned"
        )
    if done and stored.rounds[done - 1].evidence != _stored_form(plan.evidence):
        found.append(f"round {done}: other evidence is stored than is found now")
    told = {d.name: _decided(d) for d in plan.decisions}
    kept = {
        d.name: (d.verdict, d.reason, d.before, d.after, d.numbers)
        for d in stored.decisions
        if d.round == done
    }
    found += [
        f"round {done} {name}: decision {kept.get(name)} is stored, {told.get(name)} is made now"
        for name in sorted(told.keys() | kept.keys())
        if told.get(name) != kept.get(name)
    ]
    return found


def _stored_form(evidence: Mapping[str, Any]) -> Any:
    """Evidence as it comes back from the store."""
    return json.loads(json.dumps(evidence)) or None


def _decided(d: Decision) -> tuple[str, str, object, object, dict[str, float | int | None]]:
    """A decision in the form in which it is stored."""
    box = box_to_json({"before": d.before, "after": d.after})
    return d.verdict, d.reason, box["before"], box["after"], dict(d.numbers)


def _compare_summary(stored: _Stored, plan: FinalPlan, ensemble: int | None) -> list[str]:
    """What the result shows besides trials: the recommendation, the ensemble, bests and counts."""
    row = stored.row
    pairs = [
        ("recommended", {**row.recommended, "params": restored(row.recommended["params"])},
         chosen(plan)),
        ("ensemble_correct", stored.final.ensemble_correct, ensemble),
        ("best trial", (row.best_round, row.best_index, row.best_score, row.best_accuracy, row.best_loss),
         _best(stored.trials)),
    ]  # fmt: skip
    for r in stored.rounds:
        trials = [t for t in stored.trials if t.round == r.number]
        if r.kind != RoundKind.FINAL:
            shown = (r.number, r.best_index, r.best_score, r.best_accuracy, r.best_loss)
            pairs.append((f"best trial of round {r.number}", shown, _best(trials)))
        states = (*OBSERVED, TrialState.FAILED)
        counts = [getattr(r, state.value) for state in states]
        pairs.append((
            f"counts of round {r.number}",
            (*counts, r.epochs_trained),
            (*(sum(t.state == s for t in trials) for s in states), sum(t.epochs for t in trials)),
        ))  # fmt: skip
    return [f"{name}: {old} is stored, now {new}" for name, old, new in pairs if old != new]


def _compare_model(stored: _Stored, model: bytes | None) -> list[str]:
    """The kept model's file, byte by byte; none was kept by early versions."""
    now = None if model is None else hashlib.sha256(model).hexdigest()
    if stored.model in (None, now):
        return []
    return [f"the model has SHA-256 {stored.model}, now {now}"]


def _best(trials: Sequence[Row]) -> tuple[int | None, ...] | tuple[int, int, float, float, float]:
    """Round, index, score, accuracy and loss of the best trial that was no final model."""
    finite = [t for t in trials if t.role is None and t.score is not None]
    if not finite:
        return (trials[0].round if trials else None), None, None, None, None
    best = min(finite, key=lambda t: (-t.score, _tie(t), t.round, t.idx))
    share = best.correct / best.examples if best.examples else -1.0
    return best.round, best.idx, best.score, share, _tie(best)


def _tie(trial: Row) -> float:
    """What equal scores are ordered by, lowest first: no loss comes last."""
    return math.inf if trial.loss is None else trial.loss


def _compare_trials(stored: _Stored, lines: Sequence[_Line]) -> list[str]:
    old = {(t.round, t.idx): t for t in stored.trials}
    new = {(t.round, t.idx): t for t in lines}
    found = [f"trial {r}-{i} is stored and was not drawn now" for r, i in sorted(old.keys() - new)]
    compared = [name for name in COMPARED if not (stored.pruned and name == "right")]
    for key in sorted(old.keys() & new.keys()):
        for name in compared:
            before, after = getattr(old[key], name), getattr(new[key], name)
            if name == "params":
                before, after = restored(before), dict(after)
            if before != after:
                found.append(f"trial {key[0]}-{key[1]}: {name} {before} is stored, now {after}")
    return found


def _comparison(
    stored: _Stored, trials: Sequence[Any], ensemble: int | None, found: list[str]
) -> Comparison:
    row = stored.row
    lines = digest.trial_lines(trials, scored=not resolved(row).workload.classifies)
    now = digest.search_digest(row, lines, ensemble)
    if row.digest is not None and now != row.digest:
        found.append(f"digest {row.digest} is stored, now {now}")
    if found and any(dict(f) != dict(fingerprint()) for f in stored.fingerprints):
        found.append("this process has another numeric fingerprint than those that ran the search")
    return Comparison(row.id, len(lines), now, row.digest, found)
