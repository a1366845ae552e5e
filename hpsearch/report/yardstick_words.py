"""The yardsticks of a test score as lines for people: name and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hpsearch.report import words

if TYPE_CHECKING:
    from hpsearch.report.views import MetricScoreView, ResultView, TestView

CLASSES = 20  # that are listed one by one

Lines = Iterator[tuple[str, str]]


def of_numbers(view: ResultView) -> bool:
    """Tell whether the search predicts numbers, and has no accuracy to speak of."""
    from hpsearch.metrics import METRICS  # loads NumPy

    metric = METRICS.get(view.objective)
    if metric is None:
        return view.test.sealed and view.test.score is not None
    return metric.task == "regression"


def scores(view: ResultView) -> Lines:
    """The test score by the objective first, then by the other metrics, each with its baseline."""
    test, metrics = view.test, view.test.metrics or {}
    order = sorted(metrics, key=lambda name: name != view.objective)
    if not metrics and of_numbers(view):
        yield f"test {view.objective}", words.share(None)
    elif "accuracy" not in metrics and not of_numbers(view):
        yield "test accuracy", f"{words.share(test.accuracy)}{_interval(test.ci95)}"
    for name in order:
        title = f"test {words.metric(name)}"
        if name == view.objective and name != "accuracy":
            title += " (objective)"
        yield title, score(metrics[name])
    if test.ci95_note is not None:
        yield "no Wilson interval", test.ci95_note
    if test.objective_mean is not None and view.objective != "accuracy":
        sd = "" if test.objective_sd is None else f", sd {words.share(test.objective_sd)}"
        title = f"{words.metric(view.objective)} of the range"
        yield title, f"mean {words.share(test.objective_mean)}{sd}"


def score(item: MetricScoreView) -> str:
    """A value with its interval, its baseline, and what is missing."""
    text = f"{words.share(item.value)}{_interval(item.ci95)}"
    if item.baseline is not None:
        text += f"; always the same answer: {words.share(item.baseline)}"
    return text if item.note is None else f"{text} ({item.note})"


def classes(test: TestView) -> Lines:
    """Test examples by class, and the confusion matrix."""
    if test.classes is None or test.class_counts is None:
        return
    counts = sorted(zip(test.class_counts, test.classes, strict=True), reverse=True)
    listed = ", ".join(f"{words.plain(name)} {count}" for count, name in counts[:CLASSES])
    more = f", and {len(counts) - CLASSES} more classes" if len(counts) > CLASSES else ""
    yield "test examples by class", f"{listed}{more}"
    if test.confusion is not None:
        yield "answers by true class", "\n".join(confusion(test.classes, test.confusion))


def confusion(labels: list[str], rows: list[list[int]]) -> Iterator[str]:
    """A line for each true class: how often each class was answered, wrong ones only if any."""
    for label, row in zip(labels, rows, strict=True):
        answered = (f"{words.plain(n)} {c}" for n, c in zip(labels, row, strict=True) if c)
        yield f"{words.plain(label)}: {', '.join(answered) or 'no test example'}"


def _interval(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return ""
    return f"  (95 % interval {words.share(ends[0])} to {words.share(ends[1])})"
