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
from dataclasses import dataclass, replace
from typing import Any

from hpsearch import reasons, rules
from hpsearch.coordinator import Plan, Snapshot, decide
from hpsearch.data import DatasetInfo
from hpsearch.errors import Conflict, NotFound
from hpsearch.evidence import Evidence, FinalScores
from hpsearch.records import (
    DecisionRecord,
    FinalRecord,
    Recommended,
    RoundRecord,
    SearchRecord,
    TrialRecord,
)
from hpsearch.report import digest
from hpsearch.service import Services
from hpsearch.service.replayed import Rerun, as_stored, compared_statement, of_test, recomputed
from hpsearch.space import box_to_json
from hpsearch.store import Tx
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.training.numerics import fingerprint, fitted_with
from hpsearch.trials import (
    OBSERVED,
    Decision,
    GiveUp,
    JobOrder,
    RoundKind,
    SearchState,
    TrainingPlan,
    TrialReport,
    TrialState,
    rank_key,
)

Progress = Callable[[int, int], None]
COMPARED = ("role", "params", "state", "epochs", "correct", "examples", "loss", "score",
            "right", "test_correct", "test_examples", "metrics")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a replay: without differences it agrees.

    `statement` is the SHA-256 of the statement in Markdown, computed again and compared; None where
    something else differs.
    """

    search_id: str
    trials: int
    digest: str | None
    stored_digest: str | None
    differences: Sequence[str]
    statement: str | None = None


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
        No such search, it has not completed or was made under other rules, or the curves that
        decisions rest on are pruned.
    """
    original = _read(services, search_id)
    if original.pruned:
        raise Conflict(
            f"the curves of search {search_id}, which its decisions rest on, have been pruned; "
            "replay it without --decisions, which trains it again"
        )
    ensemble, differences = original.final.ensemble_correct, list[str]()
    plans = list[TrainingPlan]()
    for done in range(original.final.round):
        now = original.snapshot(original.rounds, original.trials, after=done)
        plan = decide(now, job_size=services.settings.job_size)
        plans += [] if isinstance(plan, GiveUp) else [plan]
        differences += _compare_plan(original, plan, done)
        differences += _compare_summary(original, plan, ensemble)
    made = _comparison(original, original.trials, ensemble, differences)
    run = Rerun(plans, original.trials, ensemble, original.rounds[-1].evidence)
    return _with_statement(services, original, made, run)


