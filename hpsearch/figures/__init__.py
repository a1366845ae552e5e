"""The one door to plotly: frozen values in, figures and self-contained pages out.

A figure is a grid of panels, a panel is a set of series. Nothing here knows what the numbers mean.
"""

from hpsearch.figures.grid import Figure, grid
from hpsearch.figures.page import Page, Section, Table, html
from hpsearch.figures.values import Axis, Contour, Panel, Series

__all__ = [
    "Axis",
    "Contour",
    "Figure",
    "Page",
    "Panel",
    "Section",
    "Series",
    "Table",
    "grid",
    "html",
]
