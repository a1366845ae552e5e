"""Values as words for people; the ones that `hpsearch.report` has for all."""

from hpsearch.report.words import duration, level, number, params, plain, share, span

__all__ = ["duration", "level", "number", "params", "plain", "share", "span"]
