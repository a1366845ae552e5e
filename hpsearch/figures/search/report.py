"""A search as one page: its answer, the evidence for it, and the spec that it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from hpsearch.figures.page import Page, Section, Table
from hpsearch.figures.search.style import titled
from hpsearch.report import gain_words, need_words, words
from hpsearch.report import yardstick_words as yardsticks
from hpsearch.report.views import (
    HealthView,
    ResultRangeView,
    ResultView,
    RoundView,
    StatusView,
)

TITLES: Mapping[str, tuple[str, str]] = {
    "ranges": ("Ranges over the rounds", "Each bar is the range of a round; its colour says why."),
    "trials": ("Trials", "Every point is a trial, coloured by its validation score."),
    "curves": ("Learning curves", "The best trials stand out."),
    "surface": ("Surface", "What the surrogate expects, all other values at their best place."),
    "parallel": (
        "Parallel coordinates",
        "Every line is a trial, coloured by its validation score; the better end of the score is the upper one.",
    ),
    "importance": ("Importance", words.IMPORTANCE),
}


@dataclass(frozen=True, slots=True, eq=False)
class ReportContents:
    """Contents of a report: views, the spec, and figures (data and layout) by name.

    `result` is None for a search that has not completed.
    """

    status: StatusView
    result: ResultView | None
    rounds: Sequence[RoundView]
    health: HealthView
    spec: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Any]]


def report(contents: ReportContents) -> Page:
    """The page of a search in whatever state it is."""
    status, result = contents.status, contents.result
    sections = [] if result is None else [_ranges(result)]
    sections += [
        _figure(name, contents.figures[name]) for name in TITLES if name in contents.figures
    ]
    sections.append(_health(contents.health))
    if result is not None and result.baseline is not None:
        against = Table(("", ""), list(gain_words.lines(result)))
        sections.append(Section("Against your setting", tables=[against]))
    if result is not None and (result.requirements or result.cheapest):
        needed = [Table(("", ""), list(need_words.lines(result)))]
        if result.cheapest is not None and result.cheapest.curve:
            rows = list(need_words.curve_rows(result.cheapest))
            needed.append(Table(need_words.CURVE, rows))
        sections.append(Section("Required, and its cost", tables=needed))
    if result is not None and result.finalists:
        sections.append(_finalists(result))
    sections.append(_rounds(contents.rounds))
    sections.append(
        Section("Spec", listing=json.dumps(contents.spec, indent=2, ensure_ascii=False))
    )
    reason = f" ({status.reason})" if status.reason else ""
    about = f"Search {status.id} on {status.dataset or 'trials trained elsewhere'} is {status.state}{reason}."
    when = f"Submitted {status.created_at}; ended {status.finished_at or 'not yet'}."
    facts = list(_running(status) if result is None else _answer(result))
    return Page(
        title=status.name or f"Search {status.id}",
        text=[about, when],
        sections=sections,
        tables=[Table(("", ""), facts)],
    )


def _running(status: StatusView) -> Iterator[Sequence[str]]:
    best = status.best
    yield "rounds", f"{status.rounds.completed} of {status.rounds.planned}"
    yield "epochs", f"{status.epochs.trained} of {status.epochs.planned}"
    if best is not None:
        yield "best trial so far", words.params(best.params, status.effective_with)
        yield "its validation score", words.best(best, status.objective)


def _answer(result: ResultView) -> Iterator[Sequence[str]]:
    """The result card: what to use, and how good it is on examples that nobody has seen."""
    test = result.test
    yield "recommended", words.params(result.recommended.params, result.effective_with)
    if result.length is not None:
        yield "length of trainings", words.length(result.length)
    if yardsticks.of_numbers(result):
        yield from yardsticks.scores(result)
        yield "validation score", words.share(result.recommended.shown)
    elif test.score is None:
        yield from yardsticks.scores(result)
        yield "models of the range", f"mean {words.share(test.mean)}, sd {words.share(test.sd)}"
        yield "ensemble", words.share(test.ensemble_accuracy)
        yield "validation accuracy", words.share(result.recommended.shown)
    else:
        lower = ", lower is better" if result.direction == "minimize" else ""
        yield "test score", words.share(test.score) + lower
        mean, sd = words.share(test.score_mean), words.share(test.score_sd)
        yield "models of the range", f"mean {mean}, sd {sd}"
        yield "validation score", words.share(result.recommended.shown)
    if result.optimism is not None:
        yield "optimism", f"{result.optimism:+.4f} (validation minus test of one more model)"
    yield from yardsticks.classes(test)
    size = words.examples(test.examples, test.effective_examples)
    yield "test part", f"{size}, opened {test.attempts} time(s) by this search"
    yield "digest", result.digest or f"none: {result.digest_reason or 'not given'}"


def _ranges(result: ResultView) -> Section:
    rows = [
        (
            titled(name),
            words.span(view),
            words.span(view.asked) + (", left behind" if view.outside_asked else ""),
            _recommended(result, name),
            words.verdict(view.verdict, view.basis),
        )
        for name, view in result.ranges.items()
    ]
    reasons = [(titled(name), _reason(view)) for name, view in result.ranges.items()]
    head = ("hyperparameter", "best range", "asked", "recommended", "verdict")
    return Section("Best range", tables=[Table(head, rows), Table(("", "why"), reasons)])


def _reason(view: ResultRangeView) -> str:
    given = words.given(view)
    return f"{given}: {view.reason}" if given else view.reason


def _recommended(result: ResultView, name: str) -> str:
    value = words.effective(result.recommended.params, result.effective_with).get(name)
    return "" if value is None else words.level(value)


def _figure(name: str, figure: Mapping[str, Any]) -> Section:
    title, text = TITLES[name]
    return Section(title, text=[text], figures=[go.Figure(dict(figure))])


def _health(health: HealthView) -> Section:
    if not health.notes:
        return Section("Health", text=["Nothing to report."])
    rows = [(note.severity, note.message, note.advice) for note in health.notes]
    return Section("Health", tables=[Table(("", "what", "what to do"), rows)])


def _finalists(result: ResultView) -> Section:
    rows = [
        (
            words.params(one.params, result.effective_with),
            f"{one.trainings}",
            words.share(one.posterior_mean),
            f"{words.share(one.mean)} ± {words.share(one.sd)}",
            words.signed(one.difference) if place else "",
            "recommended" if not place else "alike" if one.indistinguishable else "worse",
        )
        for place, one in enumerate(result.finalists)
    ]
    head = ("parameters", "trainings", "expected", "score", "behind", "")
    return Section("Finalists", text=[words.RANKED], tables=[Table(head, rows)])


def _rounds(rounds: Sequence[RoundView]) -> Section:
    rows = [
        (
            f"{one.number}",
            one.kind,
            f"{one.trials.planned}",
            f"{one.epochs_trained or 0}",
            words.share(one.best.shown if one.best else None),
        )
        for one in rounds
    ]
    head = ("round", "kind", "trials", "epochs trained", "best validation score")
    return Section("Rounds", tables=[Table(head, rows)])
