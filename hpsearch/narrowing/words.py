"""How a range is put into words."""

from __future__ import annotations

from hpsearch.space import Range


def shown(values: Range) -> str:
    """A range as people read it, short enough for a sentence."""
    digits = ".0f" if values.integer else ".3g"
    return f"{values.low:{digits}} and {values.high:{digits}}"


def ends_at(edge: float) -> str:
    """What an opened range says of its new edge."""
    return f"so the range now ends at {edge:g}"


def untried(edge: float) -> str:
    """The same where no round follows that could look there."""
    return f"but no round has looked beyond {edge:g}, where the answer ends"
