"""Evidence: the numbers that a round's end has taught, as they are stored with the round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.space import Level, Params


@dataclass(frozen=True, slots=True)
class ImportanceShare:
    """Share of the score's variation that comes from one hyperparameter."""

    name: str
    first: float
    total: float
    low: float
    high: float
    effect: float


@dataclass(frozen=True, slots=True)
class Frontier:
    """Learning rates on either side of the border where training starts to diverge."""

    name: str
    diverged: int
    finite: int
    lowest_diverged: float
    highest_finite: float
    edge: float


@dataclass(frozen=True, slots=True)
class Surface:
    """Predictions of the surrogate over two hyperparameters, all others at the best place."""

    x: str
    y: str
    xs: Sequence[float]
    ys: Sequence[float]
    mean: Sequence[Sequence[float]]
    sd: Sequence[Sequence[float]]
    at: Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class Finalist:
    """A configuration of the final comparison, beside the recommended one."""

    params: Params
    trainings: int
    mean: float
    sd: float | None
    posterior_mean: float
    difference: float
    p: float | None
    paired: bool
    indistinguishable: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a round's end has taught; None stands for what it could not tell.

    agreement
        Correlation with each earlier search, by its number as text.
    explored
        The reason why exploring ended with this round.
    seconds
        Seconds since the search began, where it has a time limit.
    """

    epochs: int | None = None
    noise_sd: float | None = None
    expected_gain: float | None = None
    importance: Sequence[ImportanceShare] | None = None
    frontier: Frontier | None = None
    surface: Surface | None = None
    agreement: Mapping[str, float] | None = None
    explored: str | None = None
    seconds: float | None = None
    finalists: Sequence[Finalist] | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Evidence | None:
        """The evidence in stored JSON; None where there is none.

        Later versions may store more than is known here.
        """
        if not data:
            return None
        fields = {name: data[name] for name in cls.__slots__ if name in data}
        for name, make in (("frontier", Frontier), ("surface", Surface)):
            if fields.get(name) is not None:
                fields[name] = make(**fields[name])
        for name, each in (("importance", ImportanceShare), ("finalists", Finalist)):
            if fields.get(name) is not None:
                fields[name] = tuple(each(**item) for item in fields[name])
        return cls(**fields)
