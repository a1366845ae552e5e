"""Answers about the best score that so many trials lead to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpsearch.metrics import METRICS
from hpsearch.plural import counted
from hpsearch.report import words
from hpsearch.report.statement.facts import LISTED, Answer, Facts, NotKnown
from hpsearch.report.views import TuningCurveView, TuningPointView

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)  # trials that are shown


def expected(facts: Facts) -> Answer:
    """The expected best validation score of so many trials, by those of the first round."""
    curve, bests = facts.tuning, _bests(facts)
    if curve.not_available is not None:
        reason = curve.not_available
        return NotKnown(f"{reason}; instead, {bests}" if bests else reason)
    steps = ", ".join(
        f"{words.share(facts.value(one.expected))} of {one.trials}" for one in shown(curve.points)
    )
    text = (
        f"By the {counted(curve.draws, 'trial')} that the first round drew, of "
        f"{counted(curve.epochs or 0, 'epoch')} each, the best {facts.measure} to be expected on validation, "
        f"if trials are drawn independently: {steps}."
    )
    if curve.confidence is None:
        text += f" It has no band: {curve.no_band}."
    else:
        band = f"{curve.confidence:.0%}".replace("%", " %")
        text += f" Medians are in the table, with a {band} band that holds for all numbers of trials at once."
    if curve.lost:
        text += f" {curve.lost} without a score count as the worst one that has one, and in the band as worse."
    return f"{text} In the search itself {bests}." if bests else text


def shown(points: Sequence[TuningPointView]) -> list[TuningPointView]:
    """The points that people are shown: few, the last one among them."""
    return [one for one in points if one.trials in COUNTS or one is points[-1]]


def table(curve: TuningCurveView) -> list[tuple[str, ...]]:
    """The head and the rows of the curve's table, in the measure; nothing without a curve."""
    if not curve.points:
        return []
    band = "" if curve.confidence is None else f"{100 * curve.confidence:.0f} % band"
    heads = ("trials", "expected best", band, "median best", band)
    rows: list[tuple[str, ...]] = [heads]
    for one in shown(curve.points):
        mean, median = _measured(curve, one.expected), _measured(curve, one.median)
        rows.append(
            (str(one.trials), mean, _band(curve, one.expected_low, one.expected_high),
             median, _band(curve, one.median_low, one.median_high))
        )  # fmt: skip
    return rows if band else [(row[0], row[1], row[3]) for row in rows]


def _band(curve: TuningCurveView, low: float | None, high: float | None) -> str:
    """Both ends in the measure, the smaller number first; of one that the draws do not bound only the other."""
    metric = METRICS.get(curve.objective)
    if metric is not None and metric.sign < 0:
        low, high = high, low
    if low is None and high is None:
        return "not bounded"
    if low is None or high is None:
        return f"from {_measured(curve, low)}" if high is None else f"to {_measured(curve, high)}"
    return f"{_measured(curve, low)} to {_measured(curve, high)}"


def _measured(curve: TuningCurveView, score: float | None) -> str:
    """The measure behind a score, for people."""
    metric = METRICS.get(curve.objective)
    if score is None or metric is None:
        return words.share(score)
    return words.share(metric.sign * score + 0.0)


def _bests(facts: Facts) -> str:
    """The best validation score after each round."""
    steps, done, highest = [], 0, -math.inf
    for r in facts.records.begun:
        done += r.planned
        if r.best_score is not None and r.best_score > highest:
            highest = r.best_score
            steps.append(f"{words.share(facts.sign * highest)} after {counted(done, 'trial')}")
    shown = steps if len(steps) <= LISTED else [*steps[: LISTED - 1], steps[-1]]
    return f"the best {facts.measure} on validation was {', '.join(shown)}" if steps else ""
