"""Targets of a regression: numbers that can be learned, and their spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.parse.cells import number
from hpsearch.data.parse.raw import Raw, refuse
from hpsearch.plural import counted

Floats = npt.NDArray[np.float64]

LARGEST = 1e100  # of a target: squares of larger ones leave float64
SHOWN = 3  # cells that are not numbers
NOT_FINITE = "the label is missing (NaN or infinite)"


def targets(raw: Raw) -> tuple[Floats, Floats | None]:
    """Return y (n,) and y_test (n_test,), or None, as numbers; one example at least goes to each part.

    Raises
    ------
    errors.InvalidDataset
        A target is no finite number, or too large; all are equal; there are too few.
    """
    needed = 3 if raw.y_test is None else 2
    if len(raw.y) < needed:
        refuse("y", f"{counted(len(raw.y), 'example')}; {needed} are needed")
    y = _numbers(raw.y, "y", raw.label)
    y_test = None if raw.y_test is None else _numbers(raw.y_test, "y_test", raw.label)
    if y.min() == y.max():
        refuse("y", f"all {len(y):,} targets are {y[0]:g}: there is nothing to learn; name another "
               "column with label=, or check the file")  # fmt: skip
    return y, y_test


def spread(y: Floats) -> tuple[float, float, float, float]:
    """Return the lowest and the highest of y (n,), their mean and their standard deviation."""
    return float(y.min()), float(y.max()), float(y.mean()), float(y.std())


def _numbers(values: npt.NDArray[Any], part: str, label: str) -> Floats:
    if values.dtype.kind == "U":
        _require_numbers(values, part, label)
        values = np.array([number(str(word)) for word in values])
    made = values.astype(np.float64)
    missing = np.flatnonzero(~np.isfinite(made))
    if missing.size:
        refuse(f"{part}[{missing[0]}]", NOT_FINITE)
    large = np.flatnonzero(np.abs(made) > LARGEST)
    if large.size:
        refuse(f"{part}[{large[0]}]", f"the target {made[large[0]]:g} is beyond {LARGEST:g}; give it "
               "in another unit")  # fmt: skip
    return made


def _require_numbers(words: npt.NDArray[Any], part: str, label: str) -> None:
    """Refuse a column with cells that are no numbers, in a line."""
    wrong = [at for at, word in enumerate(words) if number(str(word)) is None]
    if not wrong:
        return
    shown = ", ".join(repr(str(words[at])[:20]) for at in wrong[:SHOWN])
    column = f"column {label!r} has" if label else "the targets have"
    refuse(
        part,
        f"{column} {counted(len(wrong), 'cell')} of {len(words):,} that are no numbers ({shown}); "
        "a regression takes numbers: fill them in or leave the rows out, or send it without "
        "task=regression if these are classes",
    )
