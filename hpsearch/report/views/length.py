"""The length of the trainings behind an answer."""

from __future__ import annotations

from pydantic import Field

from hpsearch.report.views.base import View


class LengthView(View):
    """The epochs of a search's full trainings, beside those of the final test."""

    trained: int = Field(
        description="Epochs of its longest trainings. Ranges, recommendation and verdicts are known to "
        "hold for trainings of up to so many."
    )
    final: int = Field(description="Epochs of a model of the final test.")
    as_long: int = Field(
        description="Trainings of the search that were as long as those of the final test, or longer."
    )

    @property
    def reaches(self) -> bool:
        """True where some trial was trained as long as the final test's models."""
        return self.as_long > 0
