"""What the surrogate believes over the two ranges that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report.views import RangeView, RoundView, SurfaceView, TrialView

LOWEST = 0.25  # quantile of the means from which colours begin: the summit is what matters


def surface(
    found: SurfaceView | None, rounds: Sequence[RoundView], trials: Sequence[TrialView] = ()
) -> Figure:
    """The posterior mean over two hyperparameters as colours, with trials and the newest box.

    Everything else is held at the best place; `sd` appears beside the pointer.
    """
    if found is None or not rounds:
        return style.nothing("no surrogate yet: it takes a round with two ranges")
    ranges = rounds[-1].ranges
    figure = go.Figure(_heat(found))
    seen = [t for t in trials if t.shown is not None]
    figure.add_trace(
        go.Scatter(
            x=[t.params[found.x] for t in seen], y=[t.params[found.y] for t in seen],
            mode="markers", name="best trials", showlegend=False,
            marker={"size": 6, "color": "rgba(0,0,0,0)", "line": {"width": 1.2, "color": "#fff"}},
            text=[f"trial {t.id}: {t.shown:.4f}" for t in seen],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
    across, up = ranges[found.x], ranges[found.y]
    figure.add_shape(
        type="rect", x0=across.low, x1=across.high, y0=up.low, y1=up.high,
        line={"color": "#ffffff", "width": 2},
    )  # fmt: skip
    return style.laid_out(
        figure, height=460,
        xaxis=_axis(found.x, across, found.xs), yaxis=_axis(found.y, up, found.ys),
    )  # fmt: skip


def _heat(found: SurfaceView) -> Any:
    means = sorted(value for row in found.mean for value in row)
    low, high = means[int(LOWEST * len(means))], means[-1]
    bar = {"title": {"text": "predicted score", "side": "right"}, "thickness": 12,
           "outlinewidth": 0, "tickformat": ".3f", "nticks": 6}  # fmt: skip
    return go.Contour(
        x=found.xs, y=found.ys, z=found.mean, customdata=found.sd, colorscale=style.SCALE,
        zmin=low, zmax=max(high, low + 1e-9), colorbar=bar, line={"width": 0},
        contours={"start": low, "end": high, "size": max((high - low) / 24, 1e-9)},
        hovertemplate=f"{style.titled(found.x)} %{{x:.3g}}<br>{style.titled(found.y)} %{{y:.3g}}"
        "<br>predicted %{z:.4f} ± %{customdata:.4f}<extra></extra>",
    )  # fmt: skip


def _axis(name: str, now: RangeView, values: Sequence[float]) -> dict[str, Any]:
    log = now.scale == "log"
    ends = [style.exponent(values[0], log=log), style.exponent(values[-1], log=log)]
    return style.axis(style.titled(name), log=log, range=ends)
