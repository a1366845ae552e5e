"""Measures: numbers that validation gives a trial beside its loss, asked for by name.

`Training(..., measures={"name": Measure(...)})` puts each trial's value into
`EpochScore.measures["name"]` after every epoch. A measure sees one trial's values for all n
validation examples, in the order of `Examples.rows`, and their targets. It needs one of

    "predicted"   predictions, shaped like the targets: classes (n,), numbers (n,) or (n, K)
    "values"      (n, K) probabilities of the classes, or predicted numbers: see `Loss.values`
    "losses"      (n,) the examples' losses
    "outputs"     (n, K) the network's outputs, which do not saturate as probabilities do
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.arrays import Targets

Needs: TypeAlias = Literal["predicted", "values", "losses", "outputs"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A function of one trial's `needs` and the targets: compute(needed (n, ...), targets).

    weighted: the same of examples that count by their weights, weighted(needed, targets, weights
    (n,)), which takes the place of `compute` where the examples have weights.
    """

    compute: Callable[[NDArray[Any], Targets], float]
    needs: Needs = "predicted"
    weighted: Callable[[NDArray[Any], Targets, NDArray[np.float64]], float] | None = None
