"""Learning curves: accuracy or score after every epoch, the best trials over the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from hpsearch.directions import Direction, sign_of
from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import CurvePoint, TrialView

BEST = 5  # that stand out


def curves(trials: Sequence[TrialView], direction: Direction = "maximize") -> Figure:
    """The learning curves of `trials`, which must have been read with their curves."""
    sign = sign_of(direction)
    drawn = [t for t in trials if t.curve and t.state != "diverged"]
    drawn.sort(key=lambda t: (t.epochs, sign * (t.shown or 0.0)))
    if not drawn:
        return style.nothing("no trial has ended yet")
    figure = go.Figure(_others(drawn[:-BEST]))
    for place, trial in enumerate(reversed(drawn[-BEST:])):
        figure.add_trace(_best(trial, place))
    return style.laid_out(
        figure, height=380,
        xaxis=style.axis("epoch", log=False, rangemode="tozero"),
        yaxis=style.axis(style.measure(drawn), log=False),
    )  # fmt: skip


def _height(point: CurvePoint) -> float | None:
    """The accuracy, or the score where there is none."""
    return point[3] if point[2] is None else point[2]


def _others(trials: Sequence[TrialView]) -> list[Any]:
    """All other curves as one trace, parted by gaps: hundreds of traces would be slow."""
    x: list[int | None] = []
    y: list[float | None] = []
    for trial in trials:
        for point in trial.curve or ():
            x.append(point[0])
            y.append(_height(point))
        x.append(None)
        y.append(None)
    if not x:
        return []
    line = {"color": style.GREY, "width": 1}
    return [
        go.Scatter(x=x, y=y, mode="lines+markers", name="others", opacity=0.45, line=line,
                   marker={"size": 3, "color": style.GREY}, hoverinfo="skip", connectgaps=False)
    ]  # fmt: skip


def _best(trial: TrialView, place: int) -> Any:
    colours = (style.BLUE, style.VERMILION, style.GREEN, style.AMBER, style.PURPLE)
    params = ", ".join(f"{style.titled(n)} {style.shown(v)}" for n, v in trial.params.items())
    points = trial.curve or []
    return go.Scatter(
        x=[p[0] for p in points], y=[_height(p) for p in points], mode="lines+markers",
        name=f"trial {trial.id}", line={"color": colours[place % len(colours)], "width": 2},
        marker={"size": 5}, text=[f"{words.share(_height(p))}<br>{style.wrapped(params)}" for p in points],
        hovertemplate=f"trial {trial.id}, epoch %{{x}}: %{{text}}<extra></extra>",
    )  # fmt: skip
