"""A figure as the service drew it: plain JSON that notebooks show by themselves."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any

MIME = "application/vnd.plotly.v1+json"
_PAGE = """<div id="{spot}" style="min-height: 450px"></div>
<script type="module">
const figure = {figure};
if (!window.Plotly) {{
  const packed = Uint8Array.from(atob("{plotly}"), (c) => c.charCodeAt(0));
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  (0, eval)(await new Response(text).text());
}}
window.Plotly.newPlot("{spot}", figure.data, figure.layout, {{responsive: true}});
</script>"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a search; `plotly.graph_objects.Figure(figure.to_dict())` opens it in plotly."""

    name: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]

    @classmethod
    def of(cls, name: str, answer: object) -> Figure | None:
        """The figure in an answer; None where it holds none."""
        if not isinstance(answer, dict) or not {"data", "layout"} <= answer.keys():
            return None
        return cls(name, answer["data"], answer["layout"])

    def to_dict(self) -> dict[str, Any]:
        """The figure as plotly has it: data and layout."""
        return {"data": self.data, "layout": self.layout}

    def to_json(self) -> str:
        """The same as a JSON document."""
        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        return f"Figure({self.name!r}, {len(self.data)} traces)"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:  # IPython names what it wants
        """For notebooks: plotly's own media type; HTML for pages made of them, such as nbconvert's."""
        return {MIME: self.to_dict(), "text/html": self._html(), "text/plain": repr(self)}

    def _html(self) -> str:
        """The figure as HTML that needs no network: it brings plotly.js, compressed."""
        spot = f"hpsearch-{secrets.token_hex(8)}"
        figure = self.to_json().replace("</", "<\\/")  # no text of it may end the script
        return _PAGE.format(spot=spot, figure=figure, plotly=_compressed_plotly())


@cache
def _compressed_plotly() -> str:
    from plotly.offline import get_plotlyjs  # loads slowly, and scripts need none of it

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()
