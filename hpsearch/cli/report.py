"""`hpsearch report` and `statement`: a search as one file for a browser, and as text for a paper."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

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


def statement(
    search: SearchId,
    form: Annotated[
        Literal["text", "markdown", "latex", "json"], typer.Option("--format", help="Its form.")
    ] = "text",
    url: Url = None,
) -> None:
    """Print what a paper says of a completed search: a paragraph, its ranges, checklists answered."""
    with connected(url) as client:
        sys.stdout.write(client.statement(search, format=form))
