"""Commands that change a search: `edit` while it runs, `continue` afterwards."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import console, emit
from hpsearch.cli.searches import follow_up, print_submitted
from hpsearch.errors import InvalidRequest

FORM = "--set takes PATH=VALUE, such as space.learning_rate.high=0.5, rounds=6 or name=second"
# Text that nobody can take for JSON that was meant: a word, or several.
_WORDS = re.compile(r"[^\W\d][\w .,+-]*")
_SHOWN = 200  # characters of what is no JSON
_PYTHON = {"True": "true", "False": "false", "None": "null", "nan": "null"}
Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="What to change, in JSON or a bare word; may be repeated.",
    ),
]


def edit(
    search: SearchId,
    settings: Settings,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; show what the next round would be.")
    ] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Change ranges, rounds, trials_per_round, epochs or what is forbidden, or raise the budget.

    From its next round on. Its tags and note change at once, in any state.
    """
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
    if changes.keys() <= {"tags", "note"}:
        print(f"{view.id} is edited")
        return
    after = view.edits[-1].after_round if view.edits else 0
    print(f"{view.id} is edited" + (f"; it takes effect after round {after}" if after else ""))
    from hpsearch.report import words

    for name in sorted(changes.get("space", {}).keys() & view.limits.keys()):
        reach = words.span(view.limits[name])
        print(f"{words.plain(name)}: later rounds may look anywhere in {reach}")


def tag(
    search: SearchId,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Tags that it gets.")
    ] = None,
    remove: Annotated[
        list[str], typer.Option(metavar="TAG", help="A tag that it loses; may be repeated.")
    ] = [],  # noqa: B006  # typer makes a new one
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its note in place of the one it has.")
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Give a search tags or a note, in whatever state it is; without any, show those that it has."""
    with connected(url) as client:
        view = client.tag(search, tags or [], remove=remove, note=note)
    if as_json:
        emit(view)
        return
    from hpsearch.report.words import plain

    print(f"tags: {plain(', '.join(view.tags)) or '-'}")
    print(f"note: {plain(view.note) or '-'}")


def continue_(
    search: SearchId,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Rounds of the new search [as the old one].")
    ] = None,
    settings: Settings = [],  # noqa: B006  # typer makes a new one
    follow: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Submit the spec of a search again, warm-started with all that it has seen, and with changes.

    An edge of a range that is set alone becomes its hard limit, as in `edit`.
    """
    from hpsearch.client import PATIENCE

    changes = parse_changes(settings)
    with connected(url, patience=PATIENCE) as client:
        view = client.continue_(search, rounds=rounds, changes=changes)
        if follow:
            follow_up(client, view, as_json=as_json)
        else:
            print_submitted(view, as_json=as_json)


def parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """Parse `PATH=VALUE` settings into one JSON document.

    Raises
    ------
    InvalidRequest
        One has no path or no value, or two of them exclude each other.
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
    """The JSON of a setting; a bare word, such as log, is a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if _WORDS.fullmatch(text) and text not in _PYTHON:
            return text
        quoted = shlex.quote(f"{setting.partition('=')[0]}={json.dumps(text)}")[:_SHOWN]
        way_out = f"JSON has {_PYTHON[text]}" if text in _PYTHON else f"for a text write {quoted}"
        shown = f"{setting[:_SHOWN]!r}: {text[:_SHOWN]!r}"
        raise InvalidRequest(f"{shown} is not JSON; {way_out}. {FORM}") from error
