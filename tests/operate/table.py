"""What was seen, what was allowed, and whether it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its limit."""

    where: str
    what: str
    seen: str
    limit: str
    kept: bool


def at_most(where: str, what: str, seen: float, limit: float, unit: str = "s") -> Row:
    """A figure that is not to be above its limit."""
    return Row(where, what, f"{seen:.3g} {unit}", f"at most {limit:.3g} {unit}", seen <= limit)


def none_of(where: str, what: str, sentences: Sequence[str]) -> Row:
    """Something that is not to happen, with the first time that it did."""
    seen = f"{len(sentences)}: {sentences[0][:120]}" if sentences else "none"
    return Row(where, what, seen, "none", not sentences)


def is_true(where: str, what: str, seen: object, *, kept: bool) -> Row:
    """Something that has to be so."""
    return Row(where, what, str(seen), "", kept)


def text(rows: Sequence[Row]) -> str:
    """The table, the missed limits marked."""
    lines = [("", "what", "seen", "limit")]
    where = ""
    for row in rows:
        if row.where != where:
            lines += [("", "", "", ""), ("", row.where, "", "")]
            where = row.where
        lines.append(("  " if row.kept else "! ", f"  {row.what}", row.seen, row.limit))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    made = [
        "".join(cell.ljust(width + 2) for cell, width in zip(line, widths, strict=False)) + line[3]
        for line in lines
    ]
    missed = sum(not row.kept for row in rows)
    made += ["", f"{missed} of {len(rows)} limits missed" if missed else "every limit was kept"]
    return "\n".join(line.rstrip() for line in made)
