"""Panels in rows and columns as one plotly figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hpsearch.figures import Figure
from lab.figures.values import Axis, Contour, Panel, Series

# Okabe and Ito 2008: told apart by colour-blind readers too; yellow is left out, it fades on white
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D", "#882255")
BAND = 0.16  # opacity
TOP, LEGEND, BOTTOM = 30, 34, 48  # margins in pixels
GAP, TITLED_GAP = 46, 84  # between rows, without and with the titles of the axes above


def grid(
    panels: Sequence[Panel], *, columns: int, height: int = 300, shared: bool = False
) -> Figure:
    """Panels row by row, `columns` a row, each `height` pixels high, under one legend.

    shared: the panels have the same axes, whose titles are then shown at the edges alone.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    legend = any(s.legend and s.values is None for panel in panels for s in panel.series)
    top = TOP + (LEGEND if legend else 0)
    titled = not shared and any(panel.x.title for panel in panels[:-columns])
    total = rows * height + top + BOTTOM
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[panel.title for panel in panels],
        horizontal_spacing=(0.12 if shared else 0.24) / columns,
        vertical_spacing=(TITLED_GAP if titled else GAP) / (total - top - BOTTOM),
        shared_xaxes="all" if shared else False,
        shared_yaxes="all" if shared else False,
    )
    colours = _colours(panels)
    shown: set[str] = set()
    for index, panel in enumerate(panels):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        for trace in _traces(panel, colours, shown):
            figure.add_trace(trace, **place)
        last, first = index + columns >= len(panels), place["col"] == 1
        figure.update_xaxes(**_axis(panel.x, titled=last or not shared), **place)
        figure.update_yaxes(**_axis(panel.y, titled=first or not shared), **place)
    _lay_out(figure, total, top, legend=legend)
    named = [s.value_name for panel in panels for s in panel.series if s.values is not None]
    figure.update_layout(coloraxis_colorbar_title_text=named[0] if named else "")
    return figure


def _colours(panels: Sequence[Panel]) -> dict[str, str]:
    names = [s.of or s.name for panel in panels for s in panel.series if s.values is None]
    unique = dict.fromkeys(names)
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(unique)}


def _traces(panel: Panel, colours: dict[str, str], shown: set[str]) -> Iterator[Any]:
    if panel.contour is not None:
        yield _contour(panel.contour)
    for series in panel.series:
        if series.values is not None:
            yield _coloured(series)
            continue
        colour = colours[series.of or series.name]
        if series.low is not None and series.high is not None:
            yield _band(series, colour)
        legend = series.legend and series.name not in shown
        if legend:
            shown.add(series.name)
        yield _marks(series, colour, legend=legend)


def _marks(series: Series, colour: str, *, legend: bool) -> Any:
    common = {"x": series.x, "y": series.y, "name": series.name, "showlegend": legend}
    common |= {"legendgroup": series.name, "text": series.labels}
    if series.mark == "bars":
        return go.Bar(
            **common, marker={"color": colour, "line": {"width": 0}}, width=_width(series)
        )
    mode = {"line": "lines", "points": "markers", "both": "lines+markers"}[series.mark]
    line = {"color": colour, "dash": series.dash, "width": 2}
    return go.Scatter(**common, mode=mode, line=line, marker={"color": colour, "size": 6})


def _width(series: Series) -> float | None:
    """Of bars: the distance of their neighbours, so that a histogram has no gaps."""
    return float(np.min(np.diff(series.x))) if len(series.x) > 1 else None


def _band(series: Series, colour: str) -> Any:
    """The band as one closed outline."""
    assert series.low is not None  # the caller asked
    assert series.high is not None
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return go.Scatter(
        x=np.concatenate([series.x, series.x[::-1]]),
        y=np.concatenate([series.high, series.low[::-1]]),
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},{BAND})",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=series.name,
    )


def _coloured(series: Series) -> Any:
    """Points coloured by their values, with a scale beside the figure."""
    return go.Scatter(
        x=series.x,
        y=series.y,
        mode="markers",
        name=series.name,
        showlegend=False,
        text=series.labels,
        marker={"color": series.values, "coloraxis": "coloraxis", "size": 7,
                "line": {"width": 0.5, "color": "white"}},
        hovertemplate=f"%{{x:.3g}}, %{{y:.3g}}<br>{series.value_name} %{{marker.color:.3f}}",
    )  # fmt: skip


def _contour(contour: Contour) -> Any:
    return go.Contour(
        x=contour.x,
        y=contour.y,
        z=contour.z,
        contours={"coloring": "none", "showlabels": False},
        line={"color": "#c8ccd2", "width": 1},
        ncontours=24,
        showscale=False,
        showlegend=False,
        hoverinfo="skip",
    )


def _axis(axis: Axis, *, titled: bool) -> dict[str, Any]:
    """An axis with its title and numbers, or without, where a neighbour shows them."""
    title = {"text": axis.title if titled else "", "standoff": 6, "font": {"size": 13}}
    settings: dict[str, Any] = {"title": title, "showticklabels": titled}
    if axis.log:
        settings |= {"type": "log", "exponentformat": "power", "dtick": 1, "nticks": 8}
    if axis.ends is not None:
        settings["range"] = [math.log10(end) if axis.log else end for end in axis.ends]
    return settings


def _lay_out(figure: Figure, total: int, top: int, *, legend: bool) -> None:
    grey = "#dfe3e8"
    figure.update_layout(
        height=total,
        margin={"l": 64, "r": 24, "t": top, "b": BOTTOM},
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#22272e"},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 1,
                "yanchor": "top"},
        coloraxis={"colorscale": "Viridis", "colorbar": {
            "thickness": 12, "outlinewidth": 0, "title": {"side": "right", "font": {"size": 13}}}},
        bargap=0,
        barmode="overlay",
        hovermode="closest",
    )  # fmt: skip
    figure.update_annotations(font={"size": 13})
    axis = {"gridcolor": grey, "linecolor": "#8a9099", "zeroline": False, "ticks": "outside",
            "tickfont": {"size": 12}}  # fmt: skip
    figure.update_xaxes(**axis, tickcolor="#8a9099", showline=True)
    figure.update_yaxes(**axis, tickcolor="#8a9099", showline=True, automargin=True)
