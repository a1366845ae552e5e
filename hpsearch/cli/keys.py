"""Commands on API keys; they work on the server's own machine, beside its database."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hpsearch.cli.options import Json, local_services
from hpsearch.cli.output import emit, listing

app = typer.Typer(
    help="API keys: make, list, revoke.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

DEFAULT_SCOPES = ("read", "submit")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    owner: Annotated[
        str | None, typer.Option(help="Whose searches it opens [default: NAME].")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="read, submit, operate or admin; repeatable.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key. Its token is printed this once and kept nowhere."""
    with local_services(prepare=True) as services:
        view, token = services.keys.create(
            name=name, owner=owner or name, scopes=scope or list(DEFAULT_SCOPES), days=days
        )
    if as_json:
        emit({**view.model_dump(mode="json"), "token": token})
        return
    print(token)
    until = f", until {view.expires_at}" if view.expires_at else ""
    print(f"key {view.id} of {view.owner}: {', '.join(view.scopes)}{until}", file=sys.stderr)
    print("it is not shown again; clients take it from HPSEARCH_API_KEY", file=sys.stderr)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    with local_services() as services:
        views = services.keys.list()
    if as_json:
        emit(views)
        return

    head = ("ID", "NAME", "OWNER", "SCOPES", "CREATED", "LAST USED", "EXPIRES", "REVOKED")
    rows = (
        (
            view.id,
            view.name,
            view.owner,
            ",".join(view.scopes),
            view.created_at,
            view.last_used_at or "-",
            view.expires_at or "-",
            view.revoked_at or "-",
        )
        for view in views
    )
    listing(head, rows)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as listed.")],
    as_json: Json = False,
) -> None:
    """Take a key back; it opens nothing from now on."""
    with local_services() as services:
        view = services.keys.revoke(key)
    if as_json:
        emit(view)
    else:
        print(f"revoked {view.id} ({view.name})")


@app.command()
def allow(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of a bootstrap key, as listed.")],
    as_json: Json = False,
) -> None:
    """Allow a bootstrap key again that was replaced or revoked."""
    with local_services() as services:
        view = services.keys.allow(key)
    if as_json:
        emit(view)
    elif view.id == "bootstrap":
        print(f"{view.id} opens the service")
    else:
        print(f"allowed {view.id}: the next API that starts with it makes it the bootstrap key")
