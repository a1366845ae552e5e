"""The formats of files that hold a dataset.

Parser, store, HTTP API, client, command line and dashboard read this table; a new format is a
reader in `hpsearch.data.parse` and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from hpsearch.data import examples
from hpsearch.data.parse import npz, table
from hpsearch.data.parse.request import Reader
from hpsearch.registry import Registry

ExampleReader = Callable[[Path, Sequence[str]], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of files that hold a dataset.

    suffix, media_type
        Of a file's name, in lower case, and of an upload.
    article, noun
        A file of the format in a sentence: "an", ".npz file".
    text
        True for UTF-8 text, False for bytes.
    description
        Content of a file, in a sentence for the API's document and the dashboard.
    read
        Reader of examples and labels; it runs in the limited child process.
    read_examples
        Reader of examples for a trained model: file, feature names -> (n, features).
    label_refusal
        Reason why an upload has no parameter `label`; empty where `label` names a column.
    """

    suffix: str
    media_type: str
    article: str
    noun: str
    text: bool
    description: str
    read: Reader
    read_examples: ExampleReader
    label_refusal: str = ""


FORMATS: Final = Registry(
    "dataset format",
    {
        "npz": Format(
            suffix=".npz",
            media_type="application/octet-stream",
            article="an",
            noun=".npz file",
            text=False,
            description="An .npz file with x, y and optionally x_test, y_test.",
            read=npz.read,
            read_examples=examples.read_npz,
            label_refusal="an .npz file names its arrays",
        ),
        "csv": Format(
            suffix=".csv",
            media_type="text/csv",
            article="a",
            noun="CSV file",
            text=True,
            description="A header line, then one example a line; the class last.",
            read=table.read,
            read_examples=examples.read_csv,
        ),
    },
)


def by_suffix(path: Path) -> Format | None:
    """Return the format of a file's name."""
    suffix = path.suffix.lower()
    return next((one for one in FORMATS.values() if one.suffix == suffix), None)


def by_media_type(media_type: str) -> Format | None:
    """Return the format of an upload."""
    return next((one for one in FORMATS.values() if one.media_type == media_type), None)


def name_suffixes() -> str:
    """Name the files that hold a dataset: "an .npz or a .csv file"."""
    return " or ".join(f"{one.article} {one.suffix}" for one in FORMATS.values()) + " file"
