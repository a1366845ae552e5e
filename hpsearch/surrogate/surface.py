"""The posterior over two hyperparameters, everything else at the best place: what a person can see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.arrays import Floats
from hpsearch.digits import digits_of, rounded
from hpsearch.evidence import Importance, Surface
from hpsearch.space import Box, Range
from hpsearch.surrogate.posterior import Surrogate

POINTS = 21  # along each axis
BEYOND = 0.15  # of a range's width that is shown beyond each of its edges
DIGITS = 5  # that are kept of what is as large as its spread: a picture needs no more


def surface(model: Surrogate, box: Box, importance: Sequence[Importance]) -> Surface | None:
    """The surface over the two ranges that matter most of those that the best place has; None without two."""
    centre = model.rows.places[model.best_latent()[0]]
    ranges = [
        i.name for i in sorted(importance, key=lambda i: -i.total)
        if _is_range(box[i.name]) and model.encoding.present(centre[None], i.name)[0]
    ]  # fmt: skip
    if len(ranges) < 2:
        return None
    x, y = ranges[:2]
    columns = {name: model.encoding.columns[name].start for name in (x, y)}
    across, up = (_along(model, box, name) for name in (x, y))
    places = np.repeat(centre[None], POINTS * POINTS, axis=0)
    grid_x, grid_y = np.meshgrid(across, up)
    places[:, columns[x]], places[:, columns[y]] = grid_x.ravel(), grid_y.ravel()
    mean, sd = model.predict(places)
    return Surface(
        x, y, _values(model, x, across), _values(model, y, up), _rows(mean), _rows(sd),
        at=model.encoding.decode(centre[None], _whole_space(model))[0],
    )  # fmt: skip


def _whole_space(model: Surrogate) -> Box:
    """Everything that may ever be searched: the asked ranges up to their hard limits."""
    asked = model.encoding.space.dimensions
    return {
        name: d if not isinstance(d, Range) else d.moved(
            d.low if d.hard_low is None else d.hard_low,
            d.high if d.hard_high is None else d.hard_high,
        )
        for name, d in asked.items()
    }  # fmt: skip


def _is_range(dimension: object) -> bool:
    return isinstance(dimension, Range) and dimension.width > 0


def _along(model: Surrogate, box: Box, name: str) -> Floats:
    """(POINTS,) places across a range and a little beyond, within its hard limits."""
    now, asked = box[name], model.encoding.space.dimensions[name]
    assert isinstance(now, Range)  # the caller chose ranges
    assert isinstance(asked, Range)  # a box has the kinds of its space
    ends = [now.coordinate(now.low) - BEYOND * now.width, now.coordinate(now.high)]
    ends[1] += BEYOND * now.width
    if now.hard_low is not None:
        ends[0] = max(ends[0], now.coordinate(now.hard_low))
    if now.hard_high is not None:
        ends[1] = min(ends[1], now.coordinate(now.hard_high))
    units: Floats = (
        np.linspace(ends[0], ends[1], POINTS) - asked.coordinate(asked.low)
    ) / asked.width
    return units


def _values(model: Surrogate, name: str, units: Floats) -> list[float]:
    asked = model.encoding.space.dimensions[name]
    assert isinstance(asked, Range)  # the caller chose ranges
    places = asked.coordinate(asked.low) + units * asked.width
    return _short(10.0**places if asked.scale == "log" else places)


def _rows(flat: Floats) -> list[list[float]]:
    short = _short(flat)
    return [short[i : i + POINTS] for i in range(0, len(short), POINTS)]


def _short(values: Floats) -> list[float]:
    """Values (n,) with the digits that count in their spread; one more where that is a tenth of them."""
    spread = float(np.ptp(values))
    return [rounded(v, digits_of(v, spread, DIGITS)) for v in values.tolist()]
