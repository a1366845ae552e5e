"""The records that the health report is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hpsearch.evidence import Evidence, FinalScores
from hpsearch.records import DecisionRecord, RoundRecord, SearchRecord, TrialRecord
from hpsearch.report.progress import searching
from hpsearch.report.views import WaitingView
from hpsearch.space import Box, Params
from hpsearch.spec import ResolvedSpec

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SearchRecords:
    """The records of one search, in any state.

    full
        Its trials that were trained for the full number of epochs, the final's models not.
    models
        The final test's models by index; none before it has been trained.
    trained, failed
        Trials that were trained, and that could not be, where there are both.
    waiting
        Trials that wait for a trainer elsewhere.
    tried
        What trials that have ended had for hyperparameters of levels, each set at least once.
    having
        For each hyperparameter with a condition, how many trials that have ended had a value of it.
    """

    search: SearchRecord
    resolved: ResolvedSpec
    rounds: Sequence[RoundRecord]
    decisions: Sequence[DecisionRecord]
    full: Sequence[TrialRecord] = ()
    models: Sequence[TrialRecord] = ()
    trained: Sequence[TrialRecord] = ()
    failed: Sequence[TrialRecord] = ()
    waiting: WaitingView | None = None
    tried: Sequence[Params] = ()
    having: Mapping[str, int] = field(default_factory=dict)

    @property
    def begun(self) -> Sequence[RoundRecord]:
        """The rounds that explore or repeat."""
        return searching(self.rounds)

    @property
    def seen(self) -> int:
        """Trials that have told something: those that ended, and did not fail."""
        return sum(r.completed + r.stopped + r.diverged for r in self.begun)

    @property
    def validation_examples(self) -> int | None:
        """Examples that validate a trial: as counted in one, or as planned before there is one.

        Of validation that was repeated, the plan: a trial counts an example in each repeat. Where
        examples count by weights, as many of equal weight as they come to.
        """
        rows = self._validation_rows
        if rows is None or self._effective_share is None:
            return rows
        return max(1, round(rows * self._effective_share))

    @property
    def _effective_share(self) -> float | None:
        """Effective examples of the training part per example; None where all count the same."""
        numbers = self.search.facts.get("weights")
        if not self.resolved.weighted or not numbers:
            return None
        counted, _, effective, *_ = numbers
        return float(effective) / float(counted)

    @property
    def _validation_rows(self) -> int | None:
        planned = self.resolved.workload.validation_examples
        counted = next((t.examples for t in self.full if t.examples), None)
        if planned is None or counted is None or self.resolved.spec.validation.repeats > 1:
            return planned
        return counted

    @property
    def box(self) -> Box:
        """The ranges now."""
        return self.rounds[-1].ranges if self.rounds else self.resolved.box

    @property
    def test(self) -> FinalScores | None:
        """The scores of the final test; None before it, and in searches of earlier versions."""
        evidence = self.rounds[-1].evidence if self.rounds else None
        return None if evidence is None else evidence.test

    def test_accuracy(self, model: TrialRecord) -> float | None:
        """A final model's accuracy, by weights where examples have some; None where nothing tells."""
        by_weight = None if self.test is None else self.test.weighted
        if by_weight is None:
            return model.test_accuracy
        accuracies = by_weight.accuracies
        return accuracies[model.idx] if model.idx < len(accuracies) else None

    def tested(self, model: TrialRecord) -> int:
        """Test examples of a final model, as many of equal weight as they come to; 0 before."""
        by_weight = None if self.test is None else self.test.weighted
        return (model.test_examples or 0) if by_weight is None else round(by_weight.effective)

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in their order."""
        labels: Sequence[str] = self.search.facts.get("classes", ())
        return labels

    @property
    def best(self) -> Params | None:
        """The parameters that are best so far: the recommended ones, once there are such."""
        recommended = self.search.recommended
        return self.search.best_params if recommended is None else recommended.params

    def latest(self, read: Callable[[Evidence], T | None]) -> T | None:
        """The newest number of a kind that `read` takes from evidence; None where there is none."""
        for record in reversed(self.begun):
            value = None if record.evidence is None else read(record.evidence)
            if value is not None:
                return value
        return None
