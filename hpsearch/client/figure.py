"""A figure as the service drew it: plain JSON that notebooks show by themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MIME = "application/vnd.plotly.v1+json"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a search; `plotly.graph_objects.Figure(figure.to_dict())` opens it in plotly."""

    name: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The figure as plotly has it: data and layout."""
        return {"data": self.data, "layout": self.layout}

    def to_json(self) -> str:
        """The same as a JSON document."""
        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        return f"Figure({self.name!r}, {len(self.data)} traces)"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:  # IPython names what it wants
        """For notebooks: plotly's own media type, and words where it is not known."""
        return {MIME: self.to_dict(), "text/plain": repr(self)}
