"""Searches side by side: the best so far of each, over the epochs that it has spent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import accumulate

import plotly.graph_objects as go

from hpsearch.figures.page import Figure
from hpsearch.figures.search import style
from hpsearch.report import words
from hpsearch.report.views import RoundView
from hpsearch.trials import RoundKind

COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.AMBER, style.PURPLE)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")  # for those who tell no colours apart


def progress(
    searches: Mapping[str, Sequence[RoundView]], *, minimised: Collection[str] = ()
) -> Figure:
    """The best validation score after every round that is over, by the name of the search.

    minimised
        Names of the searches whose lower scores are the better ones.
    """
    figure = go.Figure()
    for place, (name, rounds) in enumerate(searches.items()):
        points = list(_steps(rounds, min if name in minimised else max))
        if not points:
            continue
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        epochs, best, numbers = zip(*points, strict=True)
        figure.add_trace(
            go.Scatter(
                x=epochs, y=best, customdata=numbers, text=[words.share(one) for one in best], name=style.escaped(name),
                mode="lines+markers", marker={"size": 7},
                line={"shape": "hv", "color": colour, "dash": dash, "width": 2},
                hovertemplate="round %{customdata}, after %{x} epochs: %{text}",
            )
        )  # fmt: skip
    if not figure.data:
        return style.nothing("no round has ended yet")
    return style.laid_out(
        figure, height=380,
        xaxis=style.axis("epochs trained, all trials together", log=False, rangemode="tozero"),
        yaxis=style.axis("best validation score so far", log=False),
    )  # fmt: skip


def _open(one: RoundView) -> bool:
    return one.trials.pending + one.trials.running > 0


def _steps(
    rounds: Sequence[RoundView], better: Callable[[float, float], float]
) -> Iterator[tuple[int, float, int]]:
    """Epochs spent, best so far, number: of each round that is over and has a best trial."""
    over = [r for r in rounds if r.kind is not RoundKind.FINAL and not _open(r)]
    spent = accumulate(r.epochs_trained or 0 for r in over)
    best: float | None = None
    for one, epochs in zip(over, spent, strict=True):
        score = None if one.best is None else one.best.shown
        if score is not None:
            best = score if best is None else better(best, score)
        if best is not None:
            yield epochs, best, one.number
