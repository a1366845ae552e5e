"""Columns that an upload names for facts about its rows: groups, time and weight.

n   rows
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from hpsearch.data import equal_rows
from hpsearch.data.notes import Note
from hpsearch.data.parse.cells import NEVER_WORDS, is_missing
from hpsearch.data.parse.frame import FrameColumn
from hpsearch.data.parse.kinds import settle, text_of
from hpsearch.data.parse.made import Asked, Context, Made
from hpsearch.data.parse.raw import refuse
from hpsearch.data.row_facts import NO_FACTS, RowFacts
from hpsearch.plural import counted

Mask = npt.NDArray[np.bool_]

FEWEST: Final = 3  # groups, one each for training, validation and test
LARGEST, LARGE = 0.5, 0.2  # shares of the rows in one group: refused above, and noted


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """The facts of n rows as their columns say them.

    alone
        (n,) True for rows without a group, each of which is one by itself; None without groups.
    dated
        True where the time is days since 1970.
    """

    facts: RowFacts = NO_FACTS
    alone: Mask | None = None
    dated: bool = False

    def settled(self, x: npt.NDArray[Any]) -> RowFacts:
        """Return the facts, with a group for each row that has none: it is named by its features x (n, C)."""
        if self.alone is None or self.facts.groups is None or not self.alone.any():
            return self.facts
        own = equal_rows.hashes(x[self.alone]).view(np.int64)
        groups = self.facts.groups.copy()
        groups[self.alone] = own
        return replace(self.facts, groups=groups)


def named(columns: dict[str, FrameColumn], asked: dict[str, Asked], context: Context) -> Named:
    """Read the columns of the facts, by the names of the facts: groups, time, weight.

    Raises
    ------
    errors.InvalidDataset
        A time or a weight is missing or is none, or no weight is above 0; no two rows share a group, or
        half of all rows do.
    """
    facts, alone, dated = NO_FACTS, None, False
    if "groups" in columns:
        groups, alone = _groups(columns["groups"], context)
        facts = replace(facts, groups=groups)
    if "time" in columns:
        time, dated = _time(columns["time"], asked.get("time", Asked()), context)
        facts = replace(facts, time=time)
    if "weight" in columns:
        facts = replace(facts, weight=_weight(columns["weight"], context))
    return Named(facts, alone, dated)


def _groups(column: FrameColumn, context: Context) -> tuple[npt.NDArray[np.int64], Mask]:
    """Return a number for each row's group (n,), and which rows have none."""
    encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(text_of(column)))
    words = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    numbers = np.array([_number(word) for word in words], np.int64)
    gaps = {"", *context.missing, *NEVER_WORDS}
    missing = np.array([word.lower() in gaps for word in words])
    sizes = np.where(missing, 0, np.bincount(codes))
    _note_names_of_nothing(column.name, words, sizes, context)
    _check_sizes(column.name, words, sizes, len(codes), context)
    return numbers[codes], missing[codes]


def _note_names_of_nothing(
    name: str, words: list[str], sizes: npt.NDArray[np.intp], context: Context
) -> None:
    """Note a group that is called as programs call a missing value, such as NA: it may be Namibia."""
    for word, size in zip(words, sizes.tolist(), strict=True):
        if size > 1 and is_missing(word):
            context.notes.append(
                Note(
                    "group_may_be_missing",
                    "warning",
                    f"{word!r} of column {name!r} is taken for a group of {size:,} rows",
                    {"column": name, "group": word, "rows": size},
                    f"missing={word} takes each of these rows for a group of its own",
                )
            )


def _check_sizes(
    name: str, words: list[str], sizes: npt.NDArray[np.intp], rows: int, context: Context
) -> None:
    """Refuse groups that separate nothing or everything; note one that is large, and rows without."""
    alone, largest = rows - int(sizes.sum()), int(np.argmax(sizes))
    count, size = int((sizes > 0).sum()) + alone, int(sizes[largest])
    has = f"group {words[largest][:40]!r} of column {name!r} has {size:,} of {rows:,} rows ({size / rows:.1%})"
    if size <= 1:
        refuse(
            "groups",
            f"column {name!r}: every row is a group of its own, which separates nothing; name a "
            "column whose values several rows share, or leave groups= out",
        )
    if count < FEWEST or size > LARGEST * rows:
        refuse(
            "groups",
            f"{has}, and there are {counted(count, 'group')}: a split takes {FEWEST} groups, none with "
            "more than half of the rows; name a finer column, leave rows of that group out, or "
            "leave groups= out",
        )
    if size > LARGE * rows:
        context.notes.append(
            Note(
                "large_group",
                "warning",
                has,
                {"group": words[largest][:40], "rows": size, "share": size / rows},
                "whatever part it is in is mostly that group: folds and scores differ by where it "
                "is; fewer folds, or a finer column, make them more alike",
            )
        )
    if alone:
        context.notes.append(
            Note(
                "rows_without_group",
                "info",
                f"column {name!r}: {counted(alone, 'row')} of {rows:,} without a value, each taken for "
                "a group of its own",
                {"column": name, "rows": alone, "of": rows},
                "fill the column in where such rows belong together",
            )
        )


def _number(word: str) -> int:
    digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _time(
    column: FrameColumn, asked: Asked, context: Context
) -> tuple[npt.NDArray[np.float64], bool]:
    """Return when each row was (n,), and whether that is in days since 1970."""
    name = column.name
    made = settle(column, asked, replace(context, role="time"))
    numbers = made if isinstance(made, Made) else None
    if numbers is None or numbers.columns[0].kind != "number":
        refuse(
            "time",
            f"column {name!r} holds neither dates nor numbers that tell an order; "
            f"kind={name}:date-dmy or kind={name}:number says how to read it",
        )
    times = _complete("time", name, numbers.values[0], context)
    if not np.isfinite(times).all():
        row = int(np.argmin(np.isfinite(times)))
        refuse("time", f"column {name!r}, {context.line(row)}: {times[row]:g} is no time")
    return times, bool(numbers.columns[0].part)


def _weight(column: FrameColumn, context: Context) -> npt.NDArray[np.float64]:
    name = column.name
    made = settle(column, Asked("number"), replace(context, role="weight"))
    if not isinstance(made, Made):
        refuse("weight", f"column {name!r} holds no numbers; weight=NAME names another column")
    weight = _complete("weight", name, made.values[0], context)
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        refuse(
            "weight",
            f"column {name!r}, {context.line(row)}: {weight[row]:g} is no weight; weights are "
            "finite and not below 0",
        )
    if not weight.any():
        refuse("weight", f"column {name!r}: every weight is 0; some row has to count")
    return weight


def _complete(
    fact: str, name: str, values: npt.NDArray[np.float64], context: Context
) -> npt.NDArray[np.float64]:
    gaps = np.isnan(values)
    if gaps.any():
        row, count = int(np.argmax(gaps)), int(gaps.sum())
        refuse(
            fact,
            f"column {name!r}: {counted(count, 'row')} without a value, the first in "
            f"{context.line(row)}; fill in or leave out such rows, or leave {fact}= out",
        )
    return values
