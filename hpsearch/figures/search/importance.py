"""Importance of each hyperparameter inside the ranges, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report.views import ImportanceView, by_importance

ROW = 44  # pixels
FAINT = 0.3  # opacity of what is below the noise


def importance(views: Sequence[ImportanceView], noise_sd: float | None = None) -> Figure:
    """Bars of the total share with its 5 % to 95 % interval, the share by itself inside them.

    What changes the score by less than the noise of one training is faint, and last.
    """
    if not views:
        return style.nothing("no surrogate yet: it takes a round of trials")
    ordered = by_importance(views, noise_sd)[::-1]  # bars are drawn from the bottom up
    names = [_label(i, noise_sd) for i in ordered]
    strength = [FAINT if i.below(noise_sd) else 1.0 for i in ordered]
    figure = go.Figure()
    noise = "" if noise_sd is None else f" (noise of one training {noise_sd:.2g})"
    about = [
        f"{style.titled(i.name)}: takes part in {i.total:.0%} ({i.low:.0%} to {i.high:.0%}), "
        f"{i.first:.0%} by itself;<br>it moves the score by {i.total_effect:.2g}{noise}, "
        f"{i.effect:.2g} by itself"
        for i in ordered
    ]
    figure.add_trace(
        go.Bar(
            y=names, x=[i.total for i in ordered], orientation="h", name="interactions included",
            opacity=0.45, width=0.6,
            marker={"color": style.BLUE, "opacity": strength, "line": {"width": 0}},
            error_x={"type": "data", "symmetric": False, "color": style.INK, "thickness": 1.2,
                     "array": [i.high - i.total for i in ordered],
                     "arrayminus": [max(0.0, i.total - i.low) for i in ordered]},
            hovertext=about, hoverinfo="text",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            y=names, x=[i.first for i in ordered], orientation="h", name="by itself", width=0.28,
            marker={"color": style.BLUE, "opacity": strength, "line": {"width": 0}},
            hovertext=about, hoverinfo="text",
        )
    )  # fmt: skip
    return style.laid_out(
        figure, height=110 + ROW * len(ordered), barmode="overlay",
        xaxis=style.axis("share of the score's variation inside the ranges", log=False,
                         range=[0, 1.02], tickformat=".0%"),
        yaxis=style.axis("", log=False, type="category"),
    )  # fmt: skip


def _label(item: ImportanceView, noise_sd: float | None) -> str:
    """The name, its effect in score units, and whether that is less than the noise."""
    below = ", below the noise" if item.below(noise_sd) else ""
    return f"{style.titled(item.name)}<br>± {item.total_effect:.2g}{below}"
