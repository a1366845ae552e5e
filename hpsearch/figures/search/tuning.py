"""The tuning curve: the best score that so many random trials lead to, with its band."""

from __future__ import annotations

import plotly.graph_objects as go

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import TuningCurveView, TuningPointView

BAND = "rgba(59, 143, 199, 0.22)"  # the blue of the curve, lightly


def tuning(view: TuningCurveView) -> Figure:
    """Mean and median of the best of k trials over k, and the band of the mean where it has one."""
    if view.not_available is not None:
        return style.nothing(f"no tuning curve: {view.not_available}")
    figure = go.Figure()
    banded = [p for p in view.points if p.expected_low is not None and p.expected_high is not None]
    if view.confidence is not None and banded:
        across = [p.trials for p in banded]
        figure.add_trace(
            go.Scatter(
                x=[*across, *across[::-1]],
                y=[*(p.expected_high for p in banded), *(p.expected_low for p in banded[::-1])],
                fill="toself", fillcolor=BAND, line={"width": 0}, mode="lines", hoverinfo="skip",
                name=f"{view.confidence:.0%} band of the mean, of all numbers of trials at once",
            )
        )  # fmt: skip
    lines = (
        ("mean of the best", [p.expected for p in view.points], "solid"),
        ("its median", [p.median for p in view.points], "dot"),
    )
    for name, values, dash in lines:
        figure.add_trace(
            go.Scatter(
                x=[p.trials for p in view.points], y=values, name=name, mode="lines",
                line={"color": style.BLUE, "dash": dash, "width": 2},
                hovertext=[_about(p) for p in view.points], hoverinfo="text",
            )
        )  # fmt: skip
    return style.laid_out(
        figure, height=380,
        xaxis=style.axis("trials drawn at random and trained in full", log=False, rangemode="tozero"),
        yaxis=style.axis("best validation score", log=False),
    )  # fmt: skip


def _about(point: TuningPointView) -> str:
    mean, median = words.share(point.expected), words.share(point.median)
    best = f"best of {point.trials}: mean {mean}, median {median}"
    if point.expected_low is None or point.expected_high is None:
        return best
    low, high = words.share(point.expected_low), words.share(point.expected_high)
    return f"{best}<br>mean between {low} and {high}"
