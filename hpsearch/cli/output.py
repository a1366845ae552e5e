"""Standard output: JSON for programs, lists and a console for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `hpsearch --help` starts in half the time without pydantic
    from pydantic import BaseModel
    from rich.console import Console

WIDTH_OF_A_PIPE = 110


def console(*, stderr: bool = False) -> Console:
    """A console that takes text literally: names hold no markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_PIPE
    return Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False
    )


def emit(value: BaseModel | dict[str, Any] | Iterable[BaseModel]) -> None:
    """Print a value as a line of JSON, and flush it."""
    if isinstance(value, dict):
        text = json.dumps(value)
    elif isinstance(value, Iterable) and not hasattr(value, "model_dump_json"):
        text = json.dumps([item.model_dump(mode="json") for item in value])
    else:
        text = value.model_dump_json()
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # an escape of the stream's own would be no JSON
        text = json.dumps(json.loads(text))
    print(text, flush=True)


def listing(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print one row a line, in columns, so that `grep` and `cut` can have them too."""
    from hpsearch.report.words import plain

    lines = [head, *([plain(cell).replace("\n", " ") or "-" for cell in row] for row in rows)]
    if len(lines) == 1:
        print("none", file=sys.stderr)
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
