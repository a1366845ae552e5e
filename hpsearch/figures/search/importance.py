"""Importance of each hyperparameter inside the ranges, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report.views import ImportanceView

ROW = 44  # pixels


def importance(views: Sequence[ImportanceView]) -> Figure:
    """Bars of the total share with its 5 % to 95 % interval, the share by itself inside them."""
    if not views:
        return style.nothing("no surrogate yet: it takes a round of trials")
    ordered = sorted(views, key=lambda i: i.total)
    names = [style.titled(i.name) for i in ordered]
    figure = go.Figure()
    about = [
        f"{style.titled(i.name)}: takes part in {i.total:.0%} ({i.low:.0%} to {i.high:.0%}), "
        f"{i.first:.0%} by itself;<br>its main effect has a standard deviation of {i.effect:.2g}"
        for i in ordered
    ]
    figure.add_trace(
        go.Bar(
            y=names, x=[i.total for i in ordered], orientation="h", name="interactions included",
            marker={"color": style.BLUE, "opacity": 0.45, "line": {"width": 0}}, width=0.6,
            error_x={"type": "data", "symmetric": False, "color": style.INK, "thickness": 1.2,
                     "array": [i.high - i.total for i in ordered],
                     "arrayminus": [max(0.0, i.total - i.low) for i in ordered]},
            hovertext=about, hoverinfo="text",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            y=names, x=[i.first for i in ordered], orientation="h", name="by itself", width=0.28,
            marker={"color": style.BLUE, "line": {"width": 0}}, hovertext=about, hoverinfo="text",
        )
    )  # fmt: skip
    return style.laid_out(
        figure, height=110 + ROW * len(ordered), barmode="overlay",
        xaxis=style.axis("share of the score's variation inside the ranges", log=False,
                         range=[0, 1.02], tickformat=".0%"),
        yaxis=style.axis("", log=False, type="category"),
    )  # fmt: skip
