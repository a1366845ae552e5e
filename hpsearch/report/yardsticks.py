"""Yardsticks beside the test score: every metric, the classes, and why a number is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.evidence import Doubt, FinalScores, MetricScore
from hpsearch.metrics import METRICS
from hpsearch.plural import counted
from hpsearch.report.views import MetricScoreView

INTERVAL_ROWS = 10  # examples of a class behind an interval: those of `hpsearch.metrics.tested`
INTERVAL_GROUPS = 5  # groups of test examples, likewise


def metric_views(scores: FinalScores, labels: Sequence[str]) -> dict[str, MetricScoreView]:
    """The recommended model's scores by the names of the metrics that there still are."""
    return {
        name: MetricScoreView(
            direction=metric.direction,
            value=score.value,
            ci95=score.ci95,
            baseline=score.baseline,
            note=_note(score, labels, scores.class_counts or (), by_class=metric.by_class),
        )
        for name, score in scores.metrics.items()
        if (metric := METRICS.get(name)) is not None
    }


def fields(scores: FinalScores | None, labels: Sequence[str]) -> dict[str, Any]:
    """The fields of a `TestView` that hold yardsticks; none of a result of an earlier version."""
    if scores is None:
        return {}
    made: dict[str, Any] = {"metrics": metric_views(scores, labels) or None}
    counts, by_weight = scores.class_counts, scores.weighted
    if counts is not None:
        made["classes"] = list(labels)
        made["class_counts"] = list(counts)
        made["majority_share"] = max(counts) / sum(counts)
    if by_weight is not None:
        made["majority_share"] = by_weight.majority
        made["effective_examples"] = by_weight.effective
    if scores.confusion is not None:
        made["confusion"] = [list(row) for row in scores.confusion]
    return made


def _note(
    score: MetricScore, labels: Sequence[str], counts: Sequence[int], *, by_class: bool
) -> str | None:
    """The doubt about a score in words."""
    label = None if score.label is None else labels[score.label]
    examples, few = counted(score.rows or 0, "test example"), f"an interval takes {INTERVAL_ROWS}"
    of_class = "" if label is None else f" of class {label}"
    parts = {
        Doubt.ONE_CLASS: f"no value: every test example is of class {label}",
        Doubt.NOT_FINITE: "a number that is not finite came out",
        Doubt.FEW_ROWS: f"no interval: {examples} of class {label}; {few}",
        Doubt.FEW_PREDICTED: f"no interval: {score.rows} answers of class {label}; {few}",
        Doubt.ALL_ALIKE: "no interval: every resample of the test part has the same value",
        Doubt.ROUGH: f"the interval is rough: {examples} of class {label}",
        Doubt.NO_POSITIVE: "no value: no test example is positive, and none is answered so",
        Doubt.CONSTANT: "no value: all targets of the test part are equal",
        Doubt.UNEVEN: (
            f"no interval: by their weights the test examples{of_class} count for {score.rows}; {few}"
        ),
        Doubt.HEAVY_TAILS: (
            "the interval is too narrow: a few large errors make much of the squared error; mae is "
            "steadier"
        ),
        Doubt.FEW_GROUPS: (
            f"no interval: {counted(score.rows or 0, 'group')} of test examples; an interval takes "
            f"{INTERVAL_GROUPS}"
        ),
        Doubt.NARROW_BY_GROUPS: (
            f"the interval is too narrow: {counted(score.rows or 0, 'group')} of test examples"
        ),
        Doubt.CLASS_IN_FEW_GROUPS: "no interval: some class is in too few groups of test examples",
    }
    said = [] if score.doubt is None else [parts[score.doubt]]
    present = sum(count > 0 for count in counts)
    if by_class and present < len(counts):
        said.append(f"{present} of {len(counts)} classes have test examples")
    return "; ".join(said) or None
