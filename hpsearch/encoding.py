"""`Encoding`: how stored columns become inputs of a network, as plain arrays fitted on training rows.

data fits it, nn applies it, and the model file holds it.

C   stored columns      F   inputs      M   numbers      G   indicators      K   categories
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Index: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """Map from C columns, which are already shifted and scaled, to F inputs.

    The inputs are M numbers, then G indicators of gaps, then the slots of the K categories, of
    which exactly one is 1 for each category. A gap in a number is fed as 0, the fitted centre.

    width
        F.
    numbers
        (M,) columns that are fed as they are: numbers, ranks, booleans.
    smooth
        Of so many of the first numbers z is fed as z / sqrt(1 + (z/3)²), which stays within ±3
        (Holzmüller, Grinsztajn, Steinwart 2024, arXiv 2407.04491).
    gaps, live
        (G,) places among the numbers whose gaps have an indicator; it stays 0 where `live` is False.
    categories, levels
        (K,) columns of codes, and how many levels each has; a code beyond them is an unknown level.
    slots
        For each category in turn the input of each level, of an unknown one, and of a gap.

    Raises: ValueError, when made, if these do not fit each other.
    """

    width: int
    numbers: Index
    smooth: int
    gaps: Index
    live: NDArray[np.bool_]
    categories: Index
    levels: Index
    slots: Index

    def __post_init__(self) -> None:
        first = len(self.numbers) + len(self.gaps)
        fits = (
            all(getattr(self, name).ndim == 1 for name in _VECTORS)
            and self.live.shape == self.gaps.shape
            and self.levels.shape == self.categories.shape
            and len(self.slots) == int(self.levels.sum()) + 2 * len(self.levels)
            and 0 <= self.smooth <= len(self.numbers)
            and _within(self.levels, 0, np.iinfo(np.int32).max)
            and _within(self.gaps, 0, len(self.numbers))
            and _within(self.slots, first, self.width)
            and self.width >= max(first, 1)
        )
        if not fits:
            raise ValueError("the arrays of an encoding do not fit each other")

    def fits(self, columns: int) -> bool:
        """Tell whether it reads a table of so many columns."""
        return _within(self.numbers, 0, columns) and _within(self.categories, 0, columns)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays that `from_arrays` reads back, by name."""
        return {field.name: np.array(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Encoding:
        """Read what `arrays` gave. Raises: KeyError, TypeError, ValueError."""
        vectors = {name: arrays[name].astype(np.intp, casting="same_kind") for name in _INDICES}
        live = arrays["live"].astype(np.bool_, casting="no")
        return cls(width=int(arrays["width"]), smooth=int(arrays["smooth"]), live=live, **vectors)


_INDICES = ("numbers", "gaps", "categories", "levels", "slots")
_VECTORS = (*_INDICES, "live")


def _within(values: Index, low: int, end: int) -> bool:
    return not len(values) or bool(values.min() >= low and values.max() < end)
