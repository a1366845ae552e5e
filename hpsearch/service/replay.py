"""Replay of a completed search from its spec, and a comparison with what is stored.

`again` trains everything anew; `decisions` recomputes every decision from the stored trials
without training. Both compare record by record. `again` opens the test part once more, and that
is recorded like every opening.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.coordinator import Plan, Snapshot, decide
from hpsearch.data import DatasetInfo
from hpsearch.errors import Conflict, NotFound
from hpsearch.records import (
    DecisionRecord,
    Evidence,
    FinalRecord,
    Recommended,
    RoundRecord,
    SearchRecord,
    TrialRecord,
)
from hpsearch.report import digest
from hpsearch.service import Services
from hpsearch.space import box_to_json
from hpsearch.store import Tx
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.training.fingerprint import fingerprint
from hpsearch.trials import (
    OBSERVED,
    Decision,
    FinalPlan,
    GiveUp,
    JobOrder,
    RoundKind,
    RoundPlan,
    SearchState,
    TrialReport,
    TrialState,
    rank_key,
)

Progress = Callable[[int, int], None]
COMPARED = ("role", "params", "state", "epochs", "correct", "examples", "loss", "score",
            "right", "test_correct", "test_examples")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a replay: without differences it agrees."""

    search_id: str
    trials: int
    digest: str | None
    stored_digest: str | None
    differences: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Original:
    """The records of a completed search."""

    search: SearchRecord
    rounds: Sequence[RoundRecord]
    trials: Sequence[TrialRecord]
    decisions: Sequence[DecisionRecord]
    final: FinalRecord
    model: str | None  # SHA-256
    fingerprints: Sequence[Mapping[str, str]]
    pruned: bool

    def snapshot(
        self, rounds: Sequence[RoundRecord], trials: Sequence[TrialRecord], *, after: int
    ) -> Snapshot:
        """The state after one of these rounds, at the time that was noted then."""
        evidence = self.rounds[after - 1].evidence if after else None
        seconds = None if evidence is None else evidence.seconds
        return Snapshot.of(self.search, rounds, trials, after=after, seconds=seconds)


def decisions(services: Services, search_id: str) -> Comparison:
    """Recompute every decision of a search from its stored trials, training nothing.

    Raises
    ------
    NotFound, Conflict
        No such search, it has not completed, or the curves that decisions rest on are pruned.
    """
    original = _read(services, search_id)
    if original.pruned:
        raise Conflict(
            f"the curves of search {search_id}, which its decisions rest on, have been pruned; "
            "replay it without --decisions, which trains it again"
        )
    ensemble, differences = original.final.ensemble_correct, list[str]()
    for done in range(original.final.round):
        now = original.snapshot(original.rounds, original.trials, after=done)
        plan = decide(now, job_size=services.settings.job_size)
        differences += _compare_plan(original, plan, done)
        if isinstance(plan, FinalPlan):
            differences += _compare_summary(original, plan, ensemble)
    return _comparison(original, original.trials, ensemble, differences)


def again(services: Services, search_id: str, *, progress: Progress | None = None) -> Comparison:
    """Train a completed search again from its spec and compare every trial.

    Raises
    ------
    NotFound, Conflict
        No such search, or it has not completed.
    Corrupt
        A byte of the dataset is not what was stored.
    """
    original = _read(services, search_id)
    if original.search.dataset_digest is None:
        raise Conflict(
            f"search {search_id} was trained elsewhere, and nothing here can train it again; "
            "--decisions recomputes what was decided from the scores that were reported"
        )
    services.files.verify(DatasetInfo.from_json(original.search.facts))
    trainer = Trainer(services.files, stack_size=services.settings.stack_size)
    differences, ensemble = list[str](), None
    rounds, trials = list[RoundRecord](), list[TrialRecord]()
    while True:
        done = len(rounds)
        now = original.snapshot(rounds, trials, after=done)
        plan = decide(now, job_size=services.settings.job_size)
        differences += _compare_plan(original, plan, done)
        if isinstance(plan, GiveUp):
            break
        if rounds:
            rounds[-1] = rounds[-1]._replace(evidence=_as_stored(plan.evidence))
        order = _order(original, plan)
        if progress is not None:
            progress(plan.number, order.epochs)
        if isinstance(plan, FinalPlan):
            report = run_final(trainer, order, open_test=lambda: _record(services, original))
            ensemble = report.ensemble_correct
            differences += _compare_model(original, report.model)
            trials += _trained(order, report.trials)
            differences += _compare_summary(original, plan, ensemble)
            break
        rounds.append(_begun(order, plan))
        trials += _trained(order, trainer.run(order).trials)
    differences += _compare_trials(original, trials)
    return _comparison(original, trials, ensemble, differences)


