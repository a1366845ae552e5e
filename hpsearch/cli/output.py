"""Standard output: JSON for programs, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
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
