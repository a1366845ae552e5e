"""The parts of an experiment: a run, findings and figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from scipy.special import stdtrit

from hpsearch.arrays import Floats
from hpsearch.figures import Figure
from lab.data import LabData

Verdict = Literal["holds", "holds in part", "does not hold", "undecided"]
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim of the chapter in our words, our measurement, and the verdict."""

    claim: str
    measured: str
    verdict: Verdict


class Run(Protocol[R_co]):
    """An experiment's computation: the same result for the same data, seed and hurry."""

    def __call__(self, data: LabData, seed: int, *, quick: bool) -> R_co:
        """Compute on `data`; quick: small, for a test or a first look."""
        ...


@dataclass(frozen=True, slots=True)
class Experiment(Generic[R]):
    """An experiment: `run(data, seed, quick)` is pure, the other two read its result alone.

    `about` says what was done; `cost` is its rough share of the whole lab's time,
    by which the longest starts first.
    """

    title: str
    about: str
    run: Run[R]
    findings: Callable[[R], Sequence[Finding]]
    figures: Callable[[R], Sequence[Figure]]
    cost: float = 1.0


def judged(*facts: bool | None) -> Verdict:
    """`holds` if all the facts behind a claim are so, `holds in part` if some are; None: unknown."""
    if all(facts):
        return "holds"
    if any(facts):
        return "holds in part"
    return "undecided" if None in facts else "does not hold"


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over repeats with its 95 % t interval; without repeats the half width is NaN."""

    mean: float
    half: float
    count: int

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half

    def points(self, *, signed: bool = False) -> str:
        """In percentage points, as it is printed."""
        sign = "+" if signed else ""
        text = f"{100 * self.mean:{sign}.1f}"
        return text if math.isnan(self.half) else f"{text} ± {100 * self.half:.1f}"


def beyond(measured: Interval, limit: float) -> bool | None:
    """Say whether a mean lies above `limit`; None where its interval leaves that open."""
    if measured.low > limit:
        return True
    return False if measured.high <= limit else None


def denied(fact: bool | None) -> bool | None:  # noqa: FBT001  # a logical operator
    """The opposite; unknown stays unknown."""
    return None if fact is None else not fact


def interval(values: Floats | Sequence[float]) -> Interval:
    """The mean of repeats (n,), n >= 1, and the half width of its 95 % t interval."""
    array = np.asarray(values, np.float64)
    n = len(array)
    if n < 2:
        return Interval(float(array.mean()), math.nan, n)
    half = float(stdtrit(n - 1, 0.975) * array.std(ddof=1) / math.sqrt(n))
    return Interval(float(array.mean()), half, n)


def band(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high (m,) of repeats (n, m), with 95 % t intervals; n = 1 has no width."""
    n = len(values)
    mean = values.mean(axis=0)
    if n < 2:
        return mean, mean, mean
    half = stdtrit(n - 1, 0.975) * values.std(axis=0, ddof=1) / math.sqrt(n)
    return mean, mean - half, mean + half


def span(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, lowest and highest (m,) of few repeats (n, m)."""
    return values.mean(axis=0), values.min(axis=0), values.max(axis=0)
