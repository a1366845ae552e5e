"""The examples that a search trains and validates on, scaled by what the training part shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.columns import Column
from hpsearch.data import (
    DatasetInfo,
    DatasetStore,
    Preparation,
    Scaling,
    Split,
    TrainPart,
    equal_rows,
    fact_splits,
    fit_encoding,
    fit_scaling,
    fit_target,
    split,
    split_folds,
)
from hpsearch.data.fact_splits import Ways
from hpsearch.data.row_facts import NO_FACTS, RowFacts
from hpsearch.encoding import Encoding
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import Stream

CACHED = 4  # datasets whose splits and scalings a worker remembers
DEFAULT = Preparation("robust", 32)  # of a model that says nothing


@dataclass(frozen=True, slots=True)
class DataSplit:
    """Training and validation part of one split; both map the same file.

    again: the same rows, prepared otherwise for the network.
    """

    train: nn.Examples
    validation: nn.Examples
    again: Callable[[Preparation | None], DataSplit] | None = None

    def prepared(self, preparation: Preparation | None) -> DataSplit:
        """The split as a model wants it."""
        return self if self.again is None else self.again(preparation)


def preparation_of(values: Mapping[str, Any], info: DatasetInfo) -> Preparation | None:
    """The preparation that a trial with the hyperparameters `values` wants; None for the plain scaling.

    Tables with gaps or words have one always, tables of numbers where their scaling is robust.
    """
    scaling, mixed = values["scaling"], bool(info.columns)
    if scaling == "auto":
        scaling = "robust" if mixed else "standard"
    if info.kind == "image" or not (mixed or scaling == "robust"):
        return None
    return Preparation(scaling, values["max_levels"] if mixed else 1)


class DataSplits:
    """Splits and scalings by dataset, seed and way to validate: the same for a search's jobs."""

    def __init__(self, files: DatasetStore) -> None:
        self._files = files
        self._make = lru_cache(maxsize=CACHED)(self._split)

    def of(self, resolved: ResolvedSpec, info: DatasetInfo) -> Sequence[DataSplit]:
        """Every split of a search; each scaling is fitted on its own training part alone."""
        spec, ways = resolved.spec, resolved.spec.validation
        return self._make(
            info,
            spec.seed,
            spec.validation_fraction,
            ways.folds,
            ways.repeats,
            weighted=resolved.weighted,
        )

    def whole(
        self, info: DatasetInfo, preparation: Preparation | None = None, *, weighted: bool = False
    ) -> tuple[nn.Examples, Scaling]:
        """Training and validation part together, with a scaling fitted on both."""
        part = self._part(info, weighted=weighted)
        rows = counted_rows(part.facts.weight, len(part.y))
        scaling, encoding = _fitted(part, rows, info, preparation)
        return examples(part, rows, scaling, encoding, target_scale(part, rows)), scaling

    def _part(self, info: DatasetInfo, *, weighted: bool) -> TrainPart:
        """The training part, with its weights only where they count."""
        part = self._files.open_train(info)
        return part if weighted else replace(part, facts=replace(part.facts, weight=None))

    def _split(
        self,
        info: DatasetInfo,
        seed: int,
        fraction: float,
        folds: int | None,
        repeats: int,
        *,
        weighted: bool,
    ) -> Sequence[DataSplit]:
        part = self._part(info, weighted=weighted)
        made = []
        counted = counted_rows(part.facts.weight, len(part.y))
        # Numbered anew: numbers with gaps may look like those of rows that all differ.
        equal = equal_rows.numbered(equal_rows.groups(part.x)[counted]) if info.together else None
        for places in splits(
            part.y[counted],
            seed=seed,
            fraction=fraction,
            folds=folds,
            repeats=repeats,
            equal=equal,
            facts=part.facts.take(counted),
        ):
            rows = Split(counted[places.train], counted[places.validation])
            again = cache(partial(_prepared, part, rows, info))
            made.append(replace(again(DEFAULT if info.columns else None), again=again))
        return made


def _prepared(
    part: TrainPart, rows: Split, info: DatasetInfo, preparation: Preparation | None
) -> DataSplit:
    """A split; what its inputs need is fitted on its training rows alone."""
    scaling, encoding = _fitted(part, rows.train, info, preparation)
    target = target_scale(part, rows.train)
    train, validation = (
        examples(part, r, scaling, encoding, target) for r in (rows.train, rows.validation)
    )
    return DataSplit(train, validation)


def counted_rows(weight: NDArray[np.float64] | None, count: int) -> NDArray[np.intp]:
    """The rows of a part that count, ascending: all of them without weights.

    Rows of weight 0 are left out before anything else is done, so that none of them moves a split,
    a minibatch, a scaling or a score.
    """
    return np.arange(count, dtype=np.intp) if weight is None else np.flatnonzero(weight > 0)


def _fitted(
    part: TrainPart, rows: NDArray[np.intp], info: DatasetInfo, preparation: Preparation | None
) -> tuple[Scaling, Encoding | None]:
    if preparation is None:
        return fit_scaling(part.x, rows, kind=info.kind), None
    columns = info.columns or [Column(str(i), "number") for i in range(info.features)]
    return fit_encoding(part.x, rows, columns, preparation)


def splits(
    y: NDArray[Any],
    *,
    seed: int,
    fraction: float,
    folds: int | None,
    repeats: int,
    equal: NDArray[np.intp] | None = None,
    facts: RowFacts = NO_FACTS,
) -> Sequence[Split]:
    """The splits of a search with targets y (n,): folds, or `repeats` splits by chance.

    The first of several splits by chance is the one of a search that has one alone. Classes have
    the same shares in every part; targets that are no classes are one stratum. Rows of one number
    in `equal` (n,) lie in one part. Where the rows have groups or a time, these decide: see
    `hpsearch.data.fact_splits`.

    Raises
    ------
    errors.InvalidSpec
        There are not as many splits, by the groups or the time.
    """
    more = [(seed, int(Stream.FOLDS), repeat) for repeat in range(1, repeats)]
    if facts.groups is not None or facts.time is not None:
        first, others = (seed,), (seed, int(Stream.FOLDS))
        return fact_splits.splits(y, facts, Ways(fraction, folds, repeats, first, others))
    y = y if y.dtype.kind in "iu" else np.zeros(len(y), np.intp)
    if folds is not None:
        return split_folds(y, folds=folds, seed=(seed, Stream.FOLDS), equal=equal)
    return [split(y, fraction=fraction, seed=key, equal=equal) for key in ((seed,), *more)]


def target_scale(part: TrainPart, train: NDArray[np.intp]) -> nn.TargetScale | None:
    """The scale of a part's targets, fitted on its rows that train; None of classes."""
    if part.y.dtype.kind != "f":
        return None
    return nn.TargetScale(*fit_target(part.y, train, weights_of(part.facts, train)))


def weights_of(facts: RowFacts, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    """The weights of some rows of a part; None where all count the same."""
    return None if facts.weight is None else np.asarray(facts.weight[rows], np.float64)


def examples(
    part: TrainPart,
    rows: NDArray[np.intp],
    scaling: Scaling,
    encoding: Encoding | None = None,
    target: nn.TargetScale | None = None,
) -> nn.Examples:
    """Some rows of a part in the engine's terms."""
    return nn.Examples(
        x=part.x,
        y=part.y,
        rows=rows,
        shift=scaling.shift,
        scale=scaling.scale,
        encoding=encoding,
        target=target,
        weights=weights_of(part.facts, rows),
    )
