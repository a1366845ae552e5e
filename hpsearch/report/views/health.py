"""What to know about a search, or about a dataset."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.report.views.base import View
from hpsearch.states import SearchState


class HealthNote(View):
    """Something that a careful reader of a search should know, and what to do about it."""

    code: str = Field(description="Stable name of the finding.")
    severity: Literal["info", "warning"]
    message: str
    numbers: dict[str, float | int | str | None] = Field(description="What it is based on.")
    advice: str

    @property
    def sentence(self) -> str:
        """The finding and what to do, on one line."""
        return f"{self.message}; {self.advice}"


class HealthView(View):
    """The health report of a search, from what is stored; warnings come first."""

    id: str
    state: SearchState
    revision: int
    notes: list[HealthNote]
