"""Standard output: JSON for programs, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from hpsearch.errors import InvalidRequest

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_A_PIPE = 110


def console(*, stderr: bool = False) -> Console:
    """A console that takes every word as it is: names hold no markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_PIPE
    return Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False
    )


def emit(value: BaseModel | dict[str, Any] | Iterable[BaseModel]) -> None:
    """Print a value as one line of JSON, and let it through at once."""
    if isinstance(value, BaseModel):
        text = value.model_dump_json()
    elif isinstance(value, dict):
        text = json.dumps(value)
    else:
        text = json.dumps([item.model_dump(mode="json") for item in value])
    print(text, flush=True)


def written(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all as far as the file system lets us.

    Raises
    ------
    InvalidRequest
        It cannot be written there.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from error
