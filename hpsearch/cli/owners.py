"""Commands on the limits of owners; they work on the server's own machine, beside its database."""

from __future__ import annotations

from typing import Annotated

import typer

from hpsearch.cli.options import Json, local_services
from hpsearch.cli.output import emit, listing

app = typer.Typer(
    help="Owners: limits of one of them.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the owners with limits of their own."""
    with local_services() as services:
        listed = services.owners.list()
    if as_json:
        emit({"items": [limits._asdict() for limits in listed]})
        return

    head = ("OWNER", "SEARCHES", "DATASETS", "DATASET BYTES")
    rows = ([*("-" if value is None else str(value) for value in limits)] for limits in listed)
    listing(head, rows)


@app.command("set")
def set_(
    owner: Annotated[str, typer.Argument(metavar="NAME", help="The owner, as keys have it.")],
    searches: Annotated[int | None, typer.Option(help="Unfinished searches.")] = None,
    datasets: Annotated[int | None, typer.Option(help="Names of datasets.")] = None,
    dataset_bytes: Annotated[int | None, typer.Option(help="Bytes of all datasets.")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="What is not named is as in the settings again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set limits of one owner, in place of the settings'. What is not named stays as it is."""
    with local_services() as services:
        limits = services.owners.limit(
            owner, searches=searches, datasets=datasets, dataset_bytes=dataset_bytes, reset=reset
        )
    if as_json:
        emit(limits._asdict())
        return
    named = limits._asdict()
    owner = named.pop("owner")
    shown = ", ".join(
        f"{name} {'as in the settings' if value is None else value}"
        for name, value in named.items()
    )
    print(f"{owner}: {shown}")
