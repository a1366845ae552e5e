"""`hpsearch audit`: who did what to what, and when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json, connected, local_services
from hpsearch.cli.output import emit, listing

if TYPE_CHECKING:
    from hpsearch.report.views import AuditView


def audit(
    since: Annotated[str | None, typer.Option(help="Since a day or a time, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Before a day or a time, UTC.")] = None,
    actor: Annotated[
        str | None,
        typer.Option(
            help="Of a key's id, an owner, a user, an address, or of the kind key, 'command line', "
            "service or stranger."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="On the search or key of this id, or the dataset of this name."),
    ] = None,
    action: Annotated[str | None, typer.Option(help="Of one word, as search.cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Acts at the most.")] = 100,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="Ask the service there, with an admin key [default: the database here]."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List who did what to what, the newest acts first."""
    asked = {
        "since": since, "until": until, "actor": actor, "target": target, "action": action
    }  # fmt: skip
    if url is None:
        with local_services() as services:
            rows: list[AuditView] = [*services.audit.page(**asked, limit=limit).items]
    else:
        with connected(url) as client:
            rows = [*client.audit(**asked, limit=limit)]
    if as_json:
        emit(rows)
        return

    head = ("AT", "WHO", "FROM", "ACTION", "TARGET", "TIMES", "DETAIL")
    listing(head, map(_row, rows))


def _row(row: AuditView) -> tuple[str, ...]:
    who = " ".join(word for word in (row.actor, row.key_id, row.owner, row.os_user) if word)
    detail = ", ".join(f"{name}={json.dumps(value)}" for name, value in row.detail.items())
    return (
        row.at, who, row.address or "-", row.action, row.target or "-", str(row.times), detail or "-"
    )  # fmt: skip
