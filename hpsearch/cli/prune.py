"""`hpsearch prune`: removes searches that ended long ago."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

import typer

from hpsearch.cli.options import Json, local_services
from hpsearch.cli.output import emit
from hpsearch.errors import InvalidRequest

_AGE = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="Ended so long ago: 12h, 90d, 8w.")
    ],
    keep_results: Annotated[
        bool, typer.Option("--keep-results", help="Remove curves and history only.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove searches of all owners that ended long ago, and datasets that nothing refers to.

    Named datasets, unfinished searches and keys stay. A database file keeps its size: the room
    is used again.
    """
    seconds = age(older_than)
    with local_services() as services:
        from hpsearch.service.prune import prune as remove

        removed = remove(services, older_than=seconds, keep_results=keep_results, dry_run=dry_run)
    if as_json:
        emit({**asdict(removed), "dry_run": dry_run})
        return
    what = "curves and history of " if keep_results else ""
    print(
        f"{'would remove' if dry_run else 'removed'} {what}{removed.searches} searches "
        f"({removed.trials:,} trials), {removed.events:,} events, {removed.datasets} datasets "
        f"({removed.bytes:,} bytes)"
    )


def age(text: str) -> float:
    """Seconds of an age such as 12h, 90d or 8w.

    Raises
    ------
    InvalidRequest
        It is not an age.
    """
    parts = _AGE.fullmatch(text)
    if parts is None:
        raise InvalidRequest(
            f"--older-than {text[:40]!r}: give hours, days or weeks, as in 12h, 90d, 8w"
        )
    return int(parts[1]) * _UNITS[parts[2]]
