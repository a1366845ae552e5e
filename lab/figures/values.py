"""Contents of a figure, before any library draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hpsearch.arrays import Floats

Mark = Literal["line", "points", "both", "bars"]
Dash = Literal["solid", "dash", "dot"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points (n,) by (n,), drawn with one mark; low and high (n,) make a band around a line.

    Series of one name have one colour and one entry in the legend; `of` names the series whose
    colour is used instead. `values` (n,) colour points one by one, `labels` appear beside the
    pointer. A series with `legend` off is named by its panel alone.
    """

    name: str
    x: Floats
    y: Floats
    mark: Mark = "line"
    low: Floats | None = None
    high: Floats | None = None
    dash: Dash = "solid"
    of: str | None = None
    legend: bool = True
    values: Floats | None = None
    value_name: str = ""
    labels: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """Level lines of z (rows of y, columns of x) behind a panel's series."""

    x: Floats
    y: Floats
    z: Floats


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: its title, whether it is logarithmic, and where it ends (in its own values)."""

    title: str = ""
    log: bool = False
    ends: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A pair of axes with the series and contours between them."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    contour: Contour | None = None
