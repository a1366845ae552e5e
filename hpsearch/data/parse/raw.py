"""What every reader returns, and the list in which mistakes are gathered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.info import Kind
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
    """What a file holds. Labels are one value per example: integers, bools, floats or strings.

    `classes` names the classes 0, 1, … where the file has numbers and the reader knows the words.
    """

    x: Features
    y: npt.NDArray[Any]
    x_test: Features | None = None
    y_test: npt.NDArray[Any] | None = None
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class Mistakes:
    """Gathers mistakes, so that a user sees all of them at once (the first `MAX_MISTAKES`)."""

    def __init__(self) -> None:
        self._found: list[tuple[int, errors.Mistake]] = []

    def add(self, path: str, message: str, *, at: int = 0) -> None:
        """Note one mistake, `at` a line of the file; at the cap, stop reading and refuse."""
        self._found.append((at, errors.Mistake(path, message)))
        if len(self._found) >= MAX_MISTAKES:
            self.refuse(more=True)

    def check(self) -> None:
        """Refuse the dataset if there is any mistake."""
        if self._found:
            self.refuse()

    def refuse(self, *, more: bool = False) -> NoReturn:
        """Raise `InvalidDataset` with all that was found, in the order of the file."""
        found = [mistake for _, mistake in sorted(self._found, key=lambda entry: entry[0])]
        rest = len(found) - 1
        others = f" (and {rest}{' or more' if more else ''} other mistakes)" if rest else ""
        raise errors.InvalidDataset(f"{found[0].path}: {found[0].message}{others}", found)


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
    """The path of one value: x[12, 'age'] where columns have names, else x[12, 3]."""
    inner = [repr(names[index[1]])] if names and len(index) == 2 else [str(i) for i in index[1:]]
    return f"{part}[{', '.join([str(index[0]), *inner])}]"


def trainable(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which values can be trained on: finite and within +-`LARGEST`."""
    # A NaN compares as false, so one comparison finds it together with the infinities.
    return np.asarray(np.abs(values) <= LARGEST)


def why_not(value: float) -> str:
    """What is wrong with a value that is not `trainable`, and the way out."""
    if np.isnan(value):
        return "is missing (NaN); fill it in or leave the row out"
    if np.isinf(value):
        return "is infinite; replace it or leave the row out"
    return f"is {value:g}, beyond ±{LARGEST:g}; rescale the column"
