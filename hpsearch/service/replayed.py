"""Records of a replay, and the statement that follows from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from hpsearch import reasons
from hpsearch.evidence import Evidence, FinalScores
from hpsearch.records import (
    DecisionRecord,
    FinalRecord,
    Recommended,
    RoundRecord,
    SearchRecord,
    TrialRecord,
)
from hpsearch.report.health import SearchRecords
from hpsearch.report.statement import Facts, render, statement
from hpsearch.report.views import StatementView
from hpsearch.service.queries import FIRST_TRIALS, FULL_TRAININGS, TRIALS, statement_of
from hpsearch.space import Choices, box_to_json
from hpsearch.store import Store
from hpsearch.trials import OBSERVED, Decision, TrainingPlan, TrialState


@dataclass(frozen=True, slots=True)
class Rerun:
    """The records that a replay has computed again.

    plans
        After each round in turn, the first one before any; the last is that of the final test.
    ensemble
        Test examples that the models of the range classify correctly together.
    test
        The evidence of the final test.
    """

    plans: Sequence[TrainingPlan]
    trials: Sequence[TrialRecord]
    ensemble: int | None
    test: Evidence | None

    def decisions(self, search_id: str) -> list[DecisionRecord]:
        """Every decision, as it would be stored."""
        return [
            _decision_record(search_id, done, made)
            for done, plan in enumerate(self.plans)
            for made in plan.decisions
        ]

    def rounds(self, stored: Sequence[RoundRecord]) -> list[RoundRecord]:
        """Rounds with counts, bests and evidence as they come out now; costs stay as reported."""
        lessons = {done: as_stored(plan.evidence) for done, plan in enumerate(self.plans) if done}
        lessons[len(self.plans)] = self.test
        return [self._round(r, lessons.get(r.number)) for r in stored]

    def _round(self, stored: RoundRecord, evidence: Evidence | None) -> RoundRecord:
        trials = [t for t in self.trials if t.round == stored.number]
        scores = [t.score for t in trials if t.score is not None]
        return stored._replace(
            box=box_to_json(self.plans[stored.number - 1].box),
            rungs=[*self.plans[stored.number - 1].rungs],
            planned=len(trials),
            completed=sum(t.state is TrialState.COMPLETED for t in trials),
            stopped=sum(t.state is TrialState.STOPPED for t in trials),
            diverged=sum(t.state is TrialState.DIVERGED for t in trials),
            failed=sum(t.state is TrialState.FAILED for t in trials),
            epochs_trained=sum(t.epochs for t in trials),
            best_score=max(scores, default=None),
            evidence=evidence,
        )

    def records(self, search: SearchRecord, stored: Sequence[RoundRecord]) -> SearchRecords:
        """The records of the search as they come out now."""
        resolved = search.resolved()
        searched = [t for t in self.trials if t.role is None]
        observed = [t for t in searched if t.state in OBSERVED]
        failed = [t for t in searched if t.state is TrialState.FAILED]
        last = resolved.spec.epochs.last
        full = [t for t in searched if t.state is TrialState.COMPLETED and t.epochs == last]
        levels = any(isinstance(asked, Choices) for asked in resolved.box.values())
        tried = [*(t.params for t in observed), *(o.params for o in search.warm_start)]
        return SearchRecords(
            search=search,
            resolved=resolved,
            rounds=self.rounds(stored),
            decisions=self.decisions(search.id),
            full=full[: -FULL_TRAININGS - 1 : -1],
            models=[t for t in self.trials if t.role is not None],
            trained=observed[:TRIALS] if failed else (),
            failed=failed[:TRIALS],
            tried=tried if levels else (),
            having={
                name: sum(name in t.params for t in observed) for name in resolved.space.conditions
            },
        )


def recomputed(
    search: SearchRecord,
    rounds: Sequence[RoundRecord],
    final: FinalRecord,
    fingerprints: Sequence[Mapping[str, str]],
    run: Rerun,
    *,
    best: tuple[int | None, int | None],
    digest: str | None,
) -> StatementView:
    """The statement that follows from what came out now; the rest of `search` is as it is stored.

    best
        Round and index of the best trial.
    """
    chosen = run.plans[-1].recommended
    assert chosen is not None  # a replay that agrees ends with the final test
    trial = next(t for t in run.trials if (t.round, t.idx) == best)
    now = search._replace(
        recommended=Recommended.of(chosen),
        best_round=trial.round,
        best_index=trial.idx,
        best_params=trial.params,
        best_score=trial.score,
        best_accuracy=trial.validation_accuracy,
        digest=None if search.digest is None else digest,
    )
    first = [t for t in run.trials if t.round == 1][:FIRST_TRIALS]
    return statement(Facts.of(run.records(now, rounds), final, fingerprints, first))


def as_stored(evidence: Evidence | None) -> Evidence | None:
    """Evidence as it comes back from the store."""
    if evidence is None:
        return None
    return Evidence.from_json(json.loads(json.dumps(evidence.to_json())))


def of_test(stored: Evidence | None, test: FinalScores | None) -> Evidence | None:
    """The evidence of a final test, with the metrics that there were when the search ended."""
    return as_stored(Evidence(test=_known(test, stored)))


def _known(test: FinalScores | None, stored: Evidence | None) -> FinalScores | None:
    """Scores of the metrics that there were when the search ended."""
    if test is None or stored is None or stored.test is None:
        return test
    names = stored.test.metrics.keys()
    metrics = {n: s for n, s in test.metrics.items() if n in names}
    if test.gains is None or stored.test.gains is None:
        return replace(test, metrics=metrics)
    kept = stored.test.gains.metrics.keys()
    gains = replace(
        test.gains,
        metrics={n: g for n, g in test.gains.metrics.items() if n in kept},
        recommended={n: v for n, v in test.gains.recommended.items() if n in kept},
        baseline={n: v for n, v in test.gains.baseline.items() if n in kept},
    )
    return replace(test, metrics=metrics, gains=gains)


def _decision_record(search_id: str, done: int, made: Decision) -> DecisionRecord:
    """A decision as it would be stored after round `done`."""
    box = box_to_json({"before": made.before, "after": made.after})
    facts = json.loads(json.dumps(reasons.to_json(made.reason)))
    return DecisionRecord(
        search_id, done, made.name, box["before"], box["after"], made.verdict,
        reasons.words(made.reason), dict(made.numbers), facts,
    )  # fmt: skip


def compared_statement(store: Store, search_id: str, now: StatementView) -> tuple[str, list[str]]:
    """SHA-256 of a recomputed statement in Markdown, and where the one that is served differs."""
    served = render(store.read(lambda tx: statement_of(tx, search_id)), "markdown")
    again = render(now, "markdown")
    pairs = zip_longest(served.splitlines(), again.splitlines(), fillvalue="")
    differences = [f"statement: {old!r} is served, now {new!r}" for old, new in pairs if old != new]
    return hashlib.sha256(again.encode()).hexdigest(), differences
