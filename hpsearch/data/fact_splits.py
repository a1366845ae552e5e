"""Splits of rows that belong to groups, or have a time, or both.

By groups, each lies in one part. By time, what validates comes after all that trains. By both, the
later rows validate, and of the earlier ones those train whose group has no later row; the others are
in neither part.

n   rows
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data import group_splits, time_splits
from hpsearch.data.row_facts import RowFacts
from hpsearch.data.splits import Split

IntArray = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

LEAST_KEPT: Final = 0.2
"""Share of the earlier rows that has to stay for training once known groups are taken out."""
_TRIES: Final = 20  # for a split that is none of those before


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways to validate: `folds`, or `repeats` splits that hold out `fraction` of the rows.

    key
        Start of the entropy of a split; `first` makes the first one of several.
    """

    fraction: float
    folds: int | None
    repeats: int
    first: tuple[int, ...]
    more: tuple[int, ...]


def classes_of(y: npt.NDArray[Any]) -> IntArray:
    """Return class numbers (n,) of targets; numbers to predict are of one class."""
    return y.astype(np.intp) if y.dtype.kind in "iu" else np.zeros(len(y), np.intp)


def splits(y: npt.NDArray[Any], facts: RowFacts, ways: Ways) -> list[Split]:
    """Make the splits of a search with targets y (n,); by time the latest comes first.

    Raises
    ------
    errors.InvalidSpec
        There are too few groups or stamps for as many splits, or too few rows to train on.
    """
    if facts.time is not None:
        return [_split(*parts) for parts in _forward(facts.time, facts.groups, ways)]
    assert facts.groups is not None
    codes = classes_of(y)
    if ways.folds is not None:
        _require(group_splits.distinct(facts.groups), ways.folds, "validation.folds", "groups")
        fold = group_splits.folds(facts.groups, codes, count=ways.folds, seed=ways.more)
        return [_split(fold != k, fold == k) for k in range(ways.folds)]
    _require(group_splits.distinct(facts.groups), 2, "dataset", "groups")
    return [_split(~held, held) for held in _repeated(facts.groups, codes, ways)]


def without_known(groups: npt.NDArray[np.int64], earlier: Mask, later: Mask) -> Mask:
    """Mark those of the earlier rows (n,) whose group has no row among the later ones."""
    return earlier & ~np.isin(groups, groups[later])


def _forward(
    time: npt.NDArray[np.float64], groups: npt.NDArray[np.int64] | None, ways: Ways
) -> Iterator[tuple[Mask, Mask]]:
    path = "validation.repeats" if ways.folds is None else "validation.folds"
    count = ways.repeats if ways.folds is None else ways.folds
    _require(time_splits.distinct(time), count + 1, path if count > 1 else "dataset", "stamps")
    for window in time_splits.windows(time, _starts(len(time), ways)):
        train = window.before
        if groups is not None:
            train = without_known(groups, train, window.within)
        kept, earlier = int(train.sum()), int(window.before.sum())
        if groups is not None and kept < LEAST_KEPT * earlier:
            raise _refused(
                path,
                f"of {earlier:,} rows before a cut {kept:,} stay for training: the others are of "
                "groups that have later rows too. Upload again with groups= alone to ask about new "
                "groups, or with time= alone to ask about later rows of known ones",
            )
        yield train, window.within


def _starts(rows: int, ways: Ways) -> IntArray:
    """Return where the windows of the splits begin, in rows by time."""
    if ways.folds is not None:
        return np.arange(1, ways.folds + 1) * rows // (ways.folds + 1)
    back = np.arange(ways.repeats, 0, -1) * ways.fraction
    if ways.repeats > 1 and 1 - back[0] < LEAST_KEPT - 1e-9:
        raise _refused(
            "validation.repeats",
            f"{ways.repeats} windows of {ways.fraction:g} of the rows, one before the other, leave "
            f"less than {LEAST_KEPT:.0%} of the rows to train on before the first; name fewer, or a "
            "lower validation_fraction",
        )
    return np.array([time_splits.place(rows, share) for share in back.tolist()])


def _repeated(groups: npt.NDArray[np.int64], codes: IntArray, ways: Ways) -> list[Mask]:
    """Return the rows that are held out by each repeat, no two of them the same."""
    masks: list[Mask] = []
    seen: set[bytes] = set()
    for repeat in range(ways.repeats):
        key = (*ways.more, repeat) if repeat else ways.first
        for attempt in range(_TRIES):
            seed = (*key, attempt) if attempt else key
            held = group_splits.held_out(groups, codes, fraction=ways.fraction, seed=seed)
            if held.tobytes() not in seen:
                break
        else:
            raise _refused(
                "validation.repeats",
                f"the {group_splits.distinct(groups):,} groups of the training part were split in "
                f"{len(masks)} different ways and no more; name {len(masks)} repeats, or folds",
            )
        seen.add(held.tobytes())
        masks.append(held)
    return masks


def _require(there: int, least: int, path: str, what: str) -> None:
    if there < least:
        raise _refused(
            path,
            f"takes {least:,} {what}, and the training part has {there:,}: name fewer splits"
            if path != "dataset"
            else f"its training part has {there:,} {what}; {least:,} are needed to validate",
        )


def _refused(path: str, message: str) -> errors.InvalidSpec:
    return errors.InvalidSpec(f"{path}: {message}", [errors.Mistake(path, message)])


def _split(train: Mask, validation: Mask) -> Split:
    return Split(np.flatnonzero(train), np.flatnonzero(validation))


@dataclass(frozen=True, slots=True)
class Lacking:
    """A class that a part of a split has no rows of; `split` counts from 0."""

    split: int
    code: int
    training: bool


def lacking(y: npt.NDArray[Any], parts: Sequence[Split]) -> Iterator[Lacking]:
    """Yield the classes of targets y (n,) that parts of the splits lack, training parts first."""
    codes = classes_of(y)
    present = np.unique(codes)
    for training in (True, False):
        for number, part in enumerate(parts):
            rows = part.train if training else part.validation
            for code in np.setdiff1d(present, codes[rows]).tolist():
                yield Lacking(number, code, training)
