"""What the health report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.report.progress import searching
from hpsearch.space import Box, box_from_json
from hpsearch.spec import ResolvedSpec

Row = Any


@dataclass(frozen=True, slots=True)
class Stored:
    """The rows of one search, in any state.

    full
        Its trials that were trained for the full number of epochs, the final's models not.
    models
        The final test's models by index; none before it has been trained.
    """

    search: Row
    resolved: ResolvedSpec
    rounds: Sequence[Row]
    decisions: Sequence[Row]
    full: Sequence[Row] = ()
    models: Sequence[Row] = ()

    @property
    def begun(self) -> Sequence[Row]:
        """The rounds that explore or repeat."""
        return searching(self.rounds)

    @property
    def box(self) -> Box:
        """The ranges now."""
        return box_from_json(self.rounds[-1].box) if self.rounds else self.resolved.box

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The parameters that are best so far: the recommended ones, once there are such."""
        if self.search.recommended is not None:
            params: Mapping[str, Any] = self.search.recommended["params"]
            return params
        best: Mapping[str, Any] | None = self.search.best_params
        return best

    def latest(self, key: str) -> Any:
        """The newest evidence of that name; None where no round has any."""
        for row in reversed(self.begun):
            found = (row.evidence or {}).get(key)
            if found is not None:
                return found
        return None
