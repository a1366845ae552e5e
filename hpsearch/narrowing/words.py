"""How a range is put into words."""

from __future__ import annotations

from hpsearch.space import Range


def shown(values: Range) -> str:
    """A range as people read it, short enough for a sentence."""
    digits = ".0f" if values.integer else ".3g"
    return f"{values.low:{digits}} and {values.high:{digits}}"
