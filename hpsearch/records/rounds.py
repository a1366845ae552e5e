"""Rounds and decisions as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hpsearch import reasons
from hpsearch.evidence import Evidence
from hpsearch.space import Box, Dimension, Params, box_from_json
from hpsearch.trials import Numbers, RoundKind, Verdict


class RoundRecord(NamedTuple):
    """A round. `evidence` is None where it was not read as well.

    box
        The ranges in their stored form; `ranges` has them as values.
    cost
        Sum of the costs that trainers have reported; None where none did.
    """

    search_id: str
    number: int
    kind: RoundKind
    epochs: int
    box: Mapping[str, Any]
    planned: int
    open_jobs: int = 0
    rungs: Sequence[int] | None = None
    epochs_planned: int | None = None
    created_at: float = 0.0
    finished_at: float | None = None
    completed: int = 0
    stopped: int = 0
    diverged: int = 0
    failed: int = 0
    cancelled: int = 0
    epochs_trained: int = 0
    best_index: int | None = None
    best_params: Params | None = None
    best_accuracy: float | None = None
    best_score: float | None = None
    best_loss: float | None = None
    cost: float | None = None
    evidence: Evidence | None = None

    @property
    def ranges(self) -> Box:
        """The ranges that the round drew from."""
        return box_from_json(self.box)

    @property
    def ladder(self) -> Sequence[int]:
        """The rungs; of a round of an early version the only one."""
        return self.rungs or [self.epochs]

    @property
    def epochs_in_full(self) -> int:
        """Epochs of all its trials, if none diverges."""
        return self.planned * self.epochs if self.epochs_planned is None else self.epochs_planned

    @property
    def ended(self) -> int:
        """Number of its trials that have ended."""
        return self.completed + self.stopped + self.diverged + self.failed + self.cancelled


class DecisionRecord(NamedTuple):
    """A decision of a round on one hyperparameter; `ranges` has both ranges as values.

    reason
        The sentence as it was worded when it was decided.
    facts
        The typed reason in its stored form; None of an early version.
    """

    search_id: str
    round: int
    name: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    verdict: Verdict
    reason: str
    numbers: Numbers
    facts: Mapping[str, Any] | None = None

    @property
    def sentence(self) -> str:
        """The reason in words: of its facts where they are stored, else as it was stored."""
        return reasons.sentence(self.facts, self.reason)

    @property
    def ranges(self) -> tuple[Dimension, Dimension]:
        """The range before the decision and after it."""
        box = box_from_json({"before": self.before, "after": self.after})
        return box["before"], box["after"]
