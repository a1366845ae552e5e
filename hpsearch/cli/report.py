"""`hpsearch report`: a search as one file that needs nothing but a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import emit


def report(
    search: SearchId,
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The file to write.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Write everything about a search to one HTML file, figures included; it loads nothing."""
    from hpsearch.client import PATIENCE

    with connected(url, patience=PATIENCE) as client:
        client.report_html(search, html)
    if as_json:
        emit({"file": str(html), "bytes": html.stat().st_size})
    else:
        print(f"{html}: open it in a browser")
