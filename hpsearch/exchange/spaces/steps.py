"""Numbers in steps, of the two kinds that tools mean by a step: multiples of it, and low plus multiples of it.

Counts are taken in decimal digits as they were written, values in binary as the tools compute them: the third
step of 0.1 is 0.30000000000000004.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from hpsearch.exchange.spaces.domains import CannotSay, Domain, Interval, Levels
from hpsearch.exchange.spaces.fields import positive

LEVELS_MOST = 64  # of a list of choices
EVEN = "its values are as likely as each other here, and not by their logarithm"


def as_json_range(low: float, high: float, *, log: bool = False, integer: bool = False) -> str:
    """Write a range as a spec has it, for a proposal."""
    scale = ', "scale": "log"' if log else ""
    whole = ', "integer": true' if integer else ""
    return f'{{"low": {low:.6g}, "high": {high:.6g}{scale}{whole}}}'


def exact(value: float) -> Fraction:
    """Return a number as its shortest decimal digits have it."""
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def listed(values: Sequence[int | float]) -> Levels:
    """Return a list to choose from; equal ones count once."""
    return Levels(tuple(dict.fromkeys(values)))


def too_many(count: int, low: float, high: float, *, log: bool) -> CannotSay:
    """Return the error of steps that are more than a list holds."""
    if log and low <= 0:
        return CannotSay(
            f"{count:,} values in steps from 0 on, on a log scale", "give it a low above 0"
        )
    range_ = as_json_range(low, high, log=log)
    return CannotSay(
        f"{count:,} values in steps; a list of choices has {LEVELS_MOST} at the most",
        f"write {range_}, which knows no steps, or fewer values",
    )


def multiples(
    low: float,
    high: float,
    q: float,
    *,
    log: bool = False,
    clip: bool = False,
    integer: bool = False,
) -> Domain:
    """Return what numbers between low and high become when rounded to multiples of q.

    Those below low and above high are among them, unless `clip` draws them to the edges. Edges that a draw
    meets with probability 0 are left out. Whole numbers are a range of them.

    Raises
    ------
    CannotSay
        There are more than a list of choices holds.
    """
    step = exact(positive(q, "q"))
    first = math.floor(exact(low) / step + Fraction(1, 2))
    last = max(first, math.ceil(exact(high) / step - Fraction(1, 2)))
    edges = (low, high) if clip else (-math.inf, math.inf)
    whole_edges = not clip or (first >= low and last <= high)
    if step == 1 and whole_edges and (first > 0 or not log):
        return Interval(first, last, log=log, integer=True)
    if last - first >= LEVELS_MOST:
        raise too_many(last - first + 1, low, high, log=log)
    values = [min(max(k * q, edges[0]), edges[1]) for k in range(first, last + 1)]
    return listed([round(v) for v in values] if integer else values)


def from_low(
    low: float, high: float, step: float, *, last: bool = True, log: bool = False
) -> Domain:
    """Return low, low + step, low + 2 step, ... up to high.

    last
        Whether high itself is one of them.

    Raises
    ------
    CannotSay
        There are more than a list of choices holds.
    """
    ratio = (exact(high) - exact(low)) / exact(positive(step, "step"))
    if ratio < 0:
        raise CannotSay(f"low={low:.15g} is above high={high:.15g}")
    count = math.floor(ratio) + 1 if last else math.ceil(ratio)
    return in_steps(low, high, step, count, log=log)


def in_steps(low: float, high: float, step: float, count: int, *, log: bool = False) -> Domain:
    """Return so many numbers from low on, in steps; whole numbers in steps of 1 are a range."""
    if step == 1 and low == math.floor(low) and count > 1:
        return Interval(low, low + count - 1, log=log, integer=True)
    if count > LEVELS_MOST:
        raise too_many(count, low, high, log=log)
    return listed([low + k * step for k in range(count)])


def growing(low: float, high: float, factor: float, *, integer: bool) -> Sequence[int | float]:
    """Return low, low factor, low factor^2, ... up to high; a rounding error beyond it counts as high."""
    if not (low > 0 and factor > 1 and high >= low):
        raise CannotSay(
            f"steps that multiply need 0 < low <= high and a factor above 1, got {low:g}, {high:g}, {factor:g}"
        )
    count = int(math.log(high / low, factor) + 1e-8) + 1
    if count > LEVELS_MOST:
        raise too_many(count, low, high, log=True)
    values = [low * math.pow(factor, k) for k in range(count)]
    return [round(v) for v in values] if integer else values


def inside(low: float, high: float, q: float, *, log: bool = False) -> Domain:
    """Return the multiples of q between low and high, both included; whole numbers are a range.

    Raises
    ------
    CannotSay
        There are none, or more than a list of choices holds.
    """
    step = exact(positive(q, "q"))
    first, last = math.ceil(exact(low) / step), math.floor(exact(high) / step)
    if first > last:
        raise CannotSay(f"no multiple of {q:g} lies between {low:g} and {high:g}")
    if step == 1 and (first > 0 or not log):
        return Interval(first, last, log=log, integer=True)
    if last - first >= LEVELS_MOST:
        raise too_many(last - first + 1, low, high, log=log)
    return listed([k * q for k in range(first, last + 1)])
