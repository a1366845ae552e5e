"""The digits of a number: those that are kept, and those that people are shown.

A size alone does not say how many matter. In a range from 1000000 to 1000000.001 the values differ from the
tenth digit on, so digits are counted by the width of the range beside the size of the value.
"""

from __future__ import annotations

import math

SIGNIFICANT_DIGITS = 6  # of a value that is kept, where it is as large as the width of its range
PLACES = 15  # digits that a narrow range keeps at the most; more are those of another program
ALL_DIGITS = 17  # that a float64 may need


def rounded(value: float, digits: int = SIGNIFICANT_DIGITS) -> float:
    """`value` at so many significant digits."""
    return float(f"{value:.{digits}g}")


def digits_of(value: float, width: float, least: int) -> int:
    """The significant digits by which values of this size are told apart in a range of that width.

    `least` of them where the two are alike in size. Where the first digit of the width stands two places or
    more below that of the value, as in 10 to 10.9, one more for each place, so that the width has at the
    least 10^(least - 1) steps again.
    """
    if not value or not 0 < width < math.inf:
        return least
    more = math.floor(math.log10(abs(value))) - math.floor(math.log10(width))
    return min(least + more, ALL_DIGITS) if more > 1 else least


def told_apart(value: float, width: float, least: int) -> str:
    """A number for people, with the digits that count in a range of that width."""
    return f"{value:.{digits_of(value, width, least)}g}"


def in_full(value: float) -> str:
    """An edge for people, with all the digits that it has."""
    short = f"{value:g}"
    return short if float(short) == value else f"{value:.15g}"


def alone(value: float, least: int) -> str:
    """A value for people, away from its range: shortened, but for those that a narrow range has kept."""
    digits = len(repr(value).lower().partition("e")[0].replace(".", "").strip("-0"))
    return in_full(value) if SIGNIFICANT_DIGITS < digits <= PLACES else f"{value:.{least}g}"


def by_interval(value: float, width: float) -> str:
    """A number for people with the decimals that two digits of its interval's width have.

    What is smaller than a hundredth of the width says nothing. Four digits without an interval.
    """
    if not 0 < width < math.inf:
        return f"{value:.4g}"
    places = 1 - int(f"{width:.15e}".partition("e")[2])
    shown = round(value, places) + 0.0  # without a minus zero
    return f"{shown:.{min(max(places, 0), PLACES)}f}"
