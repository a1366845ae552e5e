"""Trials as parallel coordinates: where each value lies on the axis of its hyperparameter.

A hyperparameter that has no value in a trial, or no effect there, has no place: nothing is drawn as
if it were zero. The better end of the score's axis is its upper one, in either direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.combinations import among
from hpsearch.digits import told_apart
from hpsearch.directions import Direction
from hpsearch.report import words
from hpsearch.report.views.base import RangeView
from hpsearch.report.views.coordinates import (
    AxisView,
    CoordinatesView,
    TickView,
    TrialLineView,
)
from hpsearch.report.views.rounds import TrialView
from hpsearch.space import Level, level_text, same_level

PLACES = 4  # decimals of a place; a screen shows no more
DIGITS = 3  # of a tick, where a narrow range needs no more
MOST_TICKS = 6  # between the ends of an axis
APART = 0.07  # the least distance of two ticks
NARROWEST = 1e-300  # width of an axis that is divided: a share of a narrower one may be no float
FENCE = 3.0  # quartile distances below the lower quartile: scores beyond would press all others together


@dataclass(frozen=True, slots=True)
class Ended:
    """The trials to be shown, and of how many they are; `direction` says which scores are better."""

    trials: Sequence[TrialView]
    of: int
    direction: Direction


def coordinates(
    ended: Ended,
    ranges: Mapping[str, Sequence[RangeView]],
    conditions: words.Conditions,
) -> CoordinatesView:
    """The axes of `ranges` and the score, and a line for each trial.

    Parameters
    ----------
    ranges
        By hyperparameter, all ranges that it has had; an axis reaches over them and every trial.
    conditions
        As a status has them in `effective_with`.
    """
    shown = [words.effective(t.params, conditions) for t in ended.trials]
    axes = [
        _axis(name, views, [params[name] for params in shown if name in params])
        for name, views in ranges.items()
    ]
    scores = [t.shown for t in ended.trials if t.shown is not None]
    measure = _measure(ended.trials)
    score = _score_axis(measure, scores, ended.direction)
    lines = [
        _line(trial, params, axes, score) for trial, params in zip(ended.trials, shown, strict=True)
    ]
    return CoordinatesView(
        axes=[*axes, score],
        lines=lines,
        of=ended.of,
        measure=measure,
        direction=ended.direction,
        beyond=sum(_is_beyond(score, value) for value in scores),
    )


def _line(
    trial: TrialView, params: Mapping[str, Level], axes: Sequence[AxisView], score: AxisView
) -> TrialLineView:
    places = [_place(axis, params[axis.name]) if axis.name in params else None for axis in axes]
    result = trial.shown
    return TrialLineView(
        trial=trial.id,
        state=trial.state,
        score=result,
        places=[*places, None if result is None else _place(score, result)],
        values=[*(params.get(axis.name) for axis in axes), result],
    )


def _axis(name: str, ranges: Sequence[RangeView], values: Sequence[Level]) -> AxisView:
    """The axis of a hyperparameter over its ranges and the values that trials have."""
    choices = [level for view in ranges for level in view.choices or ()]
    if choices:
        return _level_axis(name, [*choices, *values])
    numbers = [edge for view in ranges for edge in (view.low, view.high) if edge is not None]
    numbers += [float(value) for value in values if isinstance(value, int | float)]
    low, high = min(numbers), max(numbers)
    log = any(view.scale == "log" for view in ranges) and low > 0
    integer = any(view.integer for view in ranges)
    inner = _decades(low, high) if log else _steps(low, high, integer=integer)
    axis = AxisView(
        name=name, scale="log" if log else "linear", low=low, high=high, integer=integer, ticks=[]
    )
    return axis.model_copy(update={"ticks": _ticks(axis, inner)})


def _level_axis(name: str, levels: Iterable[Level]) -> AxisView:
    distinct: list[Level] = []
    for level in levels:
        if not among(level, distinct):
            distinct.append(level)
    ticks = [
        TickView(place=_even(i, len(distinct)), text=level_text(level))
        for i, level in enumerate(distinct)
    ]
    return AxisView(name=name, scale="levels", low=None, high=None, levels=distinct, ticks=ticks)


def _score_axis(measure: str, scores: Sequence[float], direction: Direction) -> AxisView:
    """The axis of the score, from the worst that is not far from the others up to the best."""
    sign = -1 if direction == "minimize" else 1
    ordered = sorted(sign * score for score in scores) or [0.0]
    lower, upper = (ordered[int(share * (len(ordered) - 1))] for share in (0.25, 0.75))
    fence = lower - FENCE * (upper - lower) if upper > lower else ordered[0]
    worst = sign * next(score for score in ordered if score >= fence)
    axis = AxisView(
        name=measure, scale="linear", low=worst, high=sign * ordered[-1], ticks=[]
    )  # upside down where lower is better
    inner = _steps(*sorted((axis.low or 0.0, axis.high or 0.0)), integer=False)
    ticks = _ticks(axis, inner, words.share) if scores else []
    if ordered[0] < fence:
        ticks[0] = ticks[0].model_copy(update={"text": f"{ticks[0].text} or worse"})
    return axis.model_copy(update={"ticks": ticks})


def _is_beyond(score: AxisView, value: float) -> bool:
    low, high = score.low or 0.0, score.high or 0.0
    return value < low if low <= high else value > low


def _place(axis: AxisView, value: Level) -> float:
    """Where a value lies: 0 is the lower end, 1 the upper one; what is beyond them stands there."""
    if axis.levels is not None:
        index = next(i for i, level in enumerate(axis.levels) if same_level(level, value))
        return _even(index, len(axis.levels))
    low, high = axis.low or 0.0, axis.high or 0.0
    number = float(value) if isinstance(value, int | float) else low
    if low == high:
        return 0.5
    if axis.scale == "log":
        low, high, number = math.log(low), math.log(high), math.log(number)
    if math.isinf(high - low):  # halves, because the width of the widest axis has no float
        low, high, number = low / 2, high / 2, number / 2
    share = (number - low) / (high - low)
    return round(min(max(share, 0.0), 1.0), PLACES)


def _even(index: int, count: int) -> float:
    return round((index + 0.5) / count, PLACES)


def _ticks(
    axis: AxisView, inner: Sequence[float], text: Callable[[float], str] | None = None
) -> list[TickView]:
    """The ends of an axis, and of the round values between them those that leave room."""
    low, high = axis.low or 0.0, axis.high or 0.0
    width = abs(high - low)
    ends = [low] if low == high else [low, high]
    marks: list[tuple[float, float]] = [(_place(axis, value), value) for value in ends]
    for value in inner:
        place = _place(axis, value)
        if all(abs(place - other) >= APART for other, _ in marks):
            marks.append((place, value))
    return [
        TickView(place=place, text=text(value) if text else told_apart(value, width, DIGITS))
        for place, value in sorted(marks)
    ]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten inside a range, some of them where it has many."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = max(1, -(-(last - first + 1) // MOST_TICKS))
    return [float(f"1e{n}") for n in range(first, last + 1, step)]


def _steps(low: float, high: float, *, integer: bool) -> list[float]:
    """Round values inside a range: multiples of 1, 2 or 5 times a power of ten."""
    width = high - low
    if not NARROWEST < width < math.inf:
        return []
    power = 10.0 ** math.floor(math.log10(width / MOST_TICKS))
    step = next(m * power for m in (1, 2, 5, 10) if width / (m * power) <= MOST_TICKS)
    step = max(step, 1.0) if integer else step
    first = math.ceil(low / step)
    return [value for n in range(MOST_TICKS + 2) if (value := (first + n) * step) <= high]


def _measure(trials: Sequence[TrialView]) -> str:
    """The name of the score that these trials have."""
    counted = any(trial.validation_accuracy is not None for trial in trials)
    return "validation accuracy" if counted else "score"
