"""The only users of plotly: the figures of a search, and pages that hold figures and load nothing."""

from hpsearch.figures.page import Figure, Page, Section, Table, html

__all__ = ["Figure", "Page", "Section", "Table", "html"]
