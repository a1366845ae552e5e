"""Words as levels: booleans, categories, ordered ones, and words that are too many to be any.

n   rows      K   distinct cells
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from hpsearch.columns import FALSE_WORDS, TRUE_WORDS, Column, LeftOut, StoredKind
from hpsearch.data.notes import Note
from hpsearch.data.parse import unit_marks
from hpsearch.data.parse.labels import is_plain
from hpsearch.data.parse.made import Asked, Context, Floats, Made, path
from hpsearch.data.parse.numbers import Forms
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words
from hpsearch.plural import counted

FEWEST: Final = 20  # rows, below which chance alone makes all words different
ALL_DIFFERENT: Final = 0.9  # levels by rows, of text and ids
MANY: Final = 0.5  # the same, from which it is said
NUMBERS_AMONG_WORDS: Final = 0.5  # share of a column's cells, from which it is said
MOST_LEVELS: Final = 5_000
LONGEST: Final = 200  # characters of a level


def boolean(name: str, words: Words, gaps: Mask, context: Context) -> Made | None:
    """Read a column of true and false, yes and no or their first letters; None for another one."""
    cells = words.listed(~gaps)
    spellings = {cell.lower() for cell in cells}
    for no, yes in zip(FALSE_WORDS, TRUE_WORDS, strict=True):
        if spellings == {no, yes}:
            spelled = [min(cell for cell in cells if cell.lower() == one) for one in (no, yes)]
            values = np.array([float(cell.lower() == yes) for cell in cells])
            made = _made(name, "boolean", spelled, words.spread(values, ~gaps), context)
            plain = no == "false" and not words.rows(gaps)
            return Made(made.columns, made.values, plain=plain)
    return None


def two_words(name: str, words: Words, gaps: Mask, context: Context) -> Made:
    """Take any two words for 0 and 1, as the sender wants it.

    Raises: errors.InvalidDataset for another number of words.
    """
    said = boolean(name, words, gaps, context)
    if said is not None:
        return said
    cells = sorted(words.listed(~gaps))
    if len(cells) != 2:
        shown = ", ".join(map(repr, cells[:3]))
        refuse(
            path(name),
            f"column {name!r} has {len(cells):,} words ({shown}, ...), a boolean two; "
            f"kind={name}:category takes more, and missing= what stands for a missing value",
        )
    values = np.array([float(cells.index(cell)) for cell in words.listed(~gaps)])
    return _made(name, "boolean", cells, words.spread(values, ~gaps), context)


def category(
    name: str, words: Words, gaps: Mask, asked: Asked, declared: Sequence[str], context: Context
) -> Made | LeftOut:
    """Number the levels of a column: in the order that is declared, else sorted as text.

    Raises: errors.InvalidDataset for a word that declared levels lack, or too many levels.
    """
    cells = words.listed(~gaps)
    ordered = asked.kind == "ordered"
    given = tuple(asked.levels or declared)
    known = set(given)
    others = sorted(set(cells) - known)
    if ordered and (others or not given):
        _refuse_order(name, words, gaps, given, others, context)
    levels = (*given, *others)
    left = None if ordered or declared else _too_many(name, cells, words.rows(~gaps))
    if left is not None and (asked.kind is None or len(levels) > MOST_LEVELS):
        if asked.kind is None:
            return left
        refuse(path(name), f"column {name!r} has {len(levels):,} levels; {MOST_LEVELS:,} at most")
    if len(cells) == 1 and not words.rows(gaps):
        return LeftOut(name, "constant", f"every row has {cells[0][:40]!r}")
    codes = {level: float(code) for code, level in enumerate(levels)}
    values = words.spread(np.array([codes[cell] for cell in cells]), ~gaps)
    return _made(name, "ordered" if ordered else "category", levels, values, context)


def _made(
    name: str, kind: StoredKind, levels: Sequence[str], values: Floats, context: Context
) -> Made:
    return Made((Column(name, kind, tuple(levels), gaps=context.missing),), (values,))


def _refuse_order(
    name: str, words: Words, gaps: Mask, given: Sequence[str], others: list[str], context: Context
) -> None:
    if not given:
        shown = "<".join(sorted(words.listed(~gaps))[:4])
        refuse(
            path(name), f"column {name!r}: name its levels from low to high: ordered={name}:{shown}"
        )
    unknown = ~gaps & np.array([text in set(others) for text in words.texts.to_pylist()])
    context.refuse_cells(
        name, words, unknown, what=f"none of the levels {', '.join(map(repr, given[:8]))}"
    )


def _too_many(name: str, cells: list[str], rows: int) -> LeftOut | None:
    """Return why a column of words is left out: nearly all differ, or they are no words."""
    spaced = sum(" " in cell for cell in cells) > len(cells) / 2
    what = f"{len(cells):,} different words in {rows:,} rows"
    if rows >= FEWEST and len(cells) > ALL_DIFFERENT * rows:
        return LeftOut(name, "text" if spaced else "id", f"{what}: nearly all differ")
    if len(cells) > MOST_LEVELS:
        return LeftOut(name, "text" if spaced else "id", f"{what}; {MOST_LEVELS:,} levels at most")
    if any(len(cell) > LONGEST or not is_plain(cell) for cell in cells):
        return LeftOut(
            name, "text", f"cells of more than {LONGEST} characters, or of several lines"
        )
    return None


def note(name: str, words: Words, gaps: Mask, made: Made | LeftOut, context: Context) -> None:
    """Note a column of words that holds many numbers, words for nothing, or many levels."""
    unit = unit_marks.unit_of_words(words, gaps)
    constant = isinstance(made, LeftOut) and made.kind == "constant"
    if unit and not constant:
        context.notes.append(_numbers_with_unit(name, unit, left_out=isinstance(made, LeftOut)))
    if isinstance(made, Made):
        context.notes.extend(_notes(name, words, gaps, len(made.columns[0].levels)))


def _numbers_with_unit(name: str, unit: str, *, left_out: bool) -> Note:
    what = "is left out" if left_out else "is taken for words"
    return Note(
        "numbers_with_unit",
        "warning",
        f"column {name!r} {what}, although each of its cells is a number and {unit!r}",
        {"column": name, "unit": unit},
        f"kind={name}:number takes the numbers",
    )


def _notes(name: str, words: Words, gaps: Mask, levels: int) -> Iterator[Note]:
    rows = words.rows(~gaps)
    bare = unit_marks.without_marks(words, gaps, asked=False)
    share = words.rows(Forms.of(words if bare is None else bare.words).point & ~gaps) / rows
    if NUMBERS_AMONG_WORDS <= share < 1:
        yield Note(
            "numbers_among_words",
            "warning",
            f"column {name!r} is taken for words, although {share:.0%} of its cells are numbers",
            {"column": name, "share": share},
            f"missing= names words that stand for a missing number; kind={name}:number says that "
            "all others are mistakes",
        )
    spelled = words.number_gaps() & ~gaps
    if spelled.any():
        listed = ", ".join(words.listed(spelled))
        count = words.rows(spelled)
        yield Note(
            "words_for_nothing",
            "info",
            f"column {name!r}: {listed} in {counted(count, 'row')} counts as a word of its own",
            {"column": name, "words": listed, "rows": count},
            f"missing={words.listed(spelled)[0]} takes it for a missing value",
        )
    if rows >= FEWEST and levels > MANY * rows:
        yield Note(
            "many_levels",
            "info",
            f"column {name!r} has {levels:,} different words in {rows:,} rows",
            {"column": name, "levels": levels, "rows": rows},
            f"words that come once tell nothing of new rows: drop={name} leaves the column out",
        )
