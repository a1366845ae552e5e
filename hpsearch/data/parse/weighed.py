"""The weights of a dataset's rows once its parts are known: what they come to, and who is told.

n   rows of a part
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from hpsearch.data.notes import Note
from hpsearch.data.parse.labels import Encoded
from hpsearch.data.parse.raw import refuse
from hpsearch.metrics.weights import effective
from hpsearch.plural import counted

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

LEAST = 2  # training rows of a class that count: one to train on and one to validate on
LEAST_SEALED = 2  # sealed rows of a regression that count: of one there is no spread to explain
UNEVEN = 0.5  # share of the rows that their weights come to; below, it is worth a note
FEW = 100  # effective rows of the test part: below, its scores are uncertain


def weighed(
    weight: Floats, name: str, labels: Encoded, parts: Mapping[str, Rows]
) -> tuple[float, ...]:
    """Return rows with a weight above 0, their sum and their effective number, part by part.

    Parameters
    ----------
    weight, name
        The weights of all rows, and their column.
    parts
        The rows of the training part, then of the test part, by what they are called.

    Raises
    ------
    errors.InvalidDataset
        A part has no weight above 0, a class too few in the training part, the test part of a
        regression too few, or a sum is too large.
    """
    numbers: list[float] = []
    for part, rows in parts.items():
        here = weight[rows]
        if not here.any():
            refuse(
                "weight",
                f"column {name!r}: every weight of the {part} is 0, so nothing of it counts; leave "
                "rows of weight 0 out of the file, or name another column",
            )
        total = float(here.sum())
        if not np.isfinite(total):
            refuse("weight", f"column {name!r}: the weights of the {part} are too large to add up")
        numbers += [float(np.count_nonzero(here)), total, effective(here)]
    if labels.classes:
        _check_classes(weight, name, labels, next(iter(parts.values())))
    else:
        _check_measured(name, parts, [int(count) for count in numbers[::3]])
    return tuple(numbers)


def _check_measured(name: str, parts: Mapping[str, Rows], counts: list[int]) -> None:
    for (part, rows), count in zip(parts.items(), counts, strict=True):
        if count < LEAST_SEALED:
            refuse(
                "weight",
                f"column {name!r}: {count} of {len(rows):,} rows of the {part} has a weight above 0, "
                f"and a regression takes {LEAST_SEALED}: errors of one row tell nothing; leave rows of "
                "weight 0 out of the file, so that others are sealed, or leave weight= out",
            )


def _check_classes(weight: Floats, name: str, labels: Encoded, train: Rows) -> None:
    there = train[weight[train] > 0]
    counts = np.bincount(labels.y[there].astype(np.intp), minlength=len(labels.classes))
    least = int(np.argmin(counts))
    if counts[least] < LEAST:
        refuse(
            "weight",
            f"column {name!r}: class {labels.classes[least]!r} has "
            f"{counted(int(counts[least]), 'training row')} of a weight above 0, and takes {LEAST}; "
            "leave the rows of the class out of the file, or give them a weight",
        )


def notes(name: str, numbers: tuple[float, ...], rows: tuple[int, int]) -> Iterator[Note]:
    """Yield what to know of weights; `rows` are those of the training part and of the test part."""
    trained, _, effective_train, tested, _, effective_test = numbers
    left_out = rows[0] - int(trained) + rows[1] - int(tested)
    if left_out:
        yield Note(
            "rows_of_weight_0",
            "info",
            f"{counted(left_out, 'row')} of weight 0 in column {name!r}: they neither train nor score",
            {"rows": left_out, "train": rows[0] - int(trained), "test": rows[1] - int(tested)},
            "a spec with weight null has every row count the same",
        )
    if (
        effective_test < FEW
        or effective_train < UNEVEN * trained
        or effective_test < UNEVEN * tested
    ):
        yield Note(
            "uneven_weights",
            "warning" if effective_test < FEW else "info",
            f"the weights in column {name!r} have the training rows count for about "
            f"{effective_train:.0f} of {trained:.0f}, and the test rows for {effective_test:.0f} of "
            f"{tested:.0f}",
            {
                "effective_train": effective_train, "train": trained,
                "effective_test": effective_test, "test": tested,
            },
            "scores are as uncertain as with so few rows; weights that differ less make them surer",
        )  # fmt: skip
