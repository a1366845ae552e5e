"""A search in pictures: the views of `hpsearch.report` in, plotly figures out.

The same figures serve the dashboard, the report in one file, and notebooks. They have no
background of their own, so that they can stand on a light page and on a dark one.
"""

from hpsearch.figures.search.curves import curves
from hpsearch.figures.search.importance import importance
from hpsearch.figures.search.parallel import parallel
from hpsearch.figures.search.progress import progress
from hpsearch.figures.search.ranges import ranges
from hpsearch.figures.search.report import ReportContents, report
from hpsearch.figures.search.surface import surface
from hpsearch.figures.search.trials import Sample, trials
from hpsearch.figures.search.tuning import tuning

NAMES = ("ranges", "trials", "curves", "surface", "importance", "parallel")  # of a report

__all__ = [
    "NAMES",
    "ReportContents",
    "Sample",
    "curves",
    "importance",
    "parallel",
    "progress",
    "ranges",
    "report",
    "surface",
    "trials",
    "tuning",
]
