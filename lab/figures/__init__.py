"""Curves, bands and contours in rows of panels: frozen values in, one plotly figure out.

A figure is a grid of panels, a panel is a set of series. Nothing here knows what the numbers mean.
"""

from lab.figures.grid import grid
from lab.figures.values import Axis, Contour, Panel, Series

__all__ = ["Axis", "Contour", "Panel", "Series", "grid"]
