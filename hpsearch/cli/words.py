"""Values as words for people; the ones that `hpsearch.report` has for all."""

from hpsearch.report.words import RANKED, duration, level, number, params, plain, share, span

__all__ = ["RANKED", "duration", "level", "number", "params", "plain", "share", "span"]
