"""`python -m migrations upgrade|downgrade|current|heads`: one shot, then exit."""

from __future__ import annotations

import argparse
import sys

from hpsearch import logs
from hpsearch.errors import HpsearchError
from hpsearch.settings import load
from migrations import schema


def main(arguments: list[str] | None = None) -> int:
    """Run one command against the database of the settings; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description=__doc__)
    parser.add_argument("command", choices=["upgrade", "downgrade", "current", "heads"])
    parser.add_argument("revision", nargs="?", help="for downgrade: where to stop, or base")
    options = parser.parse_args(arguments)
    try:
        settings = load()
        logs.configure(settings.log_level, process="migrations")
        if options.command == "heads":
            print(schema.head())  # noqa: T201  # the command's answer
            return 0
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = schema.Database(settings.database)
        if options.command == "upgrade":
            database.upgrade()
        elif options.command == "downgrade":
            database.downgrade(options.revision or "-1")
        print(database.current() or "empty")  # noqa: T201  # likewise
    except HpsearchError as error:
        print(f"hpsearch: {error}", file=sys.stderr)  # noqa: T201  # a person started this
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
