"""Colours, axes and words that the figures of a search share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from hpsearch.digits import alone
from hpsearch.directions import Direction
from hpsearch.figures.page import Figure
from hpsearch.report.views import RangeView, TrialView
from hpsearch.space import Level, level_text
from hpsearch.trials import Verdict

# Okabe and Ito 2008, with contrast on white and on dark grey.
BLUE, VERMILION, GREEN, GREY, AMBER, PURPLE = (
    "#3b8fc7", "#d55e00", "#1a9e77", "#8a929c", "#c98a00", "#b0699a",
)  # fmt: skip
SCALE = "Viridis"
FADED = 0.3  # quantile of the scores where the colours begin: the good ones are to be told apart
INK = "#7d8590"  # of axes and words, legible on both
GRID = "rgba(125, 133, 144, 0.22)"
FONT = "system-ui, sans-serif"

VERDICTS: Mapping[str, str] = {
    Verdict.NARROWED: BLUE,
    Verdict.KEPT: GREEN,
    Verdict.UNIDENTIFIED: GREY,
    Verdict.OPEN_LOW: VERMILION,
    Verdict.OPEN_HIGH: VERMILION,
    Verdict.OPEN_BOTH: VERMILION,
}
DECADES_LABELLED = 6  # more decades than that have a label at every second one


def titled(name: str) -> str:
    """A hyperparameter's name as people write it."""
    return name.replace("_", " ")


def measure(trials: Sequence[TrialView]) -> str:
    """Name of the value `TrialView.shown` of these trials."""
    counted = any(t.validation_accuracy is not None for t in trials)
    return "validation accuracy" if counted else "score"


def is_log(ranges: Sequence[RangeView]) -> bool:
    """Say whether an axis of these ranges is logarithmic."""
    return any(r.scale == "log" for r in ranges)


def colours(scores: Sequence[float], title: str, direction: Direction) -> dict[str, Any]:
    """The colour axis of scores, the best ones bright; the worst of them share the darkest colour."""
    lowest_last = direction == "minimize"
    values = sorted(scores, reverse=lowest_last)
    ends = {}
    if values and values[int(FADED * len(values))] != values[-1]:
        low, high = sorted((values[int(FADED * len(values))], values[-1]))
        ends = {"cmin": low, "cmax": high}
    bar = {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    return {"colorscale": SCALE, "reversescale": lowest_last, "colorbar": bar, **ends}


def axis(title: str, *, log: bool, **more: Any) -> dict[str, Any]:
    """The settings of one axis."""
    settings: dict[str, Any] = {
        "title": {"text": title, "standoff": 8, "font": {"size": 13}},
        "gridcolor": GRID, "linecolor": INK, "tickcolor": INK, "ticks": "outside",
        "showline": True, "zeroline": False, "automargin": True,
    }  # fmt: skip
    if log:
        settings |= {"type": "log", "exponentformat": "power", "nticks": DECADES_LABELLED}
    return settings | more


def laid_out(figure: Figure, *, height: int, **more: Any) -> Figure:
    """The figure with the look that all share."""
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13, "color": INK},
        template=None,
        hovermode="closest",
        hoverlabel={"align": "left", "font": {"family": FONT, "size": 12}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        **more,
    )
    return figure


def nothing(why: str) -> Figure:
    """A figure that says why there is nothing to see."""
    figure = go.Figure()
    figure.add_annotation(text=why, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    hidden = {"visible": False}
    return laid_out(figure, height=160, xaxis=hidden, yaxis=hidden)


def wrapped(text: str, width: int = 60) -> str:
    """Lines of about `width` characters, as a hover label needs them; markup stays text."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "<br>".join(escaped(part) for part in [*lines, line])


def escaped(text: str) -> str:
    """Text in which plotly sees no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shown(value: Level) -> str:
    """A value of a hyperparameter in few characters."""
    return alone(value, 3) if isinstance(value, float) else escaped(level_text(value))


def exponent(value: float, *, log: bool) -> float:
    """Coordinate of a value on an axis of plotly: log axes are counted in decades."""
    return math.log10(value) if log else value
