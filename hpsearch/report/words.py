"""Values as words for people: numbers, durations, ranges, and text that cannot steer a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.report.views import RangeView
from hpsearch.space import Level

_CONTROL = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n")}, "\N{REPLACEMENT CHARACTER}")

# Below every table of finalists: the first one need not have the best mean.
RANKED = (
    "Ranked by the expected score, the surrogate's estimate from all trials; behind compares full "
    "trainings alone."
)


def plain(text: str) -> str:
    """`text` without the control characters by which it could rewrite the screen."""
    return text.translate(_CONTROL)


def number(value: float) -> str:
    """`value` with four digits that matter."""
    return f"{value:.4g}"


def share(value: float | None) -> str:
    """An accuracy with four decimals, or a dash."""
    return "-" if value is None else f"{value:.4f}"


def level(value: Level) -> str:
    """A value of a hyperparameter."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(str(part) for part in value) + "]"
    return plain(str(value))


def params(values: Mapping[str, Level]) -> str:
    """A set of hyperparameters on one line."""
    return "  ".join(f"{plain(name)}={level(value)}" for name, value in values.items())


def span(found: RangeView) -> str:
    """A range, `low to high`, or the choices that are left."""
    if found.choices is not None:
        return ", ".join(level(choice) for choice in found.choices)
    if found.low is None or found.high is None:
        return "-"
    return f"{number(found.low)} to {number(found.high)}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
