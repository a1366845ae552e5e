"""The rows of a file that are sealed where groups or a time say which rows belong together.

n   rows      C   features
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hpsearch.data import group_splits, time_splits
from hpsearch.data.fact_splits import LEAST_KEPT, classes_of, without_known
from hpsearch.data.notes import Note
from hpsearch.data.parse.labels import Encoded
from hpsearch.data.parse.raw import Raw, refuse
from hpsearch.data.row_facts import RowFacts
from hpsearch.plural import counted

Mask = npt.NDArray[np.bool_]

MOST_LATER: Final = 0.5  # share of the rows that one cut may seal
FEW_GROUPS, FEWEST_GROUPS = (
    10,
    5,
)  # sealed groups: below, intervals are too narrow, or there are none
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sealed(
    labels: Encoded, facts: RowFacts, hashes: npt.NDArray[np.uint64], meaning: str, fraction: float
) -> tuple[Mask, Mask]:
    """Mark the rows (n,) that train and those that are sealed; by groups and time, some are neither.

    Nothing but the content decides, and not the order of the rows: see `_seed`.

    Raises
    ------
    errors.InvalidDataset
        The groups or the time make no two parts with every class in both.
    """
    if facts.time is None:
        assert facts.groups is not None
        seed = _seed(labels.y, facts.groups, hashes, meaning)
        test = group_splits.held_out(
            facts.groups, classes_of(labels.y), fraction=fraction, seed=seed
        )
        train = ~test
    else:
        train, test = _by_time(facts.time, facts.groups, fraction)
        _require_two(facts.time[train], "time", "times")
    if facts.groups is not None:
        _require_two(facts.groups[train], "groups", "groups")
    _require_classes(labels, train, test, "time" if facts.time is not None else "groups")
    return train, test


def _require_two(values: npt.NDArray[Any], fact: str, what: str) -> None:
    """Refuse a training part that cannot be split again."""
    if len(np.unique(values)) < 2:
        refuse(
            fact,
            f"all rows of the training part share one of the {what}, so that nothing would be left to "
            f"validate on; name a finer column, or leave {fact}= out",
        )


def _seed(
    y: npt.NDArray[Any], groups: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64], meaning: str
) -> int:
    """Return a seed that is the same for the same rows in any order."""
    rows = np.column_stack(
        [hashes, groups.view(np.uint64), np.ascontiguousarray(y).view(np.uint64)]
    )
    rows = rows[np.lexsort(rows.T)]
    digest = hashlib.sha256(meaning.encode())
    digest.update(rows.astype("<u8").tobytes())
    return int(digest.hexdigest()[:16], 16)


def _by_time(
    time: npt.NDArray[np.float64], groups: npt.NDArray[np.int64] | None, fraction: float
) -> tuple[Mask, Mask]:
    if time_splits.distinct(time) < 3:
        refuse(
            "time",
            "the rows have fewer than 3 different times, one each for training, validation and test; leave time= out",
        )
    window = time_splits.last(time, fraction)
    train, test, n = window.before, window.within, len(time)
    if test.sum() > MOST_LATER * n:
        refuse(
            "time",
            f"a cut between two times that seals the last {fraction:.0%} of the rows seals "
            f"{int(test.sum()):,} of {n:,}, for as many share one time; name a finer column, or "
            "leave time= out",
        )
    if groups is None:
        return train, test
    earlier, train = int(train.sum()), without_known(groups, train, test)
    if train.sum() < LEAST_KEPT * n:
        refuse(
            "groups",
            f"of {earlier:,} rows before the cut in time, {earlier - int(train.sum()):,} are of groups "
            f"that have later rows too: {int(train.sum()):,} of all {n:,} rows would stay for "
            f"training, and {LEAST_KEPT:.0%} are needed. groups= without time= tests on new groups, "
            "time= without groups= on later rows of known ones",
        )
    return train, test


def _require_classes(labels: Encoded, train: Mask, test: Mask, fact: str) -> None:
    """Refuse parts of which one lacks a class."""
    present = np.arange(len(labels.classes))
    for part, mask in (("training", train), ("test", test)):
        absent = np.setdiff1d(present, labels.y[mask]) if len(present) else present
        if absent.size:
            name, count = labels.classes[absent[0]], labels.counts[absent[0]]
            others = f" (and {len(absent) - 1} more classes)" if len(absent) > 1 else ""
            refuse(
                fact,
                f"split by {fact}, the {part} part has no row of class {name!r}, which has "
                f"{counted(count, 'row')}{others}: leave these rows out (rare={count + 1} does), join the "
                f"class with another one, or leave {fact}= out",
            )


def notes(facts: RowFacts, train: Mask, test: Mask) -> list[Note]:
    """Return findings about the parts."""
    said_of_rows = []
    aside = int((~train & ~test).sum())
    if aside:
        said_of_rows.append(
            Note(
                "rows_set_aside",
                "info",
                f"{counted(aside, 'row')} of {len(train):,} {'is' if aside == 1 else 'are'} in neither "
                "part: earlier rows of groups that are sealed with their later ones",
                {"rows": len(train), "set_aside": aside},
                "groups= without time= uses them all, if new groups are the question",
            )
        )
    if facts.groups is not None:
        count = group_splits.distinct(facts.groups[test])
        if count < FEW_GROUPS:
            none = count < FEWEST_GROUPS
            said_of_rows.append(
                Note(
                    "few_groups",
                    "warning",
                    f"{counted(count, 'group')} {'is' if count == 1 else 'are'} sealed: the test score "
                    f"has {'no interval' if none else 'intervals that are too narrow'}",
                    {"sealed_groups": count, "rows": int(test.sum())},
                    f"an interval takes {FEWEST_GROUPS} sealed groups, an honest one {FEW_GROUPS}: about "
                    "five times as many in the file",
                )
            )
    return said_of_rows


@dataclass(frozen=True, slots=True)
class Shown:
    """Facts about the parts for those who look at a dataset.

    group_counts
        Groups of the training and of the sealed part, and rows that had none of their own.
    times
        First and last time of the training part, then of the sealed one, whose first is the cut.
    stamps
        Different times in the training part.
    """

    group_counts: tuple[int, ...] = ()
    times: tuple[str, ...] = ()
    stamps: int = 0

    def fields(self, columns: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields of `DatasetInfo` that hold them, and the columns of the facts."""
        counts = {"group_counts": self.group_counts, "times": self.times, "stamps": self.stamps}
        return {**columns, **counts}


