"""Caps on the size of a network, and expansion that stays within them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hpsearch.errors import Mistake
from hpsearch.settings import Settings
from hpsearch.space import Box, Choices, Dimension, Level, Range
from hpsearch.workloads.base import Setup
from hpsearch.workloads.dense.hyperparameters import ARCHITECTURE

Largest = Callable[[Mapping[str, float]], int]
"""Limits of hidden_units and hidden_layers -> parameters of the largest network within them."""


def tops(path: str, dimension: Dimension | None) -> Iterator[tuple[str, Level]]:
    """The values that bound `dimension` from above, each with its path."""
    if isinstance(dimension, Choices):
        yield from ((f"{path}.choices[{i}]", x) for i, x in enumerate(dimension.choices))
    elif dimension is not None:
        yield f"{path}.high", dimension.high
        if dimension.hard_high is not None:
            yield f"{path}.hard_high", dimension.hard_high


def architecture(
    sizes: tuple[int, ...], space: Box, settings: Settings
) -> Iterator[tuple[str, int, int]]:
    """(path, value, cap) of the fixed layers and of the searched ones."""
    yield from layers("model.hidden_sizes", sizes, settings)
    for name, cap in _uniform(settings):
        for path, value in tops(f"space.{name}", space.get(name)):
            if isinstance(value, int | float):
                yield path, int(value), cap
    for path, value in tops("space.hidden_sizes", space.get("hidden_sizes")):
        if isinstance(value, tuple):
            yield from layers(path, value, settings)


def lowered(asked: Box, limited: Box, largest: Largest, settings: Settings) -> Mapping[str, Range]:
    """Asked ranges with a limit, where networks would grow beyond the caps.

    Only limits that the user left open are lowered, never below the asked range, the units
    before the layers. They are written into the spec: a search keeps the caps that it was
    submitted under.
    """
    limits = dict[str, float]()
    open_ended: dict[str, Range] = {}
    for name, cap in _uniform(settings):
        wanted, now = asked.get(name), limited.get(name)
        if isinstance(wanted, Range) and isinstance(now, Range) and wanted.hard_high is None:
            open_ended[name] = wanted
            limits[name] = min(now.hard_high or cap, cap)
    for name, wanted in open_ended.items():
        limits[name] = _limit(name, int(wanted.high), limits, largest, settings.max_parameters)
    return {
        name: wanted.model_copy(update={"hard_high": float(limits[name])})
        for name, wanted in open_ended.items()
        if limits[name] != getattr(limited[name], "hard_high", None)
    }


def too_large(space: Box, largest: int, settings: Settings) -> list[Mistake]:
    """The mistake of asking for networks beyond the cap on parameters."""
    if largest <= settings.max_parameters:
        return []
    searched = [f"space.{name}" for name in ("hidden_sizes", *ARCHITECTURE) if name in space]
    return [
        Mistake(
            (searched or ["model.hidden_sizes"])[0],
            f"the largest network would have {largest:,} parameters, "
            f"the cap is {settings.max_parameters:,}",
        )
    ]


def too_many_levels(setup: Setup, largest: int, cap: int) -> Mistake:
    """The mistake of a budget of levels that makes networks beyond the cap; the widest column is named."""
    widest = max(
        (column for column in setup.facts.columns if column.kind == "category"),
        key=lambda column: len(column.levels),
    )
    place = "space" if "max_levels" in setup.space else "model"
    way_out = "a lower hard_high" if place == "space" else "a lower number"
    return Mistake(
        f"{place}.max_levels",
        f"the largest network would have {largest:,} parameters, the cap is {cap:,}; column "
        f"{widest.name!r} alone has {len(widest.levels):,} levels: give {way_out}",
    )


def _uniform(settings: Settings) -> Iterator[tuple[str, int]]:
    yield "hidden_units", settings.max_units
    yield "hidden_layers", settings.max_hidden_layers


def layers(path: str, sizes: tuple[int, ...], settings: Settings) -> Iterator[tuple[str, int, int]]:
    """(path, value, cap) of the number of hidden layers, and of the units of each."""
    yield path, len(sizes), settings.max_hidden_layers
    for i, units in enumerate(sizes):
        yield f"{path}[{i}]", units, settings.max_units


def _limit(
    name: str, least: int, limits: Mapping[str, float], largest: Largest, most: int
) -> float:
    """The highest limit of `name`, at least `least`, with networks of at most `most` parameters."""

    def fits(limit: float) -> bool:
        return largest({**limits, name: limit}) <= most

    low, high = least, int(limits[name])
    if fits(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
