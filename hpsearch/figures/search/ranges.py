"""Ranges over rounds: bars that shrink, shift and expand, coloured by what the evidence said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import DecisionView, RangeView, ResultView, RoundView
from hpsearch.space import Level, same_level
from hpsearch.trials import Verdict

COLUMNS = 2  # at the most
PANEL, GAP, TOP = 190, 95, 70  # pixels: of a panel, below it, above all
BAR = 0.62  # of the distance between two rounds


def ranges(
    rounds: Sequence[RoundView],
    asked: Mapping[str, RangeView],
    *,
    result: ResultView | None = None,
    columns: int = COLUMNS,
) -> Figure:
    """Draw a panel for each hyperparameter: its range in every round, and after the last one.

    Parameters
    ----------
    rounds
        All rounds so far, in order.
    asked
        The ranges of the spec.
    result
        The answer, once there is one.
    columns
        Panels beside each other; one where the screen is narrow.
    """
    names = list(asked)
    if not names or not rounds:
        return style.nothing("no round has begun yet")
    rows = -(-len(names) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=[style.titled(name) for name in names],
        horizontal_spacing=0.12, vertical_spacing=GAP / (rows * (PANEL + GAP)),
    )  # fmt: skip
    for index, name in enumerate(names):
        _panel(figure, name, rounds, asked[name], result, _place(index, columns))
    _legend(figure, rounds)
    figure.update_annotations(font={"size": 14})
    height = TOP + rows * (PANEL + GAP)
    style.laid_out(figure, height=height, barmode="overlay")
    # Above the panels' titles, at the same distance however many rows there are.
    figure.update_layout(legend={"y": 1 + 30 / (rows * (PANEL + GAP))}, margin={"t": TOP})
    return figure


def _place(index: int, columns: int) -> dict[str, int]:
    return {"row": index // columns + 1, "col": index % columns + 1}


def _panel(
    figure: Figure,
    name: str,
    rounds: Sequence[RoundView],
    asked: RangeView,
    result: ResultView | None,
    place: dict[str, int],
) -> None:
    bars = [(f"{r.number}", r.ranges[name], _led_to(rounds, i, name)) for i, r in enumerate(rounds)
            if r.kind != "final" and name in r.ranges]  # fmt: skip
    answer = _answer(rounds, name, result)
    if answer is not None:
        bars.append(("best", *answer))
    x = [label for label, _, _ in bars]
    if asked.choices is not None:
        _levels(figure, bars, asked.choices, place)
        figure.update_yaxes(**style.axis("", log=False), **place)
    else:
        log = style.is_log([asked])
        for bar in bars:
            _bar(figure, *bar, place=place)
        bests = [(f"{r.number}", r.best.params) for r in rounds if r.best is not None]
        best = [(number, params[name]) for number, params in bests if name in params]
        figure.add_trace(_best(best, x), **place)
        for edge in (asked.low, asked.high):
            figure.add_hline(y=edge, line={"color": style.INK, "width": 1, "dash": "dot"}, **place)
        figure.update_yaxes(**style.axis("", log=log), **place)
    settings = style.axis("round", log=False, type="category", categoryarray=x)
    figure.update_xaxes(**settings, **place)


def _led_to(rounds: Sequence[RoundView], index: int, name: str) -> DecisionView | None:
    """The decision that drew the box of a round; none for the first."""
    return rounds[index - 1].decisions.get(name) if index else None


def _answer(
    rounds: Sequence[RoundView], name: str, result: ResultView | None
) -> tuple[RangeView, DecisionView | None] | None:
    """The range after the last round that has decided something, or that of the result."""
    decided = [r.decisions[name] for r in rounds if name in r.decisions]
    if result is not None and name in result.ranges:
        return result.ranges[name], decided[-1] if decided else None
    searching = [r for r in rounds if r.kind != "final"]
    if searching and name in searching[-1].decisions:
        return searching[-1].decisions[name].after, searching[-1].decisions[name]
    return None


def _bar(
    figure: Figure,
    label: str,
    where: RangeView,
    decision: DecisionView | None,
    *,
    place: dict[str, int],
) -> None:
    if where.low is None or where.high is None:
        return
    why = (
        "as asked"
        if decision is None
        else f"{words.verdict(decision.verdict, decision.basis)}: {decision.reason}"
    )
    bar = go.Bar(
        x=[label], y=[where.high - where.low], base=[where.low], width=BAR, showlegend=False,
        marker={"color": _colour(decision), "line": {"width": 0}, "opacity": 0.85},
        hovertext=f"<b>{label}</b>: {words.span(where)}<br>{style.wrapped(why)}",
        hoverinfo="text",
    )  # fmt: skip
    figure.add_trace(bar, **place)


def _best(best: Sequence[tuple[str, Level | None]], x: Sequence[str]) -> Any:
    """A mark at the best trial of each round."""
    points = [(label, value) for label, value in best if value is not None and label in x]
    return go.Scatter(
        x=[p[0] for p in points], y=[p[1] for p in points], mode="markers", showlegend=False,
        marker={"symbol": "line-ew-open", "size": 16, "color": "#ffffff",
                "line": {"width": 2, "color": "#ffffff"}},
        text=[style.shown(p[1]) for p in points],
        hovertemplate="best trial of round %{x}: %{text}<extra></extra>",
    )  # fmt: skip


def _levels(
    figure: Figure,
    bars: Sequence[tuple[str, RangeView, DecisionView | None]],
    levels: Sequence[Level],
    place: dict[str, int],
) -> None:
    """A square for every level that a round drew from."""
    for label, where, decision in bars:
        left = where.choices or ()
        shown = [style.shown(x) for x in levels if any(same_level(x, one) for one in left)]
        why = (
            "as asked"
            if decision is None
            else f"{words.verdict(decision.verdict, decision.basis)}: {decision.reason}"
        )
        marks = go.Scatter(
            x=[label] * len(shown), y=shown, mode="markers", showlegend=False,
            marker={"symbol": "square", "size": 15, "color": _colour(decision)},
            hovertext=style.wrapped(why), hoverinfo="text",
        )  # fmt: skip
        figure.add_trace(marks, **place)


def _colour(decision: DecisionView | None) -> str:
    return style.PURPLE if decision is None else style.VERDICTS.get(decision.verdict, style.PURPLE)


def _legend(figure: Figure, rounds: Sequence[RoundView]) -> None:
    """Explain the colours in use."""
    verdicts = {d.verdict for r in rounds for d in r.decisions.values()}
    named = {"as asked": style.PURPLE}
    named |= {
        "open" if Verdict(v).open else str(v): colour
        for v, colour in style.VERDICTS.items()
        if v in verdicts
    }
    for name, colour in named.items():
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="markers", name=name,
                       marker={"symbol": "square", "size": 11, "color": colour})
        )  # fmt: skip
