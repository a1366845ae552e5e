"""The statement of a completed search: a pure function of its records, and its three forms."""

from __future__ import annotations

from hpsearch.report.statement.build import statement
from hpsearch.report.statement.facts import Facts
from hpsearch.report.statement.render import MEDIA_TYPES, render

__all__ = ["MEDIA_TYPES", "Facts", "render", "statement"]
