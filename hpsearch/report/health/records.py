"""The records that the health report is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hpsearch.evidence import Evidence
from hpsearch.records import DecisionRecord, RoundRecord, SearchRecord, TrialRecord
from hpsearch.report.progress import searching
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
    """

    search: SearchRecord
    resolved: ResolvedSpec
    rounds: Sequence[RoundRecord]
    decisions: Sequence[DecisionRecord]
    full: Sequence[TrialRecord] = ()
    models: Sequence[TrialRecord] = ()

    @property
    def begun(self) -> Sequence[RoundRecord]:
        """The rounds that explore or repeat."""
        return searching(self.rounds)

    @property
    def box(self) -> Box:
        """The ranges now."""
        return self.rounds[-1].ranges if self.rounds else self.resolved.box

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
