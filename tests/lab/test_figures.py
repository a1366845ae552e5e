"""Panels of series as plotly figures."""

from __future__ import annotations

import numpy as np
import pytest

from lab import figures
from lab.figures import Axis, Contour, Panel, Series

X = np.array([1.0, 2.0, 4.0])


def panel(*series: Series, **more: object) -> Panel:
    return Panel("a panel", Axis("x", log=True), Axis("y", ends=(0, 1)), series, **more)  # type: ignore[arg-type]


def test_a_series_has_one_colour_and_one_entry_in_the_legend() -> None:
    line, other = Series("a", X, X), Series("b", X, X, "both", dash="dash")
    figure = figures.grid([panel(line, other), panel(line)], columns=2)
    colours = {t.name: t.line.color for t in figure.data}
    assert len(colours) == 2
    assert colours["a"] != colours["b"]
    assert [t.showlegend for t in figure.data] == [True, True, False]
    assert figure.data[0].line.color == figure.data[2].line.color
    assert figure.data[1].mode == "lines+markers"
    assert figure.layout.showlegend


def test_a_band_is_closed_and_in_the_colour_of_its_line() -> None:
    figure = figures.grid([panel(Series("a", X, X, low=X - 1, high=X + 1))], columns=3)
    band, line = figure.data
    np.testing.assert_array_equal(band.y, [2, 3, 5, 3, 1, 0])
    np.testing.assert_array_equal(band.x, [1, 2, 4, 4, 2, 1])
    red, green, blue = (int(line.line.color[i : i + 2], 16) for i in (1, 3, 5))
    assert band.fillcolor.startswith(f"rgba({red},{green},{blue},")
    assert not band.showlegend


def test_marks_axes_and_shared_edges() -> None:
    bars = Series("bars", X, X, "bars", legend=False)
    one = Series("one", X[:1], X[:1], "bars", of="bars")
    coloured = Series("c", X, X, "points", values=X, value_name="score", labels=("p", "q", "r"))
    contour = Contour(X, X, np.outer(X, X))
    panels = [panel(bars, one), panel(coloured, contour=contour), panel(bars)]
    figure = figures.grid(panels, columns=2, shared=True, height=100)
    kinds = [t.type for t in figure.data]
    assert kinds == ["bar", "bar", "contour", "scatter", "bar"]
    assert figure.data[0].width == 1.0
    assert figure.data[0].marker.color == figure.data[1].marker.color
    assert figure.data[3].marker.coloraxis == "coloraxis"
    layout = figure.layout
    assert layout.xaxis.type == "log"
    assert tuple(layout.yaxis.range) == (0, 1)
    assert layout.xaxis.title.text == ""  # a panel lies below it
    assert layout.xaxis2.title.text == "x"  # none below this one
    assert layout.xaxis2.showticklabels
    assert layout.yaxis2.title.text == ""
    ended = figures.grid([Panel("", Axis("x", log=True, ends=(0.01, 10.0)), Axis(), [])], columns=1)
    assert tuple(ended.layout.xaxis.range) == pytest.approx((-2.0, 1.0))
    assert not ended.layout.showlegend
