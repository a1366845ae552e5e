"""The examples that a search trains and validates on, scaled by what the training part shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.data import (
    DatasetInfo,
    DatasetStore,
    Scaling,
    Split,
    TrainPart,
    fit_scaling,
    split,
    split_folds,
)
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import Stream

CACHED = 4  # datasets whose splits and scalings a worker remembers


@dataclass(frozen=True, slots=True)
class DataSplit:
    """Training and validation part of one split; both map the same file."""

    train: nn.Examples
    validation: nn.Examples


class DataSplits:
    """Splits and scalings by dataset, seed and way to validate: the same for a search's jobs."""

    def __init__(self, files: DatasetStore) -> None:
        self._files = files
        self._make = lru_cache(maxsize=CACHED)(self._split)

    def of(self, resolved: ResolvedSpec, info: DatasetInfo) -> Sequence[DataSplit]:
        """Every split of a search; each scaling is fitted on its own training part alone."""
        spec, ways = resolved.spec, resolved.spec.validation
        return self._make(info, spec.seed, spec.validation_fraction, ways.folds, ways.repeats)

    def whole(self, info: DatasetInfo) -> tuple[nn.Examples, Scaling]:
        """Training and validation part together, with a scaling fitted on both."""
        part = self._files.open_train(info)
        rows = np.arange(len(part.y), dtype=np.intp)
        scaling = fit_scaling(part.x, rows, kind=info.kind)
        return examples(part, rows, scaling), scaling

    def _split(
        self, info: DatasetInfo, seed: int, fraction: float, folds: int | None, repeats: int
    ) -> Sequence[DataSplit]:
        part = self._files.open_train(info)
        made = []
        for rows in splits(part.y, seed=seed, fraction=fraction, folds=folds, repeats=repeats):
            scaling = fit_scaling(part.x, rows.train, kind=info.kind)
            train, validation = (examples(part, r, scaling) for r in (rows.train, rows.validation))
            made.append(DataSplit(train, validation))
        return made


def splits(
    y: NDArray[Any], *, seed: int, fraction: float, folds: int | None, repeats: int
) -> Sequence[Split]:
    """The splits of a search with targets y (n,): folds, or `repeats` splits by chance.

    The first of several splits by chance is the one of a search that has one alone. Classes have
    the same shares in every part; targets that are no classes are one stratum.
    """
    y = y if y.dtype.kind in "iu" else np.zeros(len(y), np.intp)
    if folds is not None:
        return split_folds(y, folds=folds, seed=(seed, Stream.FOLDS))
    more = [(seed, Stream.FOLDS, repeat) for repeat in range(1, repeats)]
    return [split(y, fraction=fraction, seed=key) for key in ((seed,), *more)]


def examples(part: TrainPart, rows: NDArray[np.intp], scaling: Scaling) -> nn.Examples:
    """Some rows of a part in the engine's terms."""
    return nn.Examples(x=part.x, y=part.y, rows=rows, shift=scaling.shift, scale=scaling.scale)
