"""Tables for people at a search's end: its result, its health, and its next round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpsearch.cli.tables import facts, ranges
from hpsearch.plural import counted
from hpsearch.report import gain_words, need_words, words
from hpsearch.report import yardstick_words as yardsticks
from hpsearch.report.words import plain

if TYPE_CHECKING:
    from hpsearch.report.views import (
        CheapestView,
        HealthView,
        ImportanceView,
        NextRoundView,
        PlanView,
        ResultRangeView,
        ResultView,
        TestView,
    )

FINALISTS = 5  # that are listed


def result(view: ResultView) -> Group:
    """The answer: best ranges with their reasons, the test score, what to know about it."""
    parts: list[RenderableType] = [
        _heading("Best range"),
        _best_ranges(view),
        _heading("Why"),
        facts((plain(name), _reason(best)) for name, best in view.ranges.items()),
    ]
    parts += _reach(view)
    if view.importance:
        parts += [
            _heading(_importance_heading(view.noise_sd)),
            _importance(view.importance, view.noise_sd),
            Text(words.IMPORTANCE),
        ]
    if view.surrogate_check is not None:
        parts.append(Text(words.surrogate_check(view.surrogate_check)))
    if view.finalists:
        parts += [_heading(_finalists_heading(view)), _finalists(view)]
        if len(view.finalists) > 1:
            parts.append(Text(words.RANKED))
    parts += [_heading("Test score"), _test(view)]
    needed = list(need_words.lines(view))
    if needed:
        parts += [_heading("Required, and its cost"), facts(needed)]
    if view.cheapest is not None and view.cheapest.curve:
        parts.append(_curve(view.cheapest))
    against = list(gain_words.lines(view))
    if against:
        parts += [_heading("Against your setting"), facts(against)]
    if view.health:
        parts += [_heading("To know"), *(Text(f"- {plain(line)}") for line in view.health)]
    return Group(*parts)


def _reach(view: ResultView) -> list[RenderableType]:
    """For which length of training the answer holds, and why no round followed."""
    lines = [] if view.length is None else [words.length(view.length)]
    lines += [f"Exploring ended: {plain(view.ended)}."] if view.ended else []
    return [Text(line) for line in lines]


def _curve(view: CheapestView) -> Table:
    table = Table("trial", f"cost in {need_words.title(view.quantity)}", "best score")
    for cost, score, trial in need_words.curve_rows(view):
        table.add_row(trial, cost, score)
    return table


def _best_ranges(view: ResultView) -> Table:
    table = _table("hyperparameter", "best range", "scale", "recommended", "verdict")
    recommended = words.effective(view.recommended.params, view.effective_with)
    for name, best in view.ranges.items():
        value = recommended.get(name)
        table.add_row(
            plain(name),
            words.span(best),
            best.scale or "",
            "" if value is None else words.level(value),
            words.verdict(best.verdict, best.basis),
        )
    return table


def _importance_heading(noise_sd: float | None) -> str:
    noise = "" if noise_sd is None else f" (noise of one training {words.number(noise_sd)})"
    return f"Importance inside the range{noise}"


def _importance(shares: Sequence[ImportanceView], noise_sd: float | None) -> Table:
    from hpsearch.report.views import by_importance

    table = _table("hyperparameter", "effect on the score", "share", "interval", "")
    for item in by_importance(shares, noise_sd):
        below = item.below(noise_sd)
        table.add_row(
            plain(item.name),
            words.number(item.total_effect),
            f"{item.total:.2f}",
            f"{item.low:.2f} to {item.high:.2f}",
            "below the noise" if below else "",
            style="dim" if below else None,
        )
    return table


def _finalists_heading(view: ResultView) -> str:
    others, alike = len(view.finalists) - 1, view.indistinguishable or 0
    if not others:
        return "Finalists"
    return f"Finalists ({alike} of {others} others cannot be told apart from the recommended one)"


def _finalists(view: ResultView) -> Table:
    finalists = view.finalists
    table = _table("parameters", "trainings", "expected", "mean score", "sd", "behind", "p", "")
    for position, item in enumerate(finalists[:FINALISTS]):
        first = position == 0
        table.add_row(
            words.params(item.params, view.effective_with),
            str(item.trainings),
            words.share(item.posterior_mean),
            words.share(item.mean),
            words.share(item.sd),
            "" if first else words.signed(item.difference),
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


def plan(view: PlanView) -> Group:
    """A plan before anything runs."""
    parts: list[RenderableType] = [Text(plain(view.summary))]
    if view.planned:
        budget = ", ".join(f"{value:g} {unit}" for unit, value in (view.budget or {}).items())
        parts.append(Text(f"planned from a budget of {budget}: {', '.join(view.planned)}"))
    if view.conditions:
        parts.append(Text(words.conditions(view.conditions)))
    table = _table("round", "kind", "trials", "rungs", "epochs")
    for r in view.rounds:
        rungs = ", ".join(str(rung) for rung in r.rungs)
        table.add_row(str(r.number), r.kind, str(r.trials), rungs, f"{r.epochs:,}")
    return Group(*parts, table, *(Text(f"- {plain(note)}") for note in view.notes))


def next_round(view: NextRoundView) -> Group:
    """The next round as it would be."""
    pairs: list[tuple[str, RenderableType]] = [
        ("round", f"{view.round}: {view.kind or 'none'}"),
        ("trials", str(view.trials)),
        ("rungs", ", ".join(str(rung) for rung in view.rungs) or "-"),
        ("epochs", f"{view.epochs_planned} in all"),
        ("ranges", ranges(view.ranges)),
        ("may reach", ranges(view.limits)),
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
    given = words.given(best)
    return (f"{given}: " if given else "") + best.reason + beyond


def _test(view: ResultView) -> Table:
    test = view.test
    if not test.sealed:
        return _scored_test(view)
    if yardsticks.of_numbers(view):
        return _numbers_test(view)
    pairs: list[tuple[str, RenderableType]] = [
        *yardsticks.scores(view),
        ("models of the range", _models(test)),
    ]
    if test.ensemble_accuracy is not None:
        pairs.append(("ensemble", words.share(test.ensemble_accuracy)))
    pairs.append(("validation accuracy", _validation(view)))
    if view.objective != "accuracy":
        score = words.share(view.recommended.score)
        pairs.append(("expected score", f"{score} by the objective, higher is better"))
    if view.optimism is not None:
        pairs.append(
            ("optimism", f"{view.optimism:+.4f} (validation minus test of one more model)")
        )
    pairs += yardsticks.classes(test)
    pairs.append(("test part", _test_part(test)))
    pairs.append(_digest(view))
    return facts(pairs)


def _numbers_test(view: ResultView) -> Table:
    """The test scores of a search that predicts numbers."""
    chosen = view.recommended
    score = f"{words.share(chosen.score)} by the objective, higher is better"
    return facts(
        [
            *yardsticks.scores(view),
            ("expected score", f"{score}; from {counted(chosen.trainings or 1, 'full training')}"),
            ("test part", _test_part(view.test)),
            _digest(view),
        ]
    )


def _scored_test(view: ResultView) -> Table:
    """The test scores of a search that has no accuracy."""
    test, chosen = view.test, view.recommended
    drawn = [model for model in test.models if model.role == "drawn" and model.score is not None]
    failed = sum(model.error is not None for model in test.models)
    without = f", {failed} failed" if failed else ""
    spread = "" if test.score_sd is None else f", sd {words.share(test.score_sd)}"
    count = chosen.trainings or 1
    lower = ", lower is better" if view.direction == "minimize" else ""
    return facts(
        [
            ("test score", words.share(test.score) + lower),
            ("models of the range", f"mean {words.share(test.score_mean)}{spread} over {len(drawn)}{without}"),
            ("expected score", f"{words.share(chosen.score)} from {counted(count, 'full training')}"),
            ("test part", _test_part(test)),
            _digest(view),
        ]
    )  # fmt: skip


def _test_part(test: TestView) -> str:
    if not test.sealed:
        return f"as reported; handed out {_times(test.attempts)}, sealed by its trainers"
    openings = f"{_times(test.attempts)} by it, {_times(test.dataset_openings)} in all"
    size = words.examples(test.examples, test.effective_examples)
    return f"{size}, unseen by the search; opened {openings}"


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


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(*titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
