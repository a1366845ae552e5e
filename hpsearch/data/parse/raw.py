"""`Raw`, the value that every reader returns, and the list in which mistakes are gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.columns import Column, LeftOut
from hpsearch.data.info import Kind, Task
from hpsearch.data.limits import Limits
from hpsearch.data.notes import Note
from hpsearch.data.row_facts import NO_FACTS, RowFacts

MAX_MISTAKES = 20
LABEL_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Features:
    """Examples of one part: values (n, features) as they were read, `shape` of one example."""

    values: npt.NDArray[Any]
    shape: tuple[int, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Raw:
    """Content of a file. Labels are one value per example: integers, bools, floats or strings.

    `names` are those of the features and `label` that of the labels' column, where there are any.
    `classes` names the classes 0, 1, … where the file has numbers and the reader knows the words.
    For regression the labels are numbers to predict.

    columns, left_out
        Of a table that is more than numbers without gaps: what its columns hold, NaN where a cell
        has no value; and the columns of the file that are not among them.
    rows, notes
        Numbers of the file's examples that were kept, from 0; None where all were. Findings of the
        reader.
    facts, fact_columns
        Of the examples of x: groups, time and weight; and the columns of the file that hold them.
    without_group, dated
        Rows that are groups of their own, for their column says nothing; whether the time is in days.
    """

    x: Features
    y: npt.NDArray[Any]
    x_test: Features | None = None
    y_test: npt.NDArray[Any] | None = None
    names: tuple[str, ...] = ()
    label: str = ""
    classes: tuple[str, ...] = ()
    task: Task = "classification"
    columns: tuple[Column, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Note, ...] = ()
    rows: npt.NDArray[np.intp] | None = None
    facts: RowFacts = NO_FACTS
    fact_columns: Mapping[str, str] = field(default_factory=dict)
    without_group: int = 0
    dated: bool = False


class Mistakes:
    """Gathers mistakes, so that a user sees all of them at once (the first `MAX_MISTAKES`)."""

    def __init__(self) -> None:
        self._mistakes: list[tuple[int, errors.Mistake]] = []

    def add(self, path: str, message: str, *, at: int = 0) -> None:
        """Note one mistake, `at` a line of the file; at the cap, stop reading and refuse."""
        self._mistakes.append((at, errors.Mistake(path, message)))
        if len(self._mistakes) >= MAX_MISTAKES:
            self.refuse(more=True)

    def check(self) -> None:
        """Refuse the dataset if there is any mistake."""
        if self._mistakes:
            self.refuse()

    def refuse(self, *, more: bool = False) -> NoReturn:
        """Raise `InvalidDataset` with all mistakes, in the order of the file."""
        mistakes = [mistake for _, mistake in sorted(self._mistakes, key=lambda entry: entry[0])]
        rest = len(mistakes) - 1
        others = f" (and {rest}{' or more' if more else ''} other mistakes)" if rest else ""
        raise errors.InvalidDataset(f"{mistakes[0].path}: {mistakes[0].message}{others}", mistakes)


def refuse(path: str, message: str) -> NoReturn:
    """Raise `InvalidDataset` with a single mistake."""
    raise errors.InvalidDataset(f"{path}: {message}", [errors.Mistake(path, message)])


def require_size(limits: Limits, rows: int, width: int, itemsize: int) -> None:
    """Refuse arrays beyond the limits, before any memory is taken for them.

    Raises
    ------
    errors.TooLarge
        Too many rows, columns or bytes; the message has the figures.
    """
    wanted = rows * width * itemsize
    for what, value, cap in (
        ("rows", rows, limits.rows),
        ("features", width, limits.columns),
        ("bytes", wanted, limits.data),
    ):
        if value > cap:
            raise errors.TooLarge(
                f"the dataset has {value:,} {what}, at most {cap:,} are taken; send fewer rows or "
                "columns, and images as uint8"
            )
