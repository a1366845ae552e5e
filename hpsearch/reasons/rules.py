"""Reasons of the narrowing rules: the facts behind one range, or one list of choices."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hpsearch.reasons.base import NewEdge, Reason, Span
from hpsearch.space import Level

# All rules: a round without one finite loss


@dataclass(frozen=True, slots=True)
class AllDiverged(Reason):
    """A whole round diverged, which says nothing about this hyperparameter."""

    name: str
    trials: int


@dataclass(frozen=True, slots=True)
class Retreat(Reason):
    """A whole round diverged, so the learning rate goes down; `to` is None at its hard limit."""

    trials: int
    low: float
    to: Span | None


# domain_reduction


@dataclass(frozen=True, slots=True)
class RangesAlone(Reason):
    """The rule has nothing to say about choices."""


@dataclass(frozen=True, slots=True)
class NothingFinite(Reason):
    """No trial has ended with a finite loss."""


class Move(StrEnum):
    """The movement of a window."""

    KEPT = "kept"
    SHIFTED = "shifted"
    NARROWED = "narrowed"


@dataclass(frozen=True, slots=True)
class WindowMoved(Reason):
    """The window follows the best value; `share` is its new width as a share of the old one."""

    move: Move
    to: Span
    share: float
    best: float


# quantile


@dataclass(frozen=True, slots=True)
class TooFewRanked(Reason):
    """Too few trials to compare the best of them with the others."""

    top: int
    rest: int
    least: int


@dataclass(frozen=True, slots=True)
class SpreadAlike(Reason):
    """The best trials are spread like all the others."""

    top: int
    trials: int
    p: float


@dataclass(frozen=True, slots=True)
class TopFillsRange(Reason):
    """The best trials fill the range, or it is as narrow as one round may make it."""

    within: Span
    top: int
    trials: int
    filled: bool
    p: float


@dataclass(frozen=True, slots=True)
class TopBetween(Reason):
    """The best trials lie in a part of the range."""

    share: float
    to: Span
    top: int
    trials: int
    p: float


@dataclass(frozen=True, slots=True)
class TopLeans(Reason):
    """The best trials lean on an edge: `edge` before the decision, `new` after it."""

    top: int
    median: float
    edge: float
    new: NewEdge


@dataclass(frozen=True, slots=True)
class TopHasAll(Reason):
    """No category can be ruled out by the best trials."""


@dataclass(frozen=True, slots=True)
class AvoidedCategory:
    """A category without a trial among the best `top`."""

    category: Level
    trials: int
    top: int
    p: float


@dataclass(frozen=True, slots=True)
class TopAvoids(Reason):
    """Categories that the best trials avoid beyond chance."""

    dropped: tuple[AvoidedCategory, ...]


@dataclass(frozen=True, slots=True)
class ByRanks(Reason):
    """A decision by ranks, in place of a surrogate that has too few finite trials."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class OnlyStable(Reason):
    """Nearly every trial outside diverged, and the finite ones are too few to model."""

    to: Span
    trials: int


@dataclass(frozen=True, slots=True)
class TooFewModelled(Reason):
    """The finite trials inside the box are too few to model."""

    trials: int
    least: int


@dataclass(frozen=True, slots=True)
class BelowNoise(Reason):
    """The effect of the range is below the noise of one training, probably."""

    within: Span
    effect: float
    noise: float
    probability: float


@dataclass(frozen=True, slots=True)
class Unsupported(Reason):
    """The scores are explained no worse without the hyperparameter.

    `back`: they are explained better, and the range goes back to what was asked.
    """

    name: str
    support: float
    back: bool
    to: Span


@dataclass(frozen=True, slots=True)
class Correlation:
    """The correlation with another range within the level set."""

    other: str
    r: float


@dataclass(frozen=True, slots=True)
class BestLiesOut:
    """The best value lies in the outer tenth or beyond, with that probability."""

    probability: float


@dataclass(frozen=True, slots=True)
class GoodBeyond:
    """Good values reach beyond the edge by `width` of the range: it was narrowed too far."""

    width: float


@dataclass(frozen=True, slots=True)
class OpenSide:
    """An open end of a range, the cause, and its edge after the decision."""

    cause: BestLiesOut | GoodBeyond
    new: NewEdge


@dataclass(frozen=True, slots=True)
class Open(Reason):
    """Good values lie at one end of the range, or at both."""

    sides: tuple[OpenSide, ...]
    moves_with: tuple[Correlation, ...]


@dataclass(frozen=True, slots=True)
class AllMayBeBest(Reason):
    """All of the range may hold the best value."""

    within: Span
    effect: float
    noise: float
    moves_with: tuple[Correlation, ...]


@dataclass(frozen=True, slots=True)
class PartMayBeBest(Reason):
    """A part of the range may hold the best value.

    `boundary`: nearly every trial above it diverged.
    """

    share: float
    to: Span
    effect: float
    noise: float
    boundary: bool
    moves_with: tuple[Correlation, ...]


@dataclass(frozen=True, slots=True)
class NothingLearned(Reason):
    """No network has learned yet, and the effect may well be noise."""

    effect: float
    noise: float
    probability: float


@dataclass(frozen=True, slots=True)
class LossLeads(Reason):
    """No network has learned yet, but the loss is lower at one end of the range.

    `fell`: it fell furthest there while training. `rank` is its mean rank there, `p` that of the
    test against the other trials.
    """

    fell: bool
    rank: float
    trials: int
    p: float
    new: NewEdge


@dataclass(frozen=True, slots=True)
class OneCategoryLeft(Reason):
    """Nothing is left to choose."""

    category: Level


@dataclass(frozen=True, slots=True)
class CategoryChance:
    """The probability that a category holds the best place, and how many trials it has had."""

    category: Level
    probability: float
    trials: int


@dataclass(frozen=True, slots=True)
class AnyMayBeBest(Reason):
    """Every category may be the best, or has had too few trials."""

    chances: tuple[CategoryChance, ...]
    least: int


@dataclass(frozen=True, slots=True)
class UnlikelyBest(Reason):
    """Categories that are very unlikely to be the best."""

    dropped: tuple[CategoryChance, ...]


@dataclass(frozen=True, slots=True)
class MayBeBestAgain(Reason):
    """Categories come back that were dropped, and by now may be the best."""

    back: tuple[CategoryChance, ...]
