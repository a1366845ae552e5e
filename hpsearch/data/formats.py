"""The formats of files that hold a dataset.

Parser, store, HTTP API, client, command line and dashboard read this table; a new format is a
reader in `hpsearch.data.parse` and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from hpsearch.data import examples
from hpsearch.data.parse import npz, table
from hpsearch.data.parse.request import Reader, Reading
from hpsearch.errors import InvalidRequest
from hpsearch.registry import Registry

ExampleReader = Callable[..., npt.NDArray[Any]]

ANY_FILE: Final = "application/octet-stream"
_BEGIN: Final = 512  # bytes
_MEMBER: Final = b"PK\x03\x04"  # begins a member of a zip archive
_SAID: Final = {"kind": "as", "kinds": "kind"}  # fields of a reading by their parameters
_TABLE: Final = frozenset(
    {"header", "task", "drop", "kind", "ordered", "missing", "rare", "names"}
    | {"delimiter", "decimal", "encoding", "sheet", "positive"}
    | {"groups", "time", "weight"}
)


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
        Reader of examples for a trained model: file, feature names -> (n, features); with a
        keyword `header` where `takes` has it.
    label_refusal
        Reason why an upload has no parameter `label`; empty where `label` names a column.
    takes
        The other parameters of an upload that it has a use for, such as `header` and `as`.
    by_bytes
        True where the first bytes of a file decide between formats, and the type is a hint.
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
    takes: frozenset[str] = frozenset()
    by_bytes: bool = False

    def check(self, reading: Reading) -> None:
        """Refuse parameters of an upload that a file of this format has no use for.

        Raises
        ------
        InvalidRequest
            Naming the parameter, and the formats that take it.
        """
        for name in _given(reading):
            if name == "label" and self.label_refusal:
                takers = [one.media_type for one in FORMATS.values() if not one.label_refusal]
                raise InvalidRequest(
                    f"parameter label belongs to {_some(takers)}; {self.label_refusal}"
                )
            if name != "label" and name not in self.takes:
                takers = [one.media_type for one in FORMATS.values() if name in one.takes]
                raise InvalidRequest(
                    f"parameter {name} belongs to {_some(takers)}, not to {self.article} {self.noun}"
                )


def _given(reading: Reading) -> list[str]:
    """Name the parameters that a sender has given; a file's name is never out of place."""
    values = {field.name: getattr(reading, field.name) for field in fields(Reading)}
    given = [name for name, value in values.items() if value not in (None, (), "")]
    return [_SAID.get(name, name) for name in given if name != "filename"]


def _some(takers: list[str]) -> str:
    if len(takers) < 5:
        return " and ".join(takers)
    return f"{', '.join(takers[:3])} and {len(takers) - 3} other types"


def _table(
    suffix: str, media_type: str, noun: str, description: str, *, article: str = "a",
    text: bool = True,
) -> Format:  # fmt: skip
    return Format(
        suffix=suffix,
        media_type=media_type,
        article=article,
        noun=noun,
        text=text,
        description=description,
        read=table.read,
        read_examples=examples.read_table,
        takes=_TABLE,
        by_bytes=True,
    )


FORMATS: Final = Registry(
    "dataset format",
    {
        "npz": Format(
            suffix=".npz",
            media_type=ANY_FILE,
            article="an",
            noun=".npz file",
            text=False,
            description="An .npz file with x, y and optionally x_test, y_test; or any of the tables "
            "below.",
            read=npz.read,
            read_examples=examples.read_npz,
            label_refusal="an .npz file names its arrays",
            takes=frozenset({"as", "task", "rare", "positive"}),
            by_bytes=True,
        ),
        "csv": _table(
            ".csv", "text/csv", "CSV file",
            "A header line, then one example a line; the class last, or in the column of `label`.",
        ),
        "tsv": _table(
            ".tsv", "text/tab-separated-values", "TSV file", "The same, separated by tabs.",
        ),
        "arff": _table(
            ".arff", "text/x-arff", "ARFF file", "Weka's format, dense or sparse.", article="an",
        ),
        "parquet": _table(
            ".parquet", "application/vnd.apache.parquet", "Parquet file",
            "Typed columns; dictionaries keep their levels.", text=False,
        ),
        "arrow": _table(
            ".arrow", "application/vnd.apache.arrow.file", "Arrow file",
            "Typed columns, as Parquet; Feather 2 is the same.", article="an", text=False,
        ),
        "json": _table(
            ".json", "application/json", "JSON file", "A list of objects, one for each example.",
        ),
        "jsonl": _table(
            ".jsonl", "application/x-ndjson", "file of JSON lines", "An object a line.",
        ),
        "gzip": _table(
            ".gz", "application/gzip", "gzip file", "One of these tables.", text=False,
        ),
        "zip": _table(
            ".zip", "application/zip", "zip file", "One of these tables, alone.", text=False,
        ),
        "xlsx": _table(
            ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "Excel workbook", "The first visible sheet, or the one that `sheet` names.", article="an",
            text=False,
        ),
    },
)  # fmt: skip


def by_suffix(path: Path) -> Format | None:
    """Return the format of a file's name."""
    suffix = path.suffix.lower()
    return next((one for one in FORMATS.values() if one.suffix == suffix), None)


def by_media_type(media_type: str) -> Format | None:
    """Return the format of an upload."""
    return next((one for one in FORMATS.values() if one.media_type == media_type), None)


def reader_of(path: Path, hint: Format, reading: Reading) -> Reader:
    """Return the reader of a file by its first bytes, where the hint lets them decide.

    Raises: InvalidRequest for a choice that the format has no use for.
    """
    file_format = by_content(path, hint)
    file_format.check(reading)
    return file_format.read


def by_content(path: Path, hint: Format | None = None) -> Format:
    """Return the format of a file by its first bytes, where the hint lets them decide.

    Without a hint that is the format of its name, or any.
    """
    hint = hint or by_suffix(path) or FORMATS["npz"]
    if not hint.by_bytes:
        return hint
    with path.open("rb") as file:
        begin = file.read(_BEGIN)
    if _holds_arrays(begin):
        return FORMATS["npz"]
    damaged = begin[:2] == b"PK" and begin[:4] != _MEMBER
    return FORMATS["csv"] if hint is FORMATS["npz"] and not damaged else hint


def _holds_arrays(begin: bytes) -> bool:
    """Tell whether the first member of a zip archive is one of NumPy's arrays."""
    if begin[:4] != _MEMBER:
        return False
    length = int.from_bytes(begin[26:28], "little")
    name = begin[30 : 30 + length].lower()
    return name.endswith(b".npy") or name in (b"x", b"y", b"x_test", b"y_test")


def name_suffixes() -> str:
    """Name the files that hold a dataset: "an .npz or a .csv file"."""
    return " or ".join(f"{one.article} {one.suffix}" for one in FORMATS.values()) + " file"