def _read(services: Services, search_id: str) -> _Original:
    def read(tx: Tx) -> _Original:
        search = tx.searches.get(search_id)
        if search is None:
            raise NotFound(f"no search {search_id!r}")
        final = tx.final.get(search_id)
        if search.state is not SearchState.COMPLETED or final is None:
            raise Conflict(
                f"search {search_id} is {search.state}; only a completed one is replayed"
            )
        return _Original(
            search,
            tx.trials.rounds(search_id),
            tx.trials.of(search_id),
            tx.trials.decisions(search_id),
            final,
            tx.models.sha256(search_id),
            [*tx.queue.fingerprints(search_id), *tx.plans.deciders(search_id)],
            tx.retention.pruned(search_id),
        )

    return services.store.read(read)


def _record(services: Services, original: _Original) -> bool:
    services.store.write(lambda tx: tx.final.open_again(original.search))
    return True


def _order(original: _Original, plan: RoundPlan | FinalPlan) -> JobOrder:
    """A whole round as one job."""
    search, count = original.search, len(plan.trials)
    cohorts = [0] * count
    if isinstance(plan, FinalPlan):
        epochs, rungs = search.resolved().spec.final.epochs, tuple[int, ...]()
    else:
        epochs, rungs = plan.epochs, tuple(plan.rungs)
        for number, members in enumerate(plan.cohorts):
            for i in members:
                cohorts[i] = number
    return JobOrder(
        search_id=search.id,
        kind=RoundKind.FINAL if isinstance(plan, FinalPlan) else plan.kind,
        round=plan.number,
        epochs=epochs,
        spec=search.spec,
        dataset=search.facts,
        indices=range(count),
        params=plan.trials,
        roles=plan.roles if isinstance(plan, FinalPlan) else [None] * count,
        rungs=rungs or (epochs,),
        cohorts=cohorts,
    )


def _begun(order: JobOrder, plan: RoundPlan) -> RoundRecord:
    """The record of a round that has been planned."""
    box, planned = box_to_json(plan.box), len(order.params)
    return RoundRecord(order.search_id, order.round, order.kind, order.epochs, box, planned)


def _trained(order: JobOrder, reports: Sequence[TrialReport]) -> list[TrialRecord]:
    """The records of trials that have been trained."""
    return [
        TrialRecord(
            order.search_id,
            order.round,
            r.index,
            order.params[r.index],
            r.state,
            role=order.roles[r.index],
            epochs=r.epochs,
            correct=r.correct,
            examples=r.examples,
            rank_value=r.rank_value,
            loss=r.loss,
            score=r.score,
            test_correct=r.test_correct,
            test_examples=r.test_examples,
            curve=r.curve,
            right=r.right,
        )
        for r in sorted(reports, key=lambda r: r.index)
    ]


def _compare_plan(original: _Original, plan: Plan, done: int) -> list[str]:
    """Differences between a plan made now and what was stored after round `done`."""
    if isinstance(plan, GiveUp):
        return [f"after round {done} the search would give up now: {plan.reason}"]
    if plan.number > len(original.rounds):
        return [f"round {plan.number} is planned now and is not stored"]
    differences = []
    stored = original.rounds[plan.number - 1]
    planned = RoundKind.FINAL if isinstance(plan, FinalPlan) else plan.kind
    if stored.kind is not planned:
        differences.append(
            f"round {plan.number}: kind {stored.kind} is stored, {planned} is planned now"
        )
    if stored.box != box_to_json(plan.box):
        differences.append(f"round {plan.number}: other ranges are stored than are decided now")
    trials = [t.params for t in original.trials if t.round == plan.number]
    differences += [
        f"round {plan.number} trial {i}: params {old} are stored, {dict(new)} are drawn now"
        for i, (old, new) in enumerate(zip(trials, plan.trials, strict=False))
        if old != dict(new)
    ]
    if len(trials) != len(plan.trials):
        differences.append(
            f"round {plan.number}: {len(trials)} trials stored, {len(plan.trials)} planned"
        )
    if done and original.rounds[done - 1].evidence != _as_stored(plan.evidence):
        differences.append(f"round {done}: other evidence is stored than is found now")
    return differences + _compare_decisions(original, plan.decisions, done)


