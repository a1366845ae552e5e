"""A search where the true gain is 0, and the gain that its final test states."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import listed
from benchmarks.answers.searches import Search
from benchmarks.answers.tables import Tables

DIGITS = 6


def searched(tables: Tables, kind: str, table: str, seed: int) -> dict[str, Any]:
    """The row of a kind, a table and a seed."""
    by_chance = kind in listed.BY_CHANCE
    info = tables.split(table, seed, by_chance=by_chance)
    search = Search.of(
        tables.files, info, {**listed.SEARCH, **listed.NULLS[kind], "seed": seed}
    )  # fmt: skip
    gain = search.gain(search.run())
    row: dict[str, Any] = {"kind": kind, "table": table, "seed": seed, "same": gain is None}
    if gain is not None:
        ends = (gain.value, gain.low, gain.high)
        row["gain"] = [None if end is None else round(end, DIGITS) for end in ends]
        if gain.note:
            row["note"] = gain.note
    return row