def shown(raw: Raw, train: Mask, test: Mask) -> Shown:
    """Describe the parts of rows that have groups or a time."""
    facts, made = raw.facts, Shown()
    if facts.groups is not None:
        of = [group_splits.distinct(facts.groups[part]) for part in (train, test)]
        made = replace(made, group_counts=(*of, raw.without_group))
    if facts.time is not None:
        ends = [end(facts.time[part]) for part in (train, test) for end in (np.min, np.max)]
        times = tuple(stamp(float(one), dated=raw.dated) for one in ends)
        made = replace(made, times=times, stamps=time_splits.distinct(facts.time[train]))
    return made


def said(raw: Raw, made: Shown) -> list[Note]:
    """Say how the rows are split, for whoever reads of a search and not of its dataset."""
    sentences, columns = [], raw.fact_columns
    if made.group_counts:
        train, test, alone = made.group_counts
        sentences.append(
            Note(
                "split_by_groups",
                "info",
                f"split by the groups of column {columns['groups']!r}: {train:,} train, {test:,} are sealed",
                {"column": columns["groups"], "train": train, "sealed": test, "alone": alone},
                "scores are those of groups that training did not see",
            )
        )
    if made.times:
        _, last, cut, end = made.times
        sentences.append(
            Note(
                "split_by_time",
                "info",
                f"split by column {columns['time']!r}: up to {last} trains, {cut} to {end} is sealed",
                {"column": columns["time"], "cut": cut, "stamps": made.stamps},
                "scores are those of rows later than all that trained",
            )
        )
    return sentences


def stamp(time: float, *, dated: bool) -> str:
    """Write a time: the date of days since 1970, with its hour where it has one, or the number."""
    if not dated:
        return f"{time:.15g}"
    moment = _EPOCH + timedelta(microseconds=round(time * 86_400e6))
    whole = moment.replace(tzinfo=None)
    return whole.date().isoformat() if time == int(time) else whole.isoformat(sep=" ")
