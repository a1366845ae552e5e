"""Trials as parallel coordinates: an axis for each hyperparameter and the score, a line for each trial."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import DIRECTION, DirectionWord, View
from hpsearch.states import TrialState


class TickView(View):
    """A mark on an axis."""

    place: float = Field(description="From 0, the lower end of the axis, to 1.")
    text: str


class AxisView(View):
    """A hyperparameter, or the score, which is the last axis."""

    name: str
    scale: Literal["linear", "log", "levels"]
    low: float | None = Field(description="Value at place 0; null of levels.")
    high: float | None = Field(description="Value at place 1; null of levels.")
    integer: bool = False
    levels: list[Level] | None = Field(
        None, description="Evenly spread: of n, the i-th from 0 has the place (i + 0.5) / n."
    )
    ticks: list[TickView]


class TrialLineView(View):
    """A trial: for each axis its place and its value."""

    trial: str
    state: TrialState
    score: float | None = Field(description="Null of a trial that diverged.")
    places: list[float | None] = Field(
        description="Null where the hyperparameter has no value or no effect in this trial."
    )
    values: list[Level] = Field(description="Null beside a place that is null.")


class CoordinatesView(View):
    """Trials that have ended: all, or of many the best ones and every so many-th of the rest."""

    axes: list[AxisView]
    lines: list[TrialLineView]
    of: int = Field(description="Trials that have ended.")
    measure: str = Field(description="Name of the score.")
    direction: DirectionWord = Field(description=DIRECTION)
    beyond: int = Field(
        description="Lines whose score is far worse than most: they stand at place 0 of its axis."
    )
