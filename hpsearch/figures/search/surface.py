"""Posterior mean over the two ranges that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from hpsearch.digits import digits_of
from hpsearch.directions import Direction
from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import RangeView, RoundView, SurfaceView, TrialView

LOWEST = 0.25  # quantile of the means from which colours begin: the summit is what matters


def surface(
    view: SurfaceView | None,
    rounds: Sequence[RoundView],
    trials: Sequence[TrialView] = (),
    direction: Direction = "maximize",
) -> Figure:
    """The posterior mean over two hyperparameters as colours, with trials and the newest box.

    Everything else is held at the best place; `sd` appears beside the pointer.
    """
    if view is None or not rounds:
        return style.nothing("no surrogate yet: it takes a round with two ranges")
    ranges = rounds[-1].ranges
    figure = go.Figure(_heat(view, lowest_last=direction == "minimize"))
    scored = [t for t in trials if t.shown is not None and {view.x, view.y} <= t.params.keys()]
    figure.add_trace(
        go.Scatter(
            x=[t.params[view.x] for t in scored], y=[t.params[view.y] for t in scored],
            mode="markers", name="best trials", showlegend=False,
            marker={"size": 6, "color": "rgba(0,0,0,0)", "line": {"width": 1.2, "color": "#fff"}},
            text=[f"trial {t.id}: {words.share(t.shown)}" for t in scored],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
    across, up = ranges[view.x], ranges[view.y]
    figure.add_shape(
        type="rect", x0=across.low, x1=across.high, y0=up.low, y1=up.high,
        line={"color": "#ffffff", "width": 2},
    )  # fmt: skip
    return style.laid_out(
        figure, height=460,
        xaxis=_axis(view.x, across, view.xs), yaxis=_axis(view.y, up, view.ys),
    )  # fmt: skip


def _heat(view: SurfaceView, *, lowest_last: bool) -> Any:
    means = sorted((value for row in view.mean for value in row), reverse=lowest_last)
    low, high = sorted((means[int(LOWEST * len(means))], means[-1]))
    bar = {"title": {"text": "predicted score", "side": "right"}, "thickness": 12,
           "outlinewidth": 0, "tickformat": _form([low, high]), "nticks": 6}  # fmt: skip
    return go.Contour(
        x=view.xs, y=view.ys, z=view.mean, customdata=view.sd, colorscale=style.SCALE,
        reversescale=lowest_last,
        zmin=low, zmax=high if high > low else low + 1, colorbar=bar, line={"width": 0},
        contours={"start": low, "end": high, "size": (high - low) / 24 or 1.0},
        hovertemplate=f"{style.titled(view.x)} %{{x:{_form(view.xs)}}}<br>"
        f"{style.titled(view.y)} %{{y:{_form(view.ys)}}}<br>"
        f"predicted %{{z:{_form(means)}}} ± %{{customdata:.2g}}<extra></extra>",
    )  # fmt: skip


def _form(values: Sequence[float]) -> str:
    """The format of plotly with as many digits as tell values apart, in whatever unit they are."""
    ends = min(values), max(values)
    return f".{digits_of(max(map(abs, ends)), ends[1] - ends[0], 4)}g"


def _axis(name: str, now: RangeView, values: Sequence[float]) -> dict[str, Any]:
    log = now.scale == "log"
    ends = [style.exponent(values[0], log=log), style.exponent(values[-1], log=log)]
    return style.axis(style.titled(name), log=log, range=ends)