def _compare_decisions(original: _Original, decisions: Sequence[Decision], done: int) -> list[str]:
    """Differences between decisions made now and those that are stored with round `done`."""
    made = {d.name: _decided(d) for d in decisions}
    stored = {
        d.name: (d.verdict, d.reason, d.before, d.after, d.numbers)
        for d in original.decisions
        if d.round == done
    }
    return [
        f"round {done} {name}: decision {stored.get(name)} is stored, {made.get(name)} is made now"
        for name in sorted(made.keys() | stored.keys())
        if made.get(name) != stored.get(name)
    ]


def _as_stored(evidence: Mapping[str, Any]) -> Evidence | None:
    """Evidence as it comes back from the store."""
    return Evidence.from_json(json.loads(json.dumps(evidence)))


def _decided(d: Decision) -> tuple[str, str, object, object, dict[str, float | int | None]]:
    """A decision in the form in which it is stored."""
    box = box_to_json({"before": d.before, "after": d.after})
    return d.verdict, d.reason, box["before"], box["after"], dict(d.numbers)


def _compare_summary(original: _Original, plan: FinalPlan, ensemble: int | None) -> list[str]:
    """Differences of what is stored besides trials: recommendation, ensemble, bests, counts."""
    search = original.search
    pairs: list[tuple[str, object, object]] = [
        ("recommended", search.recommended, Recommended.of(plan.recommended)),
        ("ensemble_correct", original.final.ensemble_correct, ensemble),
        ("best trial", _noted_best(search, search.best_round), _best(original.trials)),
    ]
    for r in original.rounds:
        trials = [t for t in original.trials if t.round == r.number]
        if r.kind is not RoundKind.FINAL:
            pairs.append(
                (f"best trial of round {r.number}", _noted_best(r, r.number), _best(trials))
            )
        states = (*OBSERVED, TrialState.FAILED)
        counts = (r.completed, r.stopped, r.diverged, r.failed, r.epochs_trained)
        sums = (*(sum(t.state is s for t in trials) for s in states), sum(t.epochs for t in trials))
        pairs.append((f"counts of round {r.number}", counts, sums))
    return [f"{name}: {old} is stored, now {new}" for name, old, new in pairs if old != new]


def _compare_model(original: _Original, model: bytes | None) -> list[str]:
    """A difference of the kept model's file, byte by byte; early versions kept none."""
    now = None if model is None else hashlib.sha256(model).hexdigest()
    if original.model in (None, now):
        return []
    return [f"the model has SHA-256 {original.model}, now {now}"]


Best = tuple[int | None, int | None, float | None, float | None, float | None]


def _noted_best(record: SearchRecord | RoundRecord, number: int | None) -> Best:
    """Round, index, score, accuracy and loss of the best trial, as a search or round notes it."""
    return number, record.best_index, record.best_score, record.best_accuracy, record.best_loss


def _best(trials: Sequence[TrialRecord]) -> Best:
    """The same of the best of these trials that was no final model."""
    scored = [t for t in trials if t.role is None and t.score is not None]
    if not scored:
        return (trials[0].round if trials else None), None, None, None, None
    best = min(scored, key=lambda t: rank_key(t.score, t.loss, t.round, t.idx))
    loss = math.inf if best.loss is None else best.loss
    return best.round, best.idx, best.score, best.validation_accuracy, loss


def _compare_trials(original: _Original, trials: Sequence[TrialRecord]) -> list[str]:
    """Differences between the stored trials and those trained now."""
    old = {(t.round, t.idx): t for t in original.trials}
    new = {(t.round, t.idx): t for t in trials}
    differences = [
        f"trial {r}-{i} is stored and was not drawn now" for r, i in sorted(old.keys() - new)
    ]
    compared = [name for name in COMPARED if not (original.pruned and name == "right")]
    for key in sorted(old.keys() & new.keys()):
        for name in compared:
            before, after = getattr(old[key], name), getattr(new[key], name)
            if before != after:
                differences.append(
                    f"trial {key[0]}-{key[1]}: {name} {before} is stored, now {after}"
                )
    return differences


def _comparison(
    original: _Original,
    trials: Sequence[TrialRecord],
    ensemble: int | None,
    differences: list[str],
) -> Comparison:
    search = original.search
    lines = digest.trial_lines(trials, scored=search.dataset_digest is None)
    now = digest.search_digest(search, lines, ensemble)
    if search.digest is not None and now != search.digest:
        differences.append(f"digest {search.digest} is stored, now {now}")
    if differences and any(dict(f) != dict(fingerprint()) for f in original.fingerprints):
        differences.append(
            "this process has another numeric fingerprint than those that ran the search"
        )
    return Comparison(search.id, len(lines), now, search.digest, differences)
