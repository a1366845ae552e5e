"""The examples that a search trains and validates on, scaled by what the training part shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore, Scaling, TrainPart, fit_scaling, split
from hpsearch.spec import ResolvedSpec

KEPT = 4  # datasets whose split and scaling a worker remembers


@dataclass(frozen=True, slots=True)
class Parts:
    """Training and validation part of one search; both map the same file."""

    train: nn.Examples
    validation: nn.Examples


class PartsCache:
    """Splits and scalings by (dataset, seed, fraction): the same for every job of a search."""

    def __init__(self, files: DatasetStore) -> None:
        self._files = files
        self._make = lru_cache(maxsize=KEPT)(self._split)

    def parts(self, resolved: ResolvedSpec, info: DatasetInfo) -> Parts:
        """Training and validation part, the scaling fitted on the training part alone."""
        spec = resolved.spec
        return self._make(info, spec.seed, spec.validation_fraction)

    def whole(self, info: DatasetInfo) -> tuple[nn.Examples, Scaling]:
        """Training and validation part together, with a scaling fitted on both."""
        part = self._files.open_train(info)
        rows = np.arange(len(part.y), dtype=np.intp)
        scaling = fit_scaling(part.x, rows, kind=info.kind)
        return examples(part, rows, scaling), scaling

    def _split(self, info: DatasetInfo, seed: int, fraction: float) -> Parts:
        part = self._files.open_train(info)
        rows = split(part.y, fraction=fraction, seed=seed)
        scaling = fit_scaling(part.x, rows.train, kind=info.kind)
        return Parts(
            train=examples(part, rows.train, scaling),
            validation=examples(part, rows.validation, scaling),
        )


def examples(part: TrainPart, rows: np.typing.NDArray[np.intp], scaling: Scaling) -> nn.Examples:
    """Some rows of a part in the engine's terms."""
    return nn.Examples(x=part.x, y=part.y, rows=rows, shift=scaling.shift, scale=scaling.scale)
