"""Trials as points over two hyperparameters, coloured by score, with the box of every round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from hpsearch.directions import Direction
from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import RangeView, RoundView, TrialView


@dataclass(frozen=True, slots=True)
class Sample:
    """The trials to be shown: all, or of many the best ones and every so many-th of the rest.

    `of` counts the trials they were taken from. `direction` says which of their scores are better.
    """

    trials: Sequence[TrialView]
    of: int
    direction: Direction = "maximize"


def trials(sample: Sample, rounds: Sequence[RoundView], *, x: str, y: str) -> Figure:
    """Trials over the hyperparameters `x` and `y`, on the scales of their ranges.

    Those without a value of one of them are counted, and drawn nowhere.

    Raises
    ------
    KeyError
        No round has a range of that name.
    """
    axes = {name: [r.ranges[name] for r in rounds] for name in (x, y)}
    if not sample.trials or not rounds:
        return style.nothing("no trial has ended yet")
    figure = go.Figure()
    placed = [t for t in sample.trials if {x, y} <= t.params.keys()]
    scored = [t for t in placed if t.shown is not None]
    diverged = [t for t in placed if t.state == "diverged"]
    figure.add_trace(_points(scored, x, y))
    figure.add_trace(_crosses(diverged, x, y))
    for number, one in enumerate(rounds, 1):
        if one.kind == "explore":
            _box(figure, one, x, y, share=number / len(rounds))
    note = (
        "" if len(sample.trials) == sample.of else f"{len(sample.trials):,} of {sample.of:,} trials"
    )
    if len(placed) < len(sample.trials):
        lacking = f"{len(sample.trials) - len(placed):,} have no value of {x} or {y}"
        note = f"{note}, {lacking}" if note else f"{lacking}"
    style.laid_out(
        figure, height=460, title={"text": note, "font": {"size": 12}, "x": 1, "xanchor": "right"},
        xaxis=_axis(x, axes[x]), yaxis=_axis(y, axes[y]),
        coloraxis=style.colours([t.shown for t in scored if t.shown is not None], style.measure(scored), sample.direction),
    )  # fmt: skip
    return figure


def _axis(name: str, ranges: Sequence[RangeView]) -> dict[str, Any]:
    if ranges and ranges[0].choices is not None:
        order = [style.shown(level) for level in ranges[0].choices]
        return style.axis(style.titled(name), log=False, type="category", categoryarray=order)
    return style.axis(style.titled(name), log=style.is_log(ranges))


def _points(scored: Sequence[TrialView], x: str, y: str) -> Any:
    return go.Scatter(
        x=[_value(t, x) for t in scored], y=[_value(t, y) for t in scored],
        mode="markers", name="trial", showlegend=False, text=[_about(t) for t in scored],
        marker={"color": [t.shown for t in scored], "coloraxis": "coloraxis",
                "size": [9 if t.state == "completed" else 6 for t in scored],
                "line": {"width": 0.5, "color": "rgba(255,255,255,0.6)"}},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _crosses(diverged: Sequence[TrialView], x: str, y: str) -> Any:
    return go.Scatter(
        x=[_value(t, x) for t in diverged], y=[_value(t, y) for t in diverged],
        mode="markers", name="diverged", text=[_about(t) for t in diverged],
        showlegend=bool(diverged),
        marker={"symbol": "x-thin", "size": 7, "line": {"width": 1.4, "color": style.VERMILION}},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _value(trial: TrialView, name: str) -> Any:
    value = trial.params[name]
    return (
        value
        if isinstance(value, int | float) and not isinstance(value, bool)
        else style.shown(value)
    )


def _about(trial: TrialView) -> str:
    score = trial.shown
    head = f"<b>trial {trial.id}</b>, {trial.state} after {trial.epochs} epochs"
    if score is not None:
        head += f"<br>{style.measure([trial])} {words.share(score)}"
    params = [f"{style.titled(n)} {style.shown(v)}" for n, v in trial.params.items()]
    return "<br>".join([head, *params])


def _box(figure: Figure, one: RoundView, x: str, y: str, *, share: float) -> None:
    """The outline of a round's box, the later the stronger."""
    across, up = one.ranges[x], one.ranges[y]
    if across.low is None or up.low is None:
        return
    line = {"color": style.PURPLE, "width": 1 + 1.5 * share}
    figure.add_shape(
        type="rect", x0=across.low, x1=across.high, y0=up.low, y1=up.high, layer="below",
        line=line, opacity=0.25 + 0.75 * share,
        label={"text": str(one.number), "textposition": "top left", "font": {"size": 11}},
    )  # fmt: skip
