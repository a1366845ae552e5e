"""Trials as lines over an axis for each hyperparameter and the score, coloured by score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import AxisView, CoordinatesView, TrialLineView

GROUPS = 12  # of lines that share a colour, and so a trace
LACKING = -0.12  # height of values that a trial does not have
HEIGHT = 480
PAPER = "rgba(255, 255, 255, 0.75)"  # behind a tick, which lines cross
LONGEST = 16  # characters of a tick
CROWDED = 10  # axes, beyond which letters are smaller and ticks half as long


def parallel(view: CoordinatesView) -> Figure:
    """A line for each trial; values without effect in it, and scores of diverged ones, lie below the axes."""
    if not view.lines:
        return style.nothing("no trial has ended yet")
    figure = go.Figure()
    scored = sorted(
        (line for line in view.lines if line.score is not None),
        key=lambda line: line.score or 0.0,
        reverse=view.direction == "minimize",
    )
    colours = style.colours(
        [line.score or 0.0 for line in scored],
        view.measure,
        "minimize" if view.direction == "minimize" else "maximize",
    )
    diverged = [line for line in view.lines if line.score is None]
    figure.add_trace(_lines(diverged, style.VERMILION, name="diverged", dash="dot"))
    for group in _groups(scored):  # the best ones last, on top of all others
        middle = group[len(group) // 2].score or 0.0
        figure.add_trace(_lines(group, _colour(middle, colours), name="trial"))
    figure.add_trace(_legend(scored))
    for number, axis in enumerate(view.axes):
        _draw_axis(figure, number, axis, of=len(view.axes))
    lacking = any(None in line.places for line in view.lines)
    room = max(0.7, 0.09 * len(view.axes))  # in axes, for the marks of the last one
    note = "" if len(view.lines) == view.of else f"{len(view.lines):,} of {view.of:,} trials"
    style.laid_out(
        figure, height=HEIGHT, coloraxis=colours,
        title={"text": note, "font": {"size": 12}, "x": 1, "xanchor": "right"},
        xaxis={"visible": False, "range": [-0.3, len(view.axes) - 1 + room], "fixedrange": True},
        yaxis=_lane(lacking=lacking),
    )  # fmt: skip
    figure.update_layout(
        margin={"l": 70, "r": 20, "t": 60, "b": 40}, legend={"y": -0.02, "yanchor": "top"}
    )
    return figure


def _lane(*, lacking: bool) -> dict[str, Any]:
    """The upright axis, which is drawn for the lane of what has no value alone."""
    low = LACKING - 0.06 if lacking else -0.05
    shown = {"tickvals": [LACKING], "ticktext": ["none"]} if lacking else {"showticklabels": False}
    return {"range": [low, 1.05], "showgrid": False, "zeroline": False, "fixedrange": True, **shown}


def _groups(scored: Sequence[TrialLineView]) -> Iterator[Sequence[TrialLineView]]:
    size = -(-len(scored) // GROUPS) or 1
    for start in range(0, len(scored), size):
        yield scored[start : start + size]


def _colour(score: float, colours: dict[str, Any]) -> str:
    low, high = colours.get("cmin", score), colours.get("cmax", score)
    share = 1.0 if low == high else min(max((score - low) / (high - low), 0.0), 1.0)
    bright = 1.0 - share if colours["reversescale"] and low != high else share
    return str(sample_colorscale(colours["colorscale"], [bright])[0])


def _lines(lines: Sequence[TrialLineView], colour: str, *, name: str, dash: str = "solid") -> Any:
    """Lines of one colour as one trace, with a gap behind each of them."""
    x, y, text = list[float | None](), list[float | None](), list[str]()
    for line in lines:
        about = f"<b>trial {line.trial}</b><br>{words.share(line.score)}"
        places = [LACKING if place is None else place for place in line.places]
        x += [*range(len(places)), None]
        y += [*places, None]
        text += [*([about] * len(places)), ""]
    return go.Scatter(
        x=x, y=y, text=text, mode="lines", name=name, showlegend=name == "diverged" and bool(lines),
        line={"color": colour, "width": 1.2, "dash": dash}, opacity=0.75,
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _legend(scored: Sequence[TrialLineView]) -> Any:
    """A trace without points, for which plotly draws the bar of colours."""
    scores = [line.score for line in scored]
    return go.Scatter(
        x=[None] * len(scores), y=[None] * len(scores), mode="markers", showlegend=False,
        marker={"color": scores, "coloraxis": "coloraxis", "showscale": bool(scores)}, hoverinfo="skip",
    )  # fmt: skip


def _draw_axis(figure: Figure, number: int, axis: AxisView, *, of: int) -> None:
    figure.add_shape(
        type="line", x0=number, x1=number, y0=0, y1=1, line={"color": style.INK, "width": 1.4}
    )
    crowded = of > CROWDED
    size, longest = (9, LONGEST // 2) if crowded else (11, LONGEST)
    title = style.wrapped(style.titled(axis.name), longest)
    figure.add_annotation(
        x=number, y=1.04, text=f"<b>{title}</b>", showarrow=False, yanchor="bottom",
        font={"size": size + 2},
    )  # fmt: skip
    side = {"xanchor": "right", "xshift": -5}
    if number == of - 1:  # at its right no line runs, and there is room
        side, longest = {"xanchor": "left", "xshift": 5}, LONGEST
    for tick in axis.ticks:
        short = tick.text if len(tick.text) <= longest else f"{tick.text[: longest - 1]}…"
        figure.add_annotation(
            x=number, y=tick.place, text=style.escaped(short), showarrow=False,
            font={"size": size}, bgcolor=PAPER, borderpad=1, **side,
        )  # fmt: skip
