"""Commands that change a search: `edit` while it runs, `continue` afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import console, emit
from hpsearch.cli.searches import follow_up, print_submitted
from hpsearch.errors import InvalidRequest

FORM = "--set takes PATH=JSON, such as space.learning_rate.high=0.5 or rounds=6"


def edit(
    search: SearchId,
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="PATH=JSON", help="What to change; may be repeated."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; show what the next round would be.")
    ] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Change the ranges, rounds, trials_per_round or epochs of a search from its next round on."""
    changes = parse_changes(settings)
    with connected(url) as client:
        if dry_run:
            plan = client.preview(search, changes)
        else:
            view = client.edit(search, changes)
    if as_json:
        emit(plan if dry_run else view)
        return
    if dry_run:
        from hpsearch.cli import result_output

        console().print(result_output.next_round(plan))
        return
    after = view.edits[-1].after_round if view.edits else 0
    print(f"{view.id} is edited" + (f"; it takes effect after round {after}" if after else ""))


def continue_(
    search: SearchId,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Rounds of the new search [as the old one].")
    ] = None,
    follow: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Submit the spec of an ended search again, warm-started with all that it has seen."""
    from hpsearch.client import PATIENCE

    with connected(url, patience=PATIENCE) as client:
        view = client.continue_(search, rounds=rounds)
        if follow:
            follow_up(client, view, as_json=as_json)
        else:
            print_submitted(view, as_json=as_json)


def parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """Parse `PATH=JSON` settings into one JSON document.

    Raises
    ------
    InvalidRequest
        One has no path or no JSON, or two of them exclude each other.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        *parents, name = path.split(".")
        if not equals or not all([*parents, name]):
            raise InvalidRequest(f"{setting!r} is no setting; {FORM}")
        place = changes
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise InvalidRequest(f"{path} lies inside a value that was set as a whole")
        if name in place:
            raise InvalidRequest(f"{path} is set twice")
        place[name] = _value(setting, text)
    return changes


def _value(setting: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{setting!r}: {text!r} is not JSON; {FORM}") from error
