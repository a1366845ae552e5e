"""A range of numbers: its scale, the places in it, the digits of its values, and how far it may grow.

The words *value*, *coordinate*, *unit* and *width* are those of `space`.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hpsearch.combinations import Level
from hpsearch.digits import SIGNIFICANT_DIGITS, digits_of, rounded
from hpsearch.rules import Since

if TYPE_CHECKING:
    from hpsearch.arrays import Floats

DECADES_BEYOND = 3.0  # how far a log range may expand when no hard limit is given
WIDTHS_BEYOND = 1.0  # the same for a linear range, in widths of the asked range
NOISE_DIGITS = 12  # of a linear range's width: what lies below them is rounding, as 1e-17 about 0
UNIT_NOISE = (
    1e-12  # of a range's width: rounding error of a place, where its values have digits to spare
)
ULPS = 4  # in units of the last place of an edge: the same error, where they have not
FLOATS_LEAST = 1e4  # units of the last place in a range's width, to have values that differ
LOG_HIGHEST = 308.25  # 10 to a higher power is no finite number
LOG_LEAST = sys.float_info.min  # numbers nearer to zero have fewer digits, and then none


def _tuples(value: Any) -> Any:
    """The levels of a condition as tuples, where JSON has lists."""
    if not isinstance(value, dict):
        return value
    return {
        name: tuple(tuple(x) if isinstance(x, list) else x for x in levels)
        if isinstance(levels, list)
        else levels
        for name, levels in value.items()
    }


WHEN_MOST = 20  # parents of one hyperparameter: as many as a space has
When = Annotated[
    dict[str, Annotated[tuple[Level, ...], Field(min_length=1, max_length=64)]],
    BeforeValidator(_tuples),
    Field(min_length=1, max_length=WHEN_MOST),
]
WHEN_TEXT = (
    "Levels of other hyperparameters, by name, beside which this one is active; all of them have to "
    "agree. Without it, it always is. A trial has no value of one that is not active."
)
_GUESS = (
    "The value that you believe in. A quarter of the first trials is drawn around it, and sampler gp weighs "
    "places by it, the less the more trials there are. It has to lie between low and high."
)


class Range(BaseModel):
    """An interval of numbers, with the limits that expansion must not cross.

    Until `limited` has been called, `hard_low` and `hard_high` are what the user gave.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    low: float = Field(description="Lower edge, inclusive.")
    high: float = Field(description="Upper edge, inclusive; above low.")
    scale: Literal["log", "linear"] = Field("linear", description="Sampling and narrowing scale.")
    integer: bool = Field(False, description="Whole numbers only.")
    hard_low: float | None = Field(None, description="Never search below; equal to low forbids it.")
    hard_high: float | None = Field(None, description="Never search above this.")
    when: Annotated[When | None, Since("0.2")] = Field(None, description=WHEN_TEXT)
    guess: Annotated[float | None, Since("0.2")] = Field(None, description=_GUESS)

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            edges = f"low={self.low:.15g} and high={self.high:.15g}"
            raise ValueError(f"low must be below high, got {edges}")
        if self.integer and (self.low != int(self.low) or self.high != int(self.high)):
            raise ValueError(
                f"an integer range needs whole edges, got {self.low:.15g} and {self.high:.15g}"
            )
        if not math.isfinite(self.high - self.low):
            edges = f"{self.low:.15g} to {self.high:.15g}"
            raise ValueError(f"the range from {edges} is too wide to divide")
        lowest = self.low if self.hard_low is None else self.hard_low
        if self.scale == "log" and lowest < LOG_LEAST:
            raise ValueError(
                f"a log range must stay above zero, got {lowest:.15g}; "
                'use "scale": "linear" or a small positive low'
            )
        if self.hard_low is not None and self.hard_low > self.low:
            raise ValueError(f"hard_low={self.hard_low:.15g} is above low={self.low:.15g}")
        if self.hard_high is not None and self.hard_high < self.high:
            raise ValueError(f"hard_high={self.hard_high:.15g} is below high={self.high:.15g}")
        if not self._apart(self.low, self.high):
            raise ValueError(
                f"low={self.low!r} and high={self.high!r} are so close that a float64 has hardly a number "
                "between them; widen the range, or search the distance from a fixed value"
            )
        self._check_guess()
        return self

    def _check_guess(self) -> None:
        if self.guess is None:
            return
        if not self.low <= self.guess <= self.high:
            edges = f"{self.low:.15g} and {self.high:.15g}"
            raise ValueError(
                f"guess={self.guess:.15g} lies outside the range, between {edges}; "
                "widen the range, or drop the guess (null in an edit)"
            )
        if self.integer and self.guess != int(self.guess):
            raise ValueError(
                f"guess={self.guess:.15g} is no whole number, and the range has whole numbers alone"
            )

    def coordinate(self, value: float) -> float:
        """`value` in this range's own scale."""
        return math.log10(value) if self.scale == "log" else float(value)

    def value(self, coordinate: float) -> float:
        """The stored value at `coordinate`: rounded, whole where it must be, within the limits."""
        raw = 10.0 ** min(coordinate, LOG_HIGHEST) if self.scale == "log" else coordinate
        return self._limited(self.kept(raw))

    def kept(self, value: float) -> float:
        """`value` as this range keeps it: whole, or rounded by its own size and by the width."""
        if self.integer:
            return float(round(value))
        if self.scale == "linear":
            value = round(value, NOISE_DIGITS - math.floor(math.log10(self.high - self.low)))
        return rounded(value, self._digits(value))

    def _digits(self, value: float) -> int:
        """The digits that a value keeps: on a log scale by the ratio of the edges, of whatever size it is."""
        if self.scale == "log":
            return digits_of(1.0, self.high / self.low - 1, SIGNIFICANT_DIGITS)
        return digits_of(value, self.high - self.low, SIGNIFICANT_DIGITS)

    def _apart(self, low: float, high: float) -> bool:
        """Tell whether edges have enough numbers between them to be a range of this kind."""
        if self.integer:
            return low < high
        ends = self.coordinate(low), self.coordinate(high)
        pairs = (low, high), ends
        return all(b - a >= FLOATS_LEAST * math.ulp(max(abs(a), abs(b))) for a, b in pairs)

    @property
    def place_noise(self) -> float:
        """The rounding error of a place in this range, in widths."""
        ends = self.coordinate(self.low), self.coordinate(self.high)
        return max(UNIT_NOISE, ULPS * math.ulp(max(map(abs, ends))) / self.width)

    def _limited(self, value: float) -> float:
        low = -math.inf if self.hard_low is None else self.hard_low
        high = math.inf if self.hard_high is None else self.hard_high
        return min(max(value, low), high)

    @property
    def width(self) -> float:
        """High minus low, in coordinates."""
        return self.coordinate(self.high) - self.coordinate(self.low)

    def to_unit(self, value: float) -> float:
        """Place of `value` in this range: 0 at low, 1 at high, outside [0, 1] beyond them."""
        return (self.coordinate(value) - self.coordinate(self.low)) / self.width

    def to_units(self, values: Floats) -> Floats:
        """Places of values (n,), as `to_unit` has them."""
        import numpy as np  # a client's start does without

        coordinates = np.log10(values) if self.scale == "log" else values
        return (coordinates - self.coordinate(self.low)) / self.width

    def from_unit(self, unit: float) -> float:
        """The value at `unit` in [0, 1]. Every whole number gets the same share on a linear range."""
        low, high = self.low, self.high
        if self.integer:
            low, high = low - 0.5, high + 0.5
        start, end = self.coordinate(low), self.coordinate(high)
        return min(max(self.value(start + unit * (end - start)), self.low), self.high)

    def contains(self, value: float) -> bool:
        """Say whether `value` lies between the edges, both included."""
        return self.low <= value <= self.high

    def moved(self, low: float, high: float) -> Range:
        """This range with other edges (values), kept within the hard limits.

        An edge that does not move, or moves to its limit, keeps all its digits. Edges that rounding would make one
        leave the range as it is.
        """
        exact = (self.low, self.high, self.hard_low, self.hard_high)
        low, high = (
            value if value in exact else self.value(self.coordinate(value))
            for value in (self._limited(low), self._limited(high))
        )
        if not (self.kept(low) < self.kept(high) and self._apart(low, high)):
            return self
        return self.model_copy(update={"low": low, "high": high})

    def part(self, start: float, end: float) -> Range:
        """This range from unit `start` to unit `end`; below 0 and above 1 it expands.

        An expanding edge moves by one step at least, as far as its hard limit lets it.
        """
        origin, noise = self.coordinate(self.low), self.place_noise
        low, high = self.low, self.high
        if abs(start) > noise:
            low = self.value(origin + start * self.width)
            low = max(low, self.low) if start > 0 else low  # rounding is no step outward
        if abs(end - 1) > noise:
            high = self.value(origin + end * self.width)
            high = min(high, self.high) if end < 1 else high
        if start < -noise:
            low = min(low, self._limited(self.low - self.step(self.low)))
        if end > 1 + noise:
            high = max(high, self._limited(self.high + self.step(self.high)))
        return self.moved(low, high)

    def step(self, edge: float) -> float:
        """The distance from one value to the next at `edge`."""
        if self.integer:
            return 1.0
        size = edge if self.scale == "log" else max(abs(self.low), abs(self.high))
        return 10.0 ** (math.floor(math.log10(size)) + 1 - self._digits(size))

    def limited(self, lowest: float, highest: float) -> Range:
        """This range with both hard limits filled in, inside the finite domain [lowest, highest].

        Without a limit of the user's, expansion may go three decades (log) or one width
        (linear) beyond the asked edges.
        """
        if self.scale == "log":
            factor = 10.0**DECADES_BEYOND
            below, above = self.low / factor, self.high * factor
            lowest = max(lowest, LOG_LEAST)
        else:
            reach = WIDTHS_BEYOND * (self.high - self.low)
            below, above = self.low - reach, self.high + reach
        # As many digits as the edge that may move there.
        below = rounded(below, self._digits(self.low))
        above = rounded(above, self._digits(self.high))
        hard_low = max(below if self.hard_low is None else self.hard_low, lowest)
        hard_high = min(above if self.hard_high is None else self.hard_high, highest)
        if self.integer:
            hard_low, hard_high = math.ceil(hard_low), math.floor(hard_high)
        return self.model_copy(
            update={
                "hard_low": float(min(hard_low, self.low)),
                "hard_high": float(max(hard_high, self.high)),
            }
        )

    def grid(self) -> tuple[float, ...]:
        """The few values that a shape dimension is drawn from.

        Powers of two on a log range (its edges where it holds fewer than two of them), up to
        eight evenly spaced numbers on a linear one.
        """
        if self.scale == "log":
            powers = [2.0**k for k in range(64) if self.contains(2.0**k)]
            return tuple(powers) if len(powers) > 1 else (self.low, self.high)
        count = int(min(8, self.high - self.low + 1)) if self.integer else 8
        step = (self.high - self.low) / (count - 1)
        steps = (self.value(self.low + step * k) for k in range(count))
        return tuple(dict.fromkeys(min(max(v, self.low), self.high) for v in steps))
