"""What the product made of a file, held against the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.files.listed import File
from hpsearch import errors
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of

_ALIKE: Final[Mapping[str, frozenset[str]]] = {
    "number": frozenset({"number"}),
    "category": frozenset({"category", "boolean", "ordered"}),
    "boolean": frozenset({"boolean", "category"}),
    "ordered": frozenset({"ordered"}),
    "date": frozenset({"date"}),
    "words": frozenset({"category", "text", "id"}),
    "text": frozenset({"text", "id"}),
    "id": frozenset({"text", "id"}),
    "index": frozenset({"index"}),
    "constant": frozenset({"constant", "empty"}),
    "dropped": frozenset({"dropped"}),
}
"""Kinds of the product that are right for a kind of the list, which says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an upload: the refusal, or what is wrong about target and kinds."""

    file: File
    refusal: str = ""
    target: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    columns: int = 0

    @property
    def is_right(self) -> bool:
        """True if the file was taken and nothing is wrong."""
        return not (self.refusal or self.target or self.kinds)


def upload(file: File, path: Path, store: DatasetStore) -> Verdict:
    """Send a file with the parameters of the list alone, and judge the answer."""
    try:
        info = store.ingest_upload(path, "application/octet-stream", reading_of(file.words()))
    except errors.UserError as error:
        return Verdict(file, refusal=error.summary)
    found = kinds(info)
    return Verdict(
        file, "", tuple(_target(file, info)), tuple(_kinds(file, info, found)), len(found)
    )


def kinds(info: DatasetInfo) -> dict[str, str]:
    """Return the kind of each column of the file but the label; that of a date by its parts.

    A table of numbers alone is stored whole: which of its columns are constant is said in a note.
    """
    constant = [name for note in info.notes if note.code == "constant_columns"
                for name in str(note.numbers["columns"]).split(", ")]  # fmt: skip
    if not info.columns and not info.left_out:
        names = info.feature_names or [f"c{at + 1}" for at in range(info.features)]
        return dict.fromkeys(names, "number") | dict.fromkeys(constant, "constant")
    stored = {c.source or c.name: "date" if c.part else c.kind for c in info.columns}
    if not info.columns:
        stored = dict.fromkeys(info.feature_names, "number")
    return (
        stored | dict.fromkeys(constant, "constant") | {one.name: one.kind for one in info.left_out}
    )


def _target(file: File, info: DatasetInfo) -> list[str]:
    wrong = []
    rows = info.n_train + info.n_test
    if info.task != file.task:
        wrong.append(f"task {info.task}, not {file.task}")
    if file.label and info.label and info.label != file.label:
        wrong.append(f"label {info.label!r}, not {file.label!r}")
    if rows != file.rows:
        wrong.append(f"{rows} rows, not {file.rows}")
    if file.task == "classification" and len(info.classes) != file.classes:
        wrong.append(f"{len(info.classes)} classes, not {file.classes}")
    return wrong


def _kinds(file: File, info: DatasetInfo, found: Mapping[str, str]) -> list[str]:
    said = {name: kind for kind, names in file.kinds.items() for name in names}
    wrong = [f"no column {name!r}" for name in said if name not in found]
    for name, kind in found.items():
        right = said.get(name, file.rest)
        if right and kind not in _ALIKE[right]:
            wrong.append(f"{name!r} is {kind}, not {right}")
    gaps = {column.source or column.name: column.missing for column in info.columns}
    for name, count in file.gaps.items():
        if gaps.get(name, 0) != count:
            wrong.append(f"{name!r} has {gaps.get(name, 0)} gaps, not {count}")
    return wrong
