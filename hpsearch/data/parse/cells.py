"""Cells of text tables, and the question whether the first line names the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hpsearch import errors

MISSING: Final = frozenset(
    {"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "?", "-", "."}
)
"""Spellings, in lower case, that programs and people give a value that is not there."""

NEVER_WORDS: Final = frozenset({"<na>", "nan", "nat", "#n/a"})
"""Those of `MISSING` that only programs write: never the name of a class."""

_FLAGS: Final = {"true": 1.0, "false": 0.0}
_SHOWN = 6


def number(field: str) -> float | None:
    """Return a cell as a number, True and False as 1 and 0; None if it is neither."""
    # float() takes 1_000 and the digits of every script; a table that has them is a mistake.
    if "_" in field or not field.isascii():
        return None
    try:
        return float(field)
    except ValueError:
        return _FLAGS.get(field.strip().lower())


def is_missing(field: str) -> bool:
    """Return True for a spelling of a value that is not there."""
    return field.strip().lower() in MISSING


def why_no_number(field: str) -> str:
    """Say what is wrong with a feature's cell, and the way out."""
    if is_missing(field):
        shown = f" ({field.strip()!r})" if field.strip() else ""
        return f"the value is missing{shown}; fill it in or leave the row out"
    way_out = "turn words into numbers, or into one 0/1 column per word"
    return f"{field[:40]!r} is not a number; {way_out}"


def is_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first line names the columns, by the lines below it.

    It does if it has no number above numbers. Counters, 0, 1, 2, ... or 1, 2, 3, ..., are names
    where some column below holds another kind of cell, or the last one begins with a new word.

    Raises
    ------
    errors.InvalidDataset
        It could be an example as well.
    """
    numbers = [i for i, cell in enumerate(first) if number(cell) is not None]
    doubtful = [i for i in numbers if any(number(cell) is not None for cell in _column(below, i))]
    if not doubtful or not below:
        return True
    counted = [number(first[i]) for i in numbers]
    if counted in (list(range(len(counted))), list(range(1, len(counted) + 1))):
        fractions = any(_fraction(cell) for i in doubtful for cell in _column(below, i))
        if fractions or _is_new(first, below, len(first) - 1):
            return True
    raise _unclear(first, below[0])


def _is_new(first: Sequence[str], below: Sequence[Sequence[str]], at: int) -> bool:
    """Tell whether a column begins with a word that it does not have again."""
    return number(first[at]) is None and first[at] not in _column(below, at)


def _column(rows: Sequence[Sequence[str]], position: int) -> Iterator[str]:
    return (row[position].strip() for row in rows if position < len(row))


def _fraction(cell: str) -> bool:
    value = number(cell)
    return value is not None and not value.is_integer()


def _unclear(first: Sequence[str], second: Sequence[str]) -> errors.InvalidDataset:
    line, other = (_listed(fields) for fields in (first, second))
    message = (
        f"the first line may name the columns or be an example. As names: the columns are {line}, "
        f"and the first example is {other}. As an example: the columns have no names, and the "
        f"first example is {line}. Say which: header=true if it names them, header=false if it is "
        "an example (--header or --no-header on the command line)"
    )
    return errors.InvalidDataset(f"header: {message}", [errors.Mistake("header", message)])


def _listed(fields: Sequence[str]) -> str:
    shown = ", ".join(field.strip()[:20] for field in fields[:_SHOWN])
    return f"{shown}, ..." if len(fields) > _SHOWN else shown
