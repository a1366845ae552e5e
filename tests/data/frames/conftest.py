"""Reading a constructed file as a frame, and what its cells are as Python values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpsearch import errors
from hpsearch.data import UPLOAD, Limits
from hpsearch.data.parse.frame import Frame
from hpsearch.data.parse.frames import read_frame
from hpsearch.data.parse.request import Reading

Read = Callable[..., Frame]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read(content, filename=..., header=..., ...): the frame of a file with that content."""

    def make(content: str | bytes, *, limits: Limits = UPLOAD, **choices: Any) -> Frame:
        path = tmp_path / "upload"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_frame(path, Reading(**choices), limits)

    return make


@pytest.fixture
def refused(read: Read) -> Callable[..., errors.InvalidDataset]:
    """refused(content, ...): the refusal of a file with that content."""

    def make(content: str | bytes, **choices: Any) -> errors.InvalidDataset:
        with pytest.raises(errors.InvalidDataset) as found:
            read(content, **choices)
        return found.value

    return make


@pytest.fixture
def columns() -> Callable[[Frame], dict[str, list[Any]]]:
    """columns(frame): the cells by name."""
    return lambda frame: {one.name: one.cells.to_pylist() for one in frame.columns}


@pytest.fixture
def codes() -> Callable[[Frame], list[str]]:
    """codes(frame): the codes of its notes."""
    return lambda frame: [note.code for note in frame.notes]
