"""Notes on a dataset: what a careful reader should know of it, found when it was taken in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Note:
    """A finding with its numbers, and what to do about it."""

    code: str
    severity: Literal["info", "warning"]
    message: str
    # A mapping has no hash; code and message speak for it.
    numbers: Mapping[str, float | int | str | None] = field(hash=False)
    advice: str

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `Note(**value)` reads back."""
        return asdict(self)
