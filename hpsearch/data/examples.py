"""Readers of examples without labels, for a trained model: files of its own user."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import InvalidRequest

_NAMED = 5  # missing columns that are said by name


def read_npz(file: Path, feature_names: Sequence[str]) -> npt.NDArray[Any]:
    """Read the array x of an .npz file.

    Raises
    ------
    InvalidRequest
        It has no such array.
    """
    try:
        with file.open("rb") as source, np.load(source, allow_pickle=False) as arrays:
            x: npt.NDArray[Any] = arrays["x"]
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidRequest(f"{file} is no .npz file with an array x of numbers") from error
    return x


def read_csv(file: Path, feature_names: Sequence[str]) -> npt.NDArray[Any]:
    """Read the columns `feature_names` of a CSV file, in their order; all columns if it is empty.

    Raises
    ------
    InvalidRequest
        It is no such file, or lacks a column; the message names it.
    """
    with file.open(encoding="utf-8-sig", newline="") as source:
        try:
            rows = csv.reader(source, strict=True)
            head = [name.strip() for name in next(rows, [])]
            columns = _columns(file, head, feature_names)
            values = [_numbers(file, rows.line_num, row, columns) for row in rows if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise InvalidRequest(f"{file} is no CSV file in UTF-8: {error}") from error
    if not values:
        raise InvalidRequest(f"{file} has a header and no examples")
    return np.array(values)


def _columns(file: Path, head: list[str], feature_names: Sequence[str]) -> list[int]:
    """Return the position of each feature."""
    wanted = list(feature_names) or head
    missing = [name for name in wanted if name not in head]
    if missing:
        named = ", ".join(map(repr, missing[:_NAMED]))
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        columns = "column" if len(missing) == 1 else "columns"
        raise InvalidRequest(f"{file} lacks the {columns} {named}{more}")
    return [head.index(name) for name in wanted]


def _numbers(file: Path, line: int, row: list[str], columns: list[int]) -> list[float]:
    try:
        return [float(row[column]) for column in columns]
    except (IndexError, ValueError) as error:
        raise InvalidRequest(f"{file}, line {line}: {error}") from error
