"""Standard streams as programs find them: closed, full, a pipe that nobody reads, an old encoding.

`guard` runs a program's main function with them. Standard output that takes nothing more ends the
program, as it does with other Unix tools; standard error that does so changes nothing.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable

BROKEN_PIPE = 141  # 128 + SIGPIPE, as shells report a tool whose reader has gone
UNWRITABLE = 74  # EX_IOERR of sysexits.h


class OutputLost(Exception):
    """Standard output takes nothing more. No OSError: libraries turn some of those into exits."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror or error}")
        self.silent = error.errno == errno.EPIPE  # the reader has what it wanted
        self.exit_code = BROKEN_PIPE if self.silent else UNWRITABLE


class _Output(io.TextIOWrapper):
    """Standard output; its failure is an OutputLost, once."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise lost(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise lost(error) from error


class _Messages(io.TextIOWrapper):
    """Standard error; its failure is nobody's news."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            _drop(2)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _drop(2)


def guard(run: Callable[[], int]) -> int:
    """Run a program's main function; its exit code, or that of its output's end."""
    prepare()
    try:
        code = run()
        sys.stdout.flush()
    except OutputLost as error:
        if not error.silent:
            print(f"hpsearch: {error}", file=sys.stderr)  # noqa: T201  # for people
        return error.exit_code
    return code


def prepare() -> None:
    """Make the three streams of this process usable, whatever they are.

    A closed one is opened so that it fails when it is used: otherwise the next file or socket
    would have its number. Characters that an encoding lacks are written as escapes.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            _open_null(number, mode)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = _over(_Output, 1, sys.stdout)
    sys.stderr = _over(_Messages, 2, sys.stderr)


def lost(error: OSError) -> OutputLost:
    """The end of standard output, whose buffer may not fail again at the interpreter's end."""
    _drop(1)
    return OutputLost(error)


def _over(
    kind: type[io.TextIOWrapper], number: int, stream: io.TextIOWrapper | object | None
) -> io.TextIOWrapper:
    """A stream of `kind` in place of one of Python's."""
    if not isinstance(stream, io.TextIOWrapper):  # Python has none for what was closed at its start
        return kind(os.fdopen(number, "wb", closefd=False), errors="backslashreplace")
    encoding, errors, by_line = stream.encoding, stream.errors, stream.line_buffering
    if errors in ("strict", "surrogateescape"):  # another one was asked for
        errors = "backslashreplace"
    # Beside the other one, not in its place: Celery writes to sys.__stdout__ and sys.__stderr__.
    return kind(stream.buffer, encoding, errors, line_buffering=by_line)


def _drop(number: int) -> None:
    """Send what is still written to a stream to nowhere."""
    _open_null(number, os.O_WRONLY)


def _open_null(number: int, mode: int) -> None:
    null = os.open(os.devnull, mode)
    os.dup2(null, number)  # for children as well
    if null == number:
        os.set_inheritable(number, True)
    else:
        os.close(null)