def again(services: Services, search_id: str, *, progress: Progress | None = None) -> Comparison:
    """Train a completed search again from its spec and compare every trial.

    Raises
    ------
    NotFound, Conflict
        No such search, it has not completed, or it was made under other rules.
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
    rounds, trials, plans = list[RoundRecord](), list[TrialRecord](), list[TrainingPlan]()
    test: Evidence | None = None
    while True:
        done = len(rounds)
        now = original.snapshot(rounds, trials, after=done)
        plan = decide(now, job_size=services.settings.job_size)
        differences += _compare_plan(original, plan, done)
        if isinstance(plan, GiveUp):
            break
        plans.append(plan)
        if rounds:
            rounds[-1] = rounds[-1]._replace(evidence=as_stored(plan.evidence))
        order = _order(original, plan)
        if progress is not None:
            progress(plan.number, order.epochs)
        if plan.kind is RoundKind.FINAL:
            report = run_final(trainer, order, open_test=lambda: _record(services, original))
            ensemble = report.ensemble_correct
            test = of_test(original.rounds[-1].evidence, report.test)
            differences += _compare_model(original, report.model)
            differences += _compare_test(original, report.test)
            trials += _trained(order, report.trials)
            differences += _compare_summary(original, plan, ensemble)
            break
        rounds.append(_begun(order, plan))
        trials += _trained(order, trainer.run(order).trials)
    differences += _compare_trials(original, trials)
    made = _comparison(original, trials, ensemble, differences)
    return _with_statement(services, original, made, Rerun(plans, trials, ensemble, test))


def _with_statement(
    services: Services, original: _Original, made: Comparison, run: Rerun
) -> Comparison:
    """A comparison; where it agrees, with that of the statement."""
    if made.differences:
        return made
    final = original.final._replace(ensemble_correct=run.ensemble)
    rounds, prints = original.rounds, original.fingerprints
    best = _best([t for t in run.trials if t.round != final.round])
    now = recomputed(original.search, rounds, final, prints, run, best=best[:2], digest=made.digest)
    sha256, differences = compared_statement(services.store, original.search.id, now)
    return replace(made, statement=sha256, differences=differences)


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
        rules.check_same(search.rules, search_id)
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


def _order(original: _Original, plan: TrainingPlan) -> JobOrder:
    """A whole round as one job."""
    count = len(plan.trials)
    cohort_of = {i: number for number, members in enumerate(plan.cohorts) for i in members}
    return JobOrder(
        search_id=original.search.id,
        kind=plan.kind,
        round=plan.number,
        epochs=plan.epochs,
        spec=original.search.spec,
        dataset=original.search.facts,
        indices=range(count),
        params=plan.trials,
        roles=plan.roles,
        rungs=plan.rungs,
        cohorts=[cohort_of[i] for i in range(count)],
    )


def _begun(order: JobOrder, plan: TrainingPlan) -> RoundRecord:
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
            metrics=r.metrics,
            curve=r.curve,
            right=r.correct_mask,
        )
        for r in sorted(reports, key=lambda r: r.index)
    ]


def _compare_plan(original: _Original, plan: Plan, done: int) -> list[str]:
    """Differences between a plan made now and what was stored after round `done`."""
    if isinstance(plan, GiveUp):
        return [f"after round {done} the search would give up now: {reasons.words(plan.reason)}"]
    if plan.number > len(original.rounds):
        return [f"round {plan.number} is planned now and is not stored"]
    differences = []
    stored = original.rounds[plan.number - 1]
    if stored.kind is not plan.kind:
        differences.append(
            f"round {plan.number}: kind {stored.kind} is stored, {plan.kind} is planned now"
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
    if done and not _same_evidence(original.rounds[done - 1].evidence, plan.evidence):
        differences.append(f"round {done}: other evidence is stored than is found now")
    return differences + _compare_decisions(original, plan.decisions, done)


def _same_evidence(stored: Evidence | None, now: Evidence | None) -> bool:
    """Tell whether the facts agree; sentences are not compared."""
    if stored is None or now is None:
        return stored is now
    return stored.agrees(now)


def _compare_decisions(original: _Original, decisions: Sequence[Decision], done: int) -> list[str]:
    """Differences in verdict, ranges, numbers and the facts of the reason, where they are stored."""
    old = {d.name: d for d in original.decisions if d.round == done}
    new = {d.name: d for d in decisions}
    differences = []
    for name in sorted(old.keys() | new.keys()):
        before = _stored_decision(old[name]) if name in old else None
        after = _decision(new[name]) if name in new else None
        if before is not None and after is not None and before["facts"] is None:
            after["facts"] = None  # an older build stored the sentence alone
        if before != after:
            differences.append(
                f"round {done} {name}: decision {before} is stored, {after} is made now"
            )
    return differences


def _stored_decision(d: DecisionRecord) -> dict[str, Any]:
    return {"verdict": d.verdict.value, "before": d.before, "after": d.after, "numbers": d.numbers,
            "facts": d.facts}  # fmt: skip


def _decision(d: Decision) -> dict[str, Any]:
    """A decision in the form in which it is stored."""
    box = box_to_json({"before": d.before, "after": d.after})
    facts = reasons.to_json(d.reason)
    return _json({"verdict": d.verdict, **box, "numbers": dict(d.numbers), "facts": facts})


def _json(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value as it comes back from the store."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    return copy


def _compare_summary(original: _Original, plan: Plan, ensemble: int | None) -> list[str]:
    """Differences of what is stored besides trials: recommendation, ensemble, bests, counts."""
    search = original.search
    if isinstance(plan, GiveUp) or plan.recommended is None:
        return []
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


def _compare_test(original: _Original, test: FinalScores | None) -> list[str]:
    """A difference of the scores on the test part; early versions stored none."""
    evidence = original.rounds[original.final.round - 1].evidence
    now = of_test(evidence, test)
    if evidence is None or evidence == now:
        return []
    return [
        f"other scores on the test part are stored ({evidence.test}) than come out now ({test})"
    ]


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
    lines = digest.trial_lines(trials, digest.covered(search.resolved()))
    now = digest.search_digest(search, lines, ensemble)
    if search.digest is not None and now != search.digest:
        differences.append(f"digest {search.digest} is stored, now {now}")
    here = {**fingerprint(), **fitted_with(search.spec, search.facts)}
    others = digest.differing([*original.fingerprints, here])
    if differences and others:
        differences.append(
            "this process has another numeric fingerprint than those that ran the search: it "
            f"differs in {', '.join(others)}"
        )
    return Comparison(search.id, len(lines), now, search.digest, differences)
