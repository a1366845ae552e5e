"""Splits by groups or time, which the rows of a dataset decide: those that cannot be, and their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.fact_splits import Lacking, lacking
from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.metrics import METRICS
from hpsearch.spec import ResolvedSpec

_REFUSED: Final = "the dataset cannot be split as the spec asks"


def validated(files: DatasetStore, info: DatasetInfo, resolved: ResolvedSpec) -> int:
    """Count the training rows that validate on some split.

    Splits by groups or time are refused that the rows do not allow, or that lack a class which is needed.

    Every training part needs every class. A validation part needs each where the objective compares
    classes; other objectives are what they are without.

    Raises
    ------
    errors.InvalidSpec
        The dataset has no such splits; names the field and the way out.
    errors.Corrupt, errors.Unavailable
        The rows cannot be read.
    """
    from hpsearch.training.data_splits import counted_rows, splits  # loads SciPy

    y, facts = files.train_rows(info)
    counted = counted_rows(facts.weight if resolved.weighted else None, len(y))
    y, facts = y[counted], facts.take(counted)
    spec = resolved.spec
    try:
        parts = splits(
            y,
            seed=spec.seed,
            fraction=spec.validation_fraction,
            folds=spec.validation.folds,
            repeats=spec.validation.repeats,
            facts=facts,
        )
    except InvalidSpec as error:
        raise InvalidSpec(_REFUSED, error.mistakes) from error
    by_class = METRICS[spec.objective].by_class
    without = next((one for one in lacking(y, parts) if one.training or by_class), None)
    if without is not None:
        raise InvalidSpec(_REFUSED, list(_said(without, info, resolved, len(parts))))
    return len(np.unique(np.concatenate([part.validation for part in parts])))


def _said(
    found: Lacking, info: DatasetInfo, resolved: ResolvedSpec, count: int
) -> Iterator[Mistake]:
    spec = resolved.spec
    by = " and ".join(name for name in ("groups", "time") if getattr(info, name))
    part = "training" if found.training else "validation"
    path, ways = "dataset", []
    if count > 1:
        path = "validation.repeats" if spec.validation.folds is None else "validation.folds"
        ways.append(f"fewer {path.partition('.')[2]}")
    if not found.training:
        ways.append("an objective that does not compare classes, such as accuracy or log_loss")
    ways.append("an upload without the rows of that class")
    yield Mistake(
        path,
        f"split by {by}, the {part} part of split {found.split + 1} of {count} has no row of class "
        f"{info.classes[found.code]!r}: take {', or '.join(ways)}",
    )
