"""The command line: `main` is its entry point; errors become exit codes here and nowhere else.

Everything heavy is imported inside the commands, so that `hpsearch status` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from hpsearch import streams
from hpsearch.environment import PREFIX
from hpsearch.errors import HpsearchError, UserError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
INTERNAL = 70


def main() -> NoReturn:
    """Run the command of `sys.argv` and exit with its code."""
    sys.exit(streams.guard(lambda: run(sys.argv[1:])))


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns its exit code (`hpsearch.errors` lists their meanings)."""
    options = arguments[: list(arguments).index("--")] if "--" in arguments else arguments
    as_json = "--json" in options
    debug = "--debug" in options or os.environ.get("HPSEARCH_LOG_LEVEL", "").lower() == "debug"
    _warn_of_settings(arguments, as_json=as_json)
    try:
        rest = arguments[len(options) :]  # words of another program
        return _invoke([*(word for word in options if not (debug and word == "--debug")), *rest])
    except HpsearchError as error:
        _report(_error_document(error), as_json=as_json)
        return error.exit_code
    except streams.OutputLost as error:
        if not as_json or error.silent:
            raise
        _report(
            {"type": "OutputLost", "detail": str(error), "exit_code": error.exit_code}, as_json=True
        )
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last line of defence: a user gets a sentence, no traceback
        if debug:
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        detail = f"unexpected error, {what}; --debug or HPSEARCH_LOG_LEVEL=debug shows more"
        _report({"type": "InternalError", "detail": detail, "exit_code": INTERNAL}, as_json=as_json)
        return INTERNAL


def _warn_of_settings(arguments: Sequence[str], *, as_json: bool) -> None:
    """Say which variables look like settings and are none; the doctor does so by itself."""
    if {"doctor", "--help", "--version"} & {*arguments[:1]} or not any(
        name.startswith(PREFIX) for name in os.environ
    ):
        return
    from hpsearch.settings import complaints

    for sentence in complaints():
        warning = {"warning": {"detail": sentence}}
        print(json.dumps(warning) if as_json else f"hpsearch: {sentence}", file=sys.stderr)


def _invoke(arguments: Sequence[str]) -> int:
    import typer

    from hpsearch.cli.app import app

    try:
        outcome = app(args=list(arguments), prog_name="hpsearch", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        message = error.format_message()
        if message.startswith("Usage:"):  # a group of commands without the command
            print(message, file=sys.stderr)
            return UserError.exit_code
        raise UserError(f"{message.removesuffix('.')} (see hpsearch --help)") from error
    return outcome if isinstance(outcome, int) else 0


def _error_document(error: HpsearchError) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": type(error).__name__,
        "title": error.title,
        "status": error.status,
        "detail": error.summary,
        "exit_code": error.exit_code,
    }
    if error.mistakes:
        document["errors"] = [mistake._asdict() for mistake in error.mistakes]
    return document


def _report(error: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": error}), file=sys.stderr)
        return
    from hpsearch.report.words import plain

    print(f"hpsearch: {plain(error['detail'])}", file=sys.stderr)
    for mistake in error.get("errors", ()):
        line = ": ".join(filter(None, (mistake["path"], mistake["message"])))
        if not error["detail"].startswith(line):  # one may have been said already
            print(f"  {plain(line)}", file=sys.stderr)
