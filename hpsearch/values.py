"""Values that can be trained on: one check for whatever reads examples."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

LARGEST: Final = 1e30
"""Features beyond this are refused: their squares and differences leave float32."""


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


def distance(x: npt.NDArray[Any], offset: npt.NDArray[np.float64] | None) -> npt.NDArray[Any]:
    """Return x (n, F) less `offset` (F,), in float64; x itself where there is no offset.

    Whole numbers are subtracted as such, for they may have more than float64's 53 bits.
    """
    if offset is None:
        return x
    if x.dtype.kind == "i":
        whole = np.rint(offset).astype(np.int64)
        return np.asarray((x - whole) - (offset - whole))
    return np.asarray(x - offset)
