"""`python -m migrations upgrade|downgrade|current|heads`: one shot, then exit."""

from __future__ import annotations

import argparse
import sys

from hpsearch import logs, streams
from hpsearch.errors import Conflict, HpsearchError
from hpsearch.plural import counted
from hpsearch.settings import load
from hpsearch.store.acting import acting, command_line
from migrations import schema


def main(arguments: list[str] | None = None) -> int:
    """Run one command against the database of the settings; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description=__doc__)
    parser.add_argument("command", choices=["upgrade", "downgrade", "current", "heads"])
    parser.add_argument(
        "revision", nargs="?", default="-1", help="for downgrade: where to stop, or base"
    )
    parser.add_argument("--yes", action="store_true", help="for downgrade: throw away what it says")
    options = parser.parse_args(arguments)
    try:
        settings = load()
        logs.configure(settings.log_level, process="migrations")
        if options.command == "heads":
            print(schema.head())  # noqa: T201  # the command's answer
            return 0
        settings.make_home()
        database = schema.Database(settings.database)
        with acting(command_line()):
            _move(database, options, alive=settings.lease_seconds)
        print(database.current() or "empty")  # noqa: T201  # likewise
    except HpsearchError as error:
        print(f"hpsearch: {error}", file=sys.stderr)  # noqa: T201  # a person started this
        return error.exit_code
    return 0


def _move(database: schema.Database, options: argparse.Namespace, *, alive: float) -> None:
    """Take the database where the command says, if it says so."""
    if options.command == "upgrade":
        database.upgrade()
    elif options.command == "downgrade":
        _downgrade(database, options.revision, alive=alive, yes=options.yes)


def _downgrade(database: schema.Database, revision: str, *, alive: float, yes: bool) -> None:
    """Go back, if the caller knows what is lost and nobody works on the database.

    Raises
    ------
    Conflict
        Worker processes live, or `yes` is missing; nothing is changed.
    """
    losses = database.losses(revision)
    workers = database.workers(alive=alive)
    if workers:
        raise Conflict(
            f"{counted(workers, 'worker')} lived in the last {alive:g} s; stop workers, loop and API first"
        )
    for loss in losses:
        print(f"lost with {loss}", file=sys.stderr)  # noqa: T201  # a person started this
    if losses and not yes:
        raise Conflict("nothing is changed; make a backup, and repeat the command with --yes")
    database.downgrade(revision)


if __name__ == "__main__":
    sys.exit(streams.guard(main))
