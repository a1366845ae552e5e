"""Tables for people at a search's end: its result, its health, and its next round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpsearch.cli.tables import facts, ranges
from hpsearch.report import words
from hpsearch.report.words import plain

if TYPE_CHECKING:
    from hpsearch.report.views import (
        FinalistView,
        HealthView,
        ImportanceView,
        NextRoundView,
        ResultRangeView,
        ResultView,
        TestView,
    )

FINALISTS = 5  # that are listed
_SHARES = "Share: of the score's variation inside the range, how much it takes part in."


def result(view: ResultView) -> Group:
    """The answer: best ranges with their reasons, the test score, what to know about it."""
    parts: list[RenderableType] = [
        _heading("Best range"),
        _best_ranges(view),
        _heading("Why"),
        facts((plain(name), _reason(best)) for name, best in view.ranges.items()),
    ]
    if view.importance:
        parts += [
            _heading("Importance inside the range"),
            _importance(view.importance),
            Text(_SHARES),
        ]
    if view.finalists:
        parts += [_heading(_finalists_heading(view)), _finalists(view.finalists)]
        if len(view.finalists) > 1:
            parts.append(Text(words.RANKED))
    parts += [_heading("Test score"), _test(view)]
    if view.health:
        parts += [_heading("To know"), *(Text(f"- {plain(line)}") for line in view.health)]
    return Group(*parts)


def _best_ranges(view: ResultView) -> Table:
    table = _table("hyperparameter", "best range", "scale", "recommended", "verdict")
    for name, best in view.ranges.items():
        value = view.recommended.params.get(name)
        table.add_row(
            plain(name),
            words.span(best),
            best.scale or "",
            "" if value is None else words.level(value),
            best.verdict.replace("_", " "),
        )
    return table


def _importance(shares: Sequence[ImportanceView]) -> Table:
    table = _table("hyperparameter", "share", "interval", "sd of its effect")
    for item in shares:
        interval = f"{item.low:.2f} to {item.high:.2f}"
        table.add_row(plain(item.name), f"{item.total:.2f}", interval, words.number(item.effect))
    return table


def _finalists_heading(view: ResultView) -> str:
    others, alike = len(view.finalists) - 1, view.indistinguishable or 0
    if not others:
        return "Finalists"
    return f"Finalists ({alike} of {others} others cannot be told apart from the recommended one)"


def _finalists(finalists: Sequence[FinalistView]) -> Table:
    table = _table("parameters", "trainings", "expected", "mean score", "sd", "behind", "p", "")
    for position, item in enumerate(finalists[:FINALISTS]):
        first = position == 0
        table.add_row(
            words.params(item.params),
            str(item.trainings),
            words.share(item.posterior_mean),
            words.share(item.mean),
            words.share(item.sd),
            "" if first else f"{item.difference:+.4f}",
            "" if item.p is None else f"{item.p:.2g}",
            "recommended" if first else "alike" if item.indistinguishable else "worse",
        )
    if len(finalists) > FINALISTS:
        table.add_row(f"and {len(finalists) - FINALISTS} more")
    return table


def health(view: HealthView) -> RenderableType:
    """The findings, each with what to do about it."""
    if not view.notes:
        return Text("nothing to report")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for note in view.notes:
        table.add_row(note.severity, Text(plain(note.message)))
        table.add_row("", Text(f"-> {plain(note.advice)}"))
    return table


def next_round(view: NextRoundView) -> Group:
    """The next round as it would be."""
    pairs: list[tuple[str, RenderableType]] = [
        ("round", f"{view.round}: {view.kind or 'none'}"),
        ("trials", str(view.trials)),
        ("rungs", ", ".join(str(rung) for rung in view.rungs) or "-"),
        ("epochs", f"{view.epochs_planned} in all"),
        ("ranges", ranges(view.ranges)),
    ]
    if view.reason:
        pairs.append(("because", view.reason))
    parts: list[RenderableType] = [facts(pairs)]
    if view.decisions:
        reasons = facts((plain(name), decision.reason) for name, decision in view.decisions.items())
        parts += [_heading("Why"), reasons]
    if view.preliminary:
        parts.append(
            Text(f"\npreliminary: {view.open_trials} trials of the round before still run")
        )
    return Group(*parts)


def _reason(best: ResultRangeView) -> str:
    beyond = f"; asked was {words.span(best.asked)}" if best.outside_asked else ""
    return best.reason + beyond


def _test(view: ResultView) -> Table:
    test = view.test
    if test.score is not None or not test.sealed:
        return _scored_test(view)
    pairs: list[tuple[str, RenderableType]] = [
        ("test accuracy", f"{words.share(test.accuracy)}{_interval(test)}"),
        ("models of the range", _models(test)),
    ]
    if test.ensemble_accuracy is not None:
        pairs.append(("ensemble", words.share(test.ensemble_accuracy)))
    pairs.append(("validation accuracy", _validation(view)))
    if view.optimism is not None:
        pairs.append(
            ("optimism", f"{view.optimism:+.4f} (validation minus test of one more model)")
        )
    pairs.append(("test part", _test_part(test)))
    pairs.append(_digest(view))
    return facts(pairs)


def _scored_test(view: ResultView) -> Table:
    """The test scores of a search that has no accuracy."""
    test, chosen = view.test, view.recommended
    drawn = [model for model in test.models if model.role == "drawn" and model.score is not None]
    spread = "" if test.score_sd is None else f", sd {words.share(test.score_sd)}"
    count = chosen.trainings or 1
    return facts(
        [
            ("test score", words.share(test.score)),
            ("models of the range", f"mean {words.share(test.score_mean)}{spread} over {len(drawn)}"),
            ("expected score", f"{words.share(chosen.score)} from {count} full trainings"),
            ("test part", _test_part(test)),
            _digest(view),
        ]
    )  # fmt: skip


def _test_part(test: TestView) -> str:
    if not test.sealed:
        return f"as reported; handed out {_times(test.attempts)}, sealed by its trainers"
    openings = f"{_times(test.attempts)} by it, {_times(test.dataset_openings)} in all"
    return f"{test.examples} examples, unseen by the search; opened {openings}"


def _digest(view: ResultView) -> tuple[str, RenderableType]:
    return "digest", view.digest or f"none: {view.digest_reason or 'not given'}"


def _validation(view: ResultView) -> str:
    chosen, count = view.recommended, view.recommended.trainings or 1
    mean = f", mean of {count} trainings" if count > 1 else ""
    return words.share(chosen.validation_accuracy) + mean


def _models(test: TestView) -> str:
    drawn = [model for model in test.models if model.role == "drawn" and model.accuracy is not None]
    if test.mean is None:
        return f"{len(drawn)}"
    spread = "" if test.sd is None else f", sd {words.share(test.sd)}"
    return f"mean {words.share(test.mean)}{spread} over {len(drawn)}"


def _interval(test: TestView) -> str:
    if test.ci95 is None:
        return ""
    low, high = test.ci95
    return f"  (95 % interval {words.share(low)} to {words.share(high)})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(*titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
