"""Trials as they are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hpsearch.space import Params
from hpsearch.trials import Role, TrialState

Curve = Sequence[Sequence[float | int | None]]
"""Rows of (epoch, validation loss, validation correct, score); early versions stored no score."""


class Reported(NamedTuple):
    """The facts beside scores that trainers of a search reported: names of metrics; whether any had the others."""

    metrics: Sequence[str]
    cost: bool
    note: bool
    link: bool
    replicates: bool


class TrialRecord(NamedTuple):
    """A trial. `curve`, `right` and the times of its job are None where they were not read as well.

    score
        The rank value, larger is better, also where lower scores are reported.
    metrics
        The last that its trainer reported beside the score, by name.
    cost, cost_before
        Its cost so far as reported, and that of attempts that were lost or returned; None of one
        without a report of it.
    note, link
        Text for people, and an http(s) address, as reported last.
    replicates
        Rank values of several trainings, whose mean the score is; None of a single one.
    """

    search_id: str
    round: int
    idx: int
    params: Params
    state: TrialState = TrialState.PENDING
    job_id: int = 0
    cohort: int = 0
    role: Role | None = None
    epochs: int = 0
    correct: int = 0
    examples: int = 0
    rank_value: float | None = None
    loss: float | None = None
    score: float | None = None
    error: str | None = None
    test_correct: int | None = None
    test_examples: int | None = None
    metrics: Mapping[str, float] | None = None
    cost: float | None = None
    cost_before: float | None = None
    note: str | None = None
    link: str | None = None
    replicates: Sequence[float] | None = None
    curve: Curve | None = None
    right: bytes | None = None
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def validation_accuracy(self) -> float | None:
        """Share of the validation examples that was right; None where none were counted."""
        return self.rank_value if self.examples else None

    @property
    def whole_cost(self) -> float | None:
        """The cost of all its attempts; None where none was reported."""
        known = [cost for cost in (self.cost_before, self.cost) if cost is not None]
        return math.fsum(known) if known else None

    @property
    def test_accuracy(self) -> float | None:
        """Share of the test examples that was right; None of a model that was not tested."""
        if self.test_correct is None or not self.test_examples:
            return None
        return self.test_correct / self.test_examples
