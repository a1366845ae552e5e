"""Marks of units beside numbers, such as 5% and $5: taken off where a whole column has the same one.

K   distinct cells
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.data.notes import Note
from hpsearch.data.parse.made import Context, path
from hpsearch.data.parse.numbers import Forms
from hpsearch.data.parse.raw import refuse
from hpsearch.data.parse.words import Mask, Words, to_mask
from hpsearch.number_text import MARKED, WITH_UNIT


@dataclass(frozen=True, slots=True, eq=False)
class Bare:
    """Distinct cells without their marks.

    marked
        (K,) cells that had one.
    units
        The marks, sorted.
    """

    words: Words
    marked: Mask
    units: tuple[str, ...]


def without_marks(words: Words, gaps: Mask, *, asked: bool) -> Bare | None:
    """Take the marks off the cells that are no gaps; None where no cell has one.

    asked
        True takes any word behind a number for a mark, as the sender calls the column one of numbers.
    """
    parts = pc.extract_regex(words.texts, WITH_UNIT if asked else MARKED)
    sign, before, inner, number, behind = (
        pc.fill_null(pc.struct_field(parts, name), "")
        for name in ("sign", "before", "inner", "number", "behind")
    )
    beside = pc.xor(pc.not_equal(before, ""), pc.not_equal(behind, ""))
    one_sign = pc.or_(pc.equal(sign, ""), pc.equal(inner, ""))
    marked = to_mask(pc.and_(beside, one_sign)) & ~gaps
    if not marked.any():
        return None
    mask = pa.array(marked)
    bare = pc.binary_join_element_wise(sign, inner, number, "")
    unit = pc.binary_join_element_wise(before, behind, "")
    units = sorted(pc.unique(pc.filter(unit, mask)).to_pylist())
    texts = pc.if_else(mask, bare, words.texts)
    return Bare(replace(words, texts=texts), marked, tuple(units))


def require_one(
    name: str, words: Words, bare: Bare, numbers: Mask, context: Context, *, asked: bool
) -> str:
    """Return the mark that all numbers of a column have.

    Parameters
    ----------
    numbers
        (K,) cells that are numbers without their marks.
    asked
        True lets some of a feature have none, as the sender calls the column one of numbers. Labels,
        weights and times are numbers by what they are for, and nobody has said that of their marks.

    Raises
    ------
    errors.InvalidDataset
        Some have another mark, or none: the same digits may then mean different things.
    """
    marked, plain = numbers & bare.marked, numbers & ~bare.marked
    feature = context.role == "feature"
    if len(bare.units) > 1:
        shown = ", ".join(map(repr, bare.units[:5])) + (", ..." if bare.units[5:] else "")
        refuse(
            path(name),
            f"column {name!r}: numbers with {len(bare.units)} different marks ({shown}), such as "
            f"{_example(words, marked, context)}; write them in one unit"
            + (f", or send kind={name}:category to take them for words" if feature else ""),
        )
    if plain.any() and not (asked and feature):
        of = words.rows(numbers)
        refuse(
            path(name),
            f"column {name!r}: {words.rows(marked):,} of {of:,} numbers have the mark "
            f"{bare.units[0]!r}, the others none: {_example(words, marked, context)}, "
            f"{_example(words, plain, context)}; write them alike"
            + (
                f", or send kind={name}:number to take the mark off, or kind={name}:category to "
                "take them for words"
                if feature
                else ""
            ),
        )
    return bare.units[0]


def _example(words: Words, marked: Mask, context: Context) -> str:
    at = int(np.argmax(marked))
    return f"{words.texts[at].as_py()[:40]!r} ({context.line(words.first_row(at))})"


def note(name: str, words: Words, bare: Bare, unit: str, *, feature: bool) -> Note:
    """Say that a mark was taken off."""
    at = int(np.argmax(bare.marked))
    cell, number = words.texts[at].as_py(), bare.words.texts[at].as_py()
    return Note(
        "unit_mark",
        "info",
        f"column {name!r}: the mark {unit!r} is taken off its numbers: {cell[:40]!r} is {number[:40]}",
        {"column": name, "unit": unit},
        f"kind={name}:category takes such cells for words" if feature else "nothing to do",
    )


def unit_of_words(words: Words, gaps: Mask) -> str:
    """Return the word that stands behind the number of every cell, such as kg; else ""."""
    cells = ~(gaps | words.number_gaps())
    bare = without_marks(words, ~cells, asked=True)
    if bare is None or len(bare.units) > 1 or (cells & ~bare.marked).any():
        return ""
    forms = Forms.of(bare.words)
    if all((cells & ~forms.by(mark)).any() for mark in ".,"):  # such as 1.2.3 and 1 10 €
        return ""
    return bare.units[0]
