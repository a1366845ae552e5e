"""Reasons for the course of a search: why exploring ended, what follows, why nothing can."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.reasons.base import Reason


@dataclass(frozen=True, slots=True)
class RoundsDone(Reason):
    """All rounds that were asked for are done."""

    rounds: int


@dataclass(frozen=True, slots=True)
class BudgetSpent(Reason):
    """Another round cannot be paid from the budget of epochs."""

    epochs: int


@dataclass(frozen=True, slots=True)
class TimeSpent(Reason):
    """Another round, of about `following` seconds, would end too late."""

    seconds: float
    limit: float
    following: float


@dataclass(frozen=True, slots=True)
class CostSpent(Reason):
    """Another round, of about `following` in reported costs, cannot be paid for."""

    cost: float
    limit: float
    following: float


@dataclass(frozen=True, slots=True)
class GainSpent(Reason):
    """The expected improvement is below `least` of the noise of one training."""

    gain: float
    least: float
    noise: float
    round: int
    rounds: int


@dataclass(frozen=True, slots=True)
class NothingToRepeat(Reason):
    """Exploring ended early, and no second configuration may be the best."""

    round: int
    rounds: int


@dataclass(frozen=True, slots=True)
class FinalistsRepeated(Reason):
    """The finalists are trained again. `cause` is why exploring ended, where that needs saying."""

    cause: Reason | None


@dataclass(frozen=True, slots=True)
class NothingTrained(Reason):
    """Not one trial of the search could be trained."""

    failed: int
    round: int


@dataclass(frozen=True, slots=True)
class EverythingDiverged(Reason):
    """All trials diverged; `external`: they were trained by the caller."""

    trials: int
    external: bool


@dataclass(frozen=True, slots=True)
class EverythingForbidden(Reason):
    """An edit forbids every setting that was trained."""

    trials: int
