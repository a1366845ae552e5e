"""Facts about rows that are no features: the group a row belongs to, its time, its weight."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

TRAIN_FACTS: Final = {name: f"train_{name}.npy" for name in ("groups", "time", "weight")}
TEST_FACTS: Final = {name: f"test_{name}.npy" for name in TRAIN_FACTS}
"""Files of each fact; a dataset has those that its upload named."""


@dataclass(frozen=True, slots=True, eq=False)
class RowFacts:
    """Facts that an upload names of its rows beside features and label; None where it names none.

    groups
        (n,) int64, one number for all rows of a group: a hash of its name, which says nothing of
        where the group stands in the file or in an alphabet.
    time
        (n,) float64, later is larger: days since 1970 of a date, else the column's number.
    weight
        (n,) float64, finite and not negative, some of them above 0.
    """

    groups: npt.NDArray[np.int64] | None = None
    time: npt.NDArray[np.float64] | None = None
    weight: npt.NDArray[np.float64] | None = None

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the facts that there are, by name."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in arrays.items() if array is not None}

    def take(self, rows: npt.NDArray[np.intp]) -> RowFacts:
        """Return the facts of some rows, in that order."""
        return replace(self, **{name: array[rows] for name, array in self.arrays().items()})


NO_FACTS: Final = RowFacts()
