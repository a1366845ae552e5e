"""Trials of another tool, in the terms of Optuna's that `hpsearch.exchange.observations` reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hpsearch.directions import Direction
from hpsearch.exchange.studies import PREFIX

End = Literal["completed", "stopped", "diverged", "failed", "running"]
STATES: Mapping[str, str] = {
    "completed": "COMPLETE", "stopped": "PRUNED", "diverged": "FAIL", "failed": "FAIL", "running": "RUNNING",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrialState:
    """The state of a trial, by Optuna's name."""

    name: str

    def is_finished(self) -> bool:
        """Tell whether a trial has ended."""
        return self.name not in ("RUNNING", "WAITING")


@dataclass(frozen=True)
class StoredTrial:
    """One trial.

    epochs
        For which it was trained; None where its tool does not say.
    value
        Its last score as the tool has it, whatever its sign.
    intermediate_values
        Scores by epoch, from 1.
    left_out
        Why it says nothing about the space; empty where it does.
    """

    params: Mapping[str, Any]
    end: End
    epochs: int | None = None
    value: float | None = None
    intermediate_values: Mapping[int, float] = field(default_factory=dict)
    left_out: str = ""

    @property
    def state(self) -> TrialState:
        """Its state."""
        return TrialState(STATES[self.end])

    @property
    def user_attrs(self) -> Mapping[str, Any]:
        """Its end and its epochs, as our own exports say them."""
        epochs = {} if self.epochs is None else {PREFIX + "epochs": self.epochs}
        return {PREFIX + "state": self.end, **epochs}

    @property
    def distributions(self) -> Mapping[str, None]:
        """No distributions: its values are what was tried."""
        return dict.fromkeys(self.params)

    @property
    def constraints(self) -> Mapping[str, float]:
        """No constraints."""
        return {}


@dataclass(frozen=True, slots=True)
class Stored:
    """The trials of a store.

    direction
        Of their scores; None where the store does not say.
    remarks
        What was taken for what.
    """

    what: str
    trials: tuple[StoredTrial, ...]
    direction: Direction | None
    remarks: tuple[str, ...] = ()


def flat(params: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested parameters by names with dots, as `hpsearch convert` has them."""
    for name, value in params.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def a_number(value: Any) -> float | None:
    """Return a number, NaN for a text that stands for one; None for whatever else."""
    if isinstance(value, str) and value.lower() in ("null", "nan"):
        return math.nan  # Ray writes a NaN of NumPy's float32 as the text null
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def finite(points: Iterable[tuple[int, float | None]]) -> dict[int, float]:
    """Return the points of a curve that have a finite score, in their order."""
    return {
        e: v for e, v in sorted(points, key=lambda p: p[0]) if v is not None and math.isfinite(v)
    }
