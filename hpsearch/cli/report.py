"""`hpsearch report`: a search as one file that needs nothing but a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import emit, written


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("report")(report)


def report(
    search: SearchId,
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The file to write.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Write everything about a search to one HTML file, figures included; it loads nothing."""
    from hpsearch.client import PATIENCE
    from hpsearch.figures import html as text_of
    from hpsearch.figures import search as figures

    with connected(url, patience=PATIENCE) as client:
        told = figures.Told(
            status=client.status(search),
            result=client.result_if_any(search),
            rounds=list(client.rounds(search)),
            health=client.health(search),
            spec=client.spec(search),
            figures={name: client.figure(search, name).to_dict() for name in figures.NAMES},
        )
    text = text_of(figures.report(told))
    written(html, text.encode())
    if as_json:
        emit({"file": str(html), "bytes": len(text.encode())})
    else:
        print(f"{html}: open it in a browser")
