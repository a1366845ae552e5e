"""How a range is put into words."""

from __future__ import annotations

from hpsearch.space import Range


def shown(values: Range) -> str:
    """A range as people read it, short enough for a sentence."""
    return f"{values.low:.3g} and {values.high:.3g}"
