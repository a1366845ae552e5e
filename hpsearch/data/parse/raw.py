"""`Raw`, the value that every reader returns, and the list in which mistakes are gathered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.info import Kind, Task
from hpsearch.data.limits import Limits

MAX_MISTAKES = 20
LABEL_LENGTH = 64

LARGEST = 1e30
"""Features beyond this are refused: their squares and differences leave float32."""


@dataclass(frozen=True, slots=True)
class Features:
    """Examples of one part: values (n, features) uint8 or float32, `shape` of one example."""

    values: npt.NDArray[Any]
    shape: tuple[int, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Raw:
    """Content of a file. Labels are one value per example: integers, bools, floats or strings.

    `classes` names the classes 0, 1, … where the file has numbers and the reader knows the words.
    For regression the labels are numbers to predict.
    """

    x: Features
    y: npt.NDArray[Any]
    x_test: Features | None = None
    y_test: npt.NDArray[Any] | None = None
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    task: Task = "classification"


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


def place(index: tuple[int, ...], names: tuple[str, ...], part: str = "x") -> str:
    """Format the path of one value: x[12, 'age'] where columns have names, else x[12, 3]."""
    inner = [repr(names[index[1]])] if names and len(index) == 2 else [str(i) for i in index[1:]]
    return f"{part}[{', '.join([str(index[0]), *inner])}]"


def trainable(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Mark the values that can be trained on: finite and within +-`LARGEST`."""
    # A NaN compares as false, so one comparison finds it together with the infinities.
    return np.asarray(np.abs(values) <= LARGEST)


def why_not(value: float) -> str:
    """Say why a value is not `trainable`, and the way out."""
    if np.isnan(value):
        return "is missing (NaN); fill it in or leave the row out"
    if np.isinf(value):
        return "is infinite; replace it or leave the row out"
    return f"is {value:g}, beyond ±{LARGEST:g}; rescale the column"
