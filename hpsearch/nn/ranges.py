"""The values that a network was trained on, and words for inputs that are far from them.

n   examples      F   features
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAR = 1.0  # widths of a feature's range beyond its end: one such value is worth a word
OUTSIDE = 0.2  # share of values that lie outside their ranges at all, by more than
BY = 0.1  # widths
NARROW = 0.1  # of the width seen in training: inputs that vary less have another unit
FEW_EXAMPLES = 10  # below, columns of a table may vary little by chance


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """The least and the largest value of each feature in training: low, high (F,)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def concerns(self, x: NDArray[Any], names: Sequence[str], *, image: bool) -> Iterator[str]:
        """Yield sentences on inputs `x` (n, F) that are unlike what was trained on; gaps do not count.

        Parameters
        ----------
        names
            Those of the features, none if they have none.
        image
            True if all features have one unit.
        """
        if image:
            low, high = self.low.min(keepdims=True), self.high.max(keepdims=True)
            ends = np.concatenate([x.min(axis=1), x.max(axis=1)])[:, None]
            yield from _outside(ends, low, high, ())
            yield from _narrow(ends, low, high)
            return
        yield from _outside(x, self.low, self.high, names)
        if len(x) >= FEW_EXAMPLES:
            yield from _narrow(x, self.low, self.high)


def _outside(
    x: NDArray[Any], low: NDArray[np.float64], high: NDArray[np.float64], names: Sequence[str]
) -> Iterator[str]:
    # A feature that never varied is fed as 0: whatever it is now, the network cannot see it.
    width = np.where(high > low, high - low, np.inf)
    beyond = np.maximum(low - x, x - high) / width
    far = (beyond > FAR).any(axis=0)
    if far.any():
        worst = int(np.flatnonzero(far)[0])
        values = x[:, worst]
        named = repr(names[worst]) if names else str(worst)
        where = f", such as column {named}" if len(low) > 1 else ""
        yield (
            f"inputs lie far outside what the model was trained on{where}: {np.nanmin(values):g} to "
            f"{np.nanmax(values):g}, in training {low[worst]:g} to {high[worst]:g}; give inputs in the "
            "units of the training data"
        )
    elif (beyond > BY).mean() > OUTSIDE:
        yield (
            f"{(beyond > BY).mean():.0%} of the values lie outside the ranges that the model was "
            "trained on; give inputs in the units of the training data"
        )


def _narrow(x: NDArray[Any], low: NDArray[np.float64], high: NDArray[np.float64]) -> Iterator[str]:
    least, most = np.fmin.reduce(x), np.fmax.reduce(x)
    varied = (most > least) & (high > low)
    if not varied.any():
        return
    share = (most - least)[varied] / (high - low)[varied]
    if 2 * (share < NARROW).sum() >= len(share):
        at = int(np.flatnonzero(varied)[np.argmin(share)])
        yield (
            f"the inputs vary far less than in training: {least[at]:g} to {most[at]:g}, in "
            f"training {low[at]:g} to {high[at]:g}; do not scale them, the model does"
        )
