"""Commands on searches, all of them over HTTP but `replay`, which trains again here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch import strict_json
from hpsearch.cli.options import Json, Reason, SearchId, Url, check_data, connected
from hpsearch.cli.output import console, emit, listing
from hpsearch.errors import InvalidRequest, InvalidSpec, Mistake

if TYPE_CHECKING:
    from hpsearch.client import Client
    from hpsearch.report.views import StatusView

ENDED_BADLY = 1  # exit code of `watch` for a search that failed or was cancelled
LISTED = 20


def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The spec as JSON; - is stdin.")],
    follow: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The setting to be beaten, as JSON: in place of the spec's baseline.",
        ),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Submit a search spec."""
    from hpsearch.client import PATIENCE
    from hpsearch.edges import linear_in_silence
    from hpsearch.report.words import conditions, plain

    spec = read_spec(file)
    if baseline is not None:
        spec = with_baseline(spec, baseline)
    with connected(url, patience=PATIENCE) as client:
        view = client.submit(spec)
        for name in () if as_json else linear_in_silence(json.loads(spec)):
            note = f'space.{plain(name)} has no scale and is searched on a linear one; "scale": "log" is usual'
            print(f"note: {note}", file=sys.stderr)
        if view.plan is not None and not as_json:
            print(f"plan: {plain(view.plan.summary)}", file=sys.stderr)
            if view.plan.conditions:
                print(conditions(view.plan.conditions), file=sys.stderr)
            for note in view.plan.notes:
                print(f"note: {plain(note)}", file=sys.stderr)
        if follow:
            follow_up(client, view, as_json=as_json)
        else:
            print_submitted(view, as_json=as_json)


def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The spec as JSON; - is stdin.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show what a search of a spec would do: rounds, trials, rungs and epochs. Nothing is stored."""
    spec = read_spec(file)
    with connected(url) as client:
        view = client.plan(spec)
    if as_json:
        emit(view)
        return
    from hpsearch.cli import result_output

    console().print(result_output.plan(view))


def status(search: SearchId, url: Url = None, as_json: Json = False) -> None:
    """Show where a search stands."""
    with connected(url) as client:
        _show(client.status(search), as_json=as_json)


def watch(search: SearchId, url: Url = None, as_json: Json = False) -> None:
    """Follow a search to its end, then show its result. Exits 1 if it failed or was cancelled.

    With --json: the status, one line for every change.
    """
    with connected(url) as client:
        follow_up(client, client.status(search), as_json=as_json)


def result(search: SearchId, url: Url = None, as_json: Json = False) -> None:
    """Show the best range and its test score."""
    with connected(url) as client:
        view = client.result(search)
    if as_json:
        emit(view)
        return
    from hpsearch.cli import result_output

    console().print(result_output.result(view))


def health(search: SearchId, url: Url = None, as_json: Json = False) -> None:
    """Show what to know about a search, in whatever state it is: findings, and what to do."""
    with connected(url) as client:
        view = client.health(search)
    if as_json:
        emit(view)
        return
    from hpsearch.cli import result_output

    console().print(result_output.health(view))


def spec(search: SearchId, url: Url = None) -> None:
    """Print the spec of a search as JSON, edits included; `submit` takes it again."""
    with connected(url) as client:
        document = client.spec(search)
    print(json.dumps(document, indent=2))
    model = document.get("model")
    if isinstance(model, dict):
        from hpsearch.workloads.dense import without_effect  # loads NumPy

        idle = ", ".join(without_effect(model, document.get("space", {})))
        if idle:
            print(f"without effect in this model: {idle}", file=sys.stderr)


def list_(
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    tag: Annotated[
        list[str], typer.Option(help="Only those with this tag; may be repeated, for all of them.")
    ] = [],  # noqa: B006  # typer makes a new one
    query: Annotated[
        str | None,
        typer.Option("--query", "-q", help="Only those with this in name, note or a tag."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those submitted since this day or time (UTC).")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Those of others that this key's owner may read.")
    ] = False,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="Those of every owner; with the scope operate.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = LISTED,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List the searches of this key, newest first."""
    with connected(url) as client:
        asked = client.list(
            state=state,
            limit=limit,
            tags=tag,
            q=query,
            since=since,
            shared=shared,
            everyone=everyone,
        )
        views = list(asked)
    if as_json:
        emit(views)
        return
    _show_list(views, owned=shared or everyone)


def pause(search: SearchId, reason: Reason = None, url: Url = None, as_json: Json = False) -> None:
    """Hand out no more work for a search; what is running ends."""
    _change(url, lambda client: client.pause(search, reason=reason), as_json=as_json)


def resume(search: SearchId, reason: Reason = None, url: Url = None, as_json: Json = False) -> None:
    """Go on with a paused search, or rerun the final test of a failed one."""
    _change(url, lambda client: client.resume(search, reason=reason), as_json=as_json)


def cancel(search: SearchId, reason: Reason = None, url: Url = None, as_json: Json = False) -> None:
    """End a search; what it has trained stays readable."""
    _change(url, lambda client: client.cancel(search, reason=reason), as_json=as_json)


