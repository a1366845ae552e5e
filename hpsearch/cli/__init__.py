"""The command line: `main` is its way in, and the one place where errors become exit codes.

Everything heavy is imported inside the commands, so that `hpsearch status` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from hpsearch.errors import HpsearchError, UserError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
INTERNAL = 70


def main() -> NoReturn:
    """Run the command of `sys.argv` and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run one command; its exit code (see `hpsearch.errors` for what they mean)."""
    options = words[: list(words).index("--")] if "--" in words else words
    as_json = "--json" in options
    debug = "--debug" in options or os.environ.get("HPSEARCH_LOG_LEVEL", "").lower() == "debug"
    try:
        return _invoke([word for word in words if not (debug and word == "--debug")])
    except HpsearchError as error:
        _report(_described(error), as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last line of defence: a user gets a sentence, no traceback
        if debug:
            raise
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        detail = f"unexpected error, {said}; --debug or HPSEARCH_LOG_LEVEL=debug shows more"
        _report({"type": "InternalError", "detail": detail, "exit_code": INTERNAL}, as_json=as_json)
        return INTERNAL


def _invoke(words: Sequence[str]) -> int:
    import typer

    from hpsearch.cli.app import app

    try:
        outcome = app(args=list(words), prog_name="hpsearch", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        said = error.format_message()
        if said.startswith("Usage:"):  # a group of commands without the command
            print(said, file=sys.stderr)
            return UserError.exit_code
        raise UserError(f"{said.removesuffix('.')} (see hpsearch --help)") from error
    return outcome if isinstance(outcome, int) else 0


def _described(error: HpsearchError) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": type(error).__name__,
        "title": error.title,
        "status": error.status,
        "detail": error.summary,
        "exit_code": error.exit_code,
    }
    if error.mistakes:
        described["errors"] = [mistake._asdict() for mistake in error.mistakes]
    return described


def _report(described: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": described}), file=sys.stderr)
        return
    from hpsearch.cli.words import plain

    print(f"hpsearch: {plain(described['detail'])}", file=sys.stderr)
    for mistake in described.get("errors", ()):
        line = ": ".join(filter(None, (mistake["path"], mistake["message"])))
        if not described["detail"].startswith(line):  # one may have been said already
            print(f"  {plain(line)}", file=sys.stderr)
