"""Hyperparameters of another tool's space, before a spec says them: what its file means, and what is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.directions import Direction


class CannotSay(Exception):
    """The reason why a spec cannot hold a hyperparameter, and what to write in its place."""

    def __init__(self, why: str, proposal: str = "") -> None:
        super().__init__(why)
        self.why, self.proposal = why, proposal


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers between two values, both included."""

    low: float
    high: float
    log: bool = False
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Levels:
    """A list to choose from."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is not searched."""

    value: Any


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The length of a training, which a spec has as its epochs."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A hyperparameter that a spec cannot hold.

    proposal
        What to write in its place, as a sentence; empty where there is nothing to propose.
    """

    why: str
    proposal: str = ""


Domain = Interval | Levels | Constant | Fidelity | Unsaid


@dataclass(frozen=True, slots=True)
class Parameter:
    """One hyperparameter.

    when
        The values of each parent with which it has an effect; empty: it always has one.
    remarks
        What its tool says of it and a spec does not.
    """

    name: str
    domain: Domain
    when: Mapping[str, tuple[Any, ...]] | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignSpace:
    """The space of a tool's file or object.

    direction
        Of its objective; None where it does not say.
    remarks
        What it says beside its hyperparameters, and a spec does not.
    metric, program, command
        Its objective's name, and what trains, where it says.
    """

    parameters: tuple[Parameter, ...]
    direction: Direction | None = None
    name: str = ""
    remarks: tuple[str, ...] = ()
    metric: str = ""
    program: str = ""
    command: tuple[str, ...] = ()