def share(
    search: SearchId,
    owners: Annotated[
        list[str] | None, typer.Argument(metavar="[OWNER]...", help="Owners who may read it.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every owner may read it.")] = False,
    nobody: Annotated[bool, typer.Option("--nobody", help="Take every grant back.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Let other owners read a search, in place of those who may now."""
    if [bool(owners), everybody, nobody].count(True) != 1:
        raise InvalidRequest("name the owners who may read it, or give --all or --nobody alone")
    with connected(url) as client:
        view = client.share(search, "all" if everybody else owners or [])
    if as_json:
        emit(view)
        return
    from hpsearch.report.words import plain

    readers = view.sharing if isinstance(view.sharing, str) else ", ".join(view.sharing)
    print(f"{view.id} is read by {plain(readers) or 'its owner alone'}")


def delete(search: SearchId, url: Url = None, as_json: Json = False) -> None:
    """Remove an ended search and all its trials."""
    with connected(url) as client:
        client.delete(search)
    if as_json:
        emit({"deleted": search})
    else:
        print(f"deleted {search}")


def replay(
    search: SearchId,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Recompute the decisions alone, train nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a search again on this machine and compare, bit for bit.

    It reads the server's own database (HPSEARCH_HOME or DATABASE_URL), not HTTP.
    """
    from hpsearch.settings import load

    settings = load()
    check_data(settings)
    flags = [*(["--decisions"] if decisions else []), *(["--json"] if as_json else [])]
    command = [sys.executable, "-P", "-m", "worker", "replay", *flags, "--", search]
    environment = {**os.environ, **settings.child_environment()}
    done = subprocess.run(command, env=environment, check=False)  # noqa: S603  # our own program
    raise typer.Exit(done.returncode)


def read_spec(file: Path) -> bytes:
    """Read a spec that is valid JSON, as UTF-8; the service checks its content.

    Raises
    ------
    InvalidRequest
        The file cannot be read.
    InvalidSpec
        It is not JSON; the message has the place.
    """
    name = "standard input" if str(file) == "-" else str(file)
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{name}: {error.strerror}") from error
    try:
        text = raw.decode(json.detect_encoding(raw))  # UTF-16 as well, by its mark or its form
        json.loads(text)
    except json.JSONDecodeError as error:
        where = Mistake(f"line {error.lineno}, column {error.colno}", error.msg)
        raise InvalidSpec(f"{name} is not JSON", [where]) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidSpec(f"{name} is not JSON: {error}") from error
    return text.encode()


def with_baseline(spec: bytes, file: Path) -> bytes:
    """A spec with the baseline of another file; the service checks what it holds.

    Raises
    ------
    InvalidRequest
        A key is given twice, or a number is not portable: what the service would have refused.
    """
    document, setting = strict_json.loads(spec), strict_json.loads(read_spec(file))
    if not isinstance(document, dict):
        return spec  # the service says what a spec is
    return json.dumps({**document, "baseline": setting}).encode()


def _change(url: str | None, act: Callable[[Client], StatusView], *, as_json: bool) -> None:
    with connected(url) as client:
        view = act(client)
    if as_json:
        emit(view)
    else:
        print(f"{view.id} is {view.state}")


def _show_list(views: Sequence[StatusView], *, owned: bool) -> None:
    from hpsearch.report import words

    tagged = any(view.tags for view in views)
    more = (*(["OWNER"] if owned else []), *(["TAGS"] if tagged else []))
    head = ("ID", "STATE", "ROUNDS", "BEST", "DATASET", "CREATED", "NAME", *more)
    rows = (
        (
            view.id,
            view.state,
            f"{view.rounds.completed}/{view.rounds.planned}",
            words.share(view.best.shown if view.best else None),
            view.dataset or "-",
            view.created_at,
            view.name,
            *([view.owner] if owned else []),
            *([", ".join(view.tags)] if tagged else []),
        )
        for view in views
    )
    listing(head, rows)


def _show(view: StatusView, *, as_json: bool) -> None:
    if as_json:
        emit(view)
        return
    from hpsearch.cli import tables

    console().print(tables.status(view))


def print_submitted(view: StatusView, *, as_json: bool) -> None:
    """Print the new search: its id alone on standard output."""
    if as_json:
        emit(view)
        return
    print(view.id)
    print(f"follow it with: hpsearch watch {view.id}", file=sys.stderr)


def follow_up(client: Client, first: StatusView, *, as_json: bool) -> None:
    """Follow a search to its end and show its result.

    Raises
    ------
    typer.Exit
        It failed or was cancelled.
    """
    from hpsearch.cli import live_status
    from hpsearch.states import SearchState

    if as_json:
        last = live_status.follow(client, first, emit)
    else:
        out = console()
        title = first.name or first.dataset
        out.print(f"search {first.id}" + (f": {title}" if title else ""), soft_wrap=True)
        try:
            with live_status.display(out) as show:
                last = live_status.follow(client, first, show)
        except KeyboardInterrupt:
            print(f"the search goes on: hpsearch watch {first.id}", file=sys.stderr)
            raise
        if last.state is SearchState.COMPLETED:
            from hpsearch.cli import result_output

            out.print(result_output.result(client.result(last.id)))
    if last.state is not SearchState.COMPLETED:
        raise typer.Exit(ENDED_BADLY)
