"""Sentences on what has to be done with raw examples before an exported network takes them."""

from __future__ import annotations

from hpsearch import nn
from hpsearch.columns import Column


def sentences(model: nn.Model) -> list[str]:
    """Return what the numbers of an exported network's input are, one sentence for each kind."""
    if not model.columns:
        return [_plain(model)]
    kinds = {
        "numbers": [c for c in model.columns if c.kind == "number" and not c.part],
        "dates": [c for c in model.columns if c.part],
        "booleans": [c for c in model.columns if c.kind == "boolean"],
        "words": [c for c in model.columns if c.kind in ("category", "ordered")],
    }
    said = [f"{_SAID[kind]}: {_named(columns)}" for kind, columns in kinds.items() if columns]
    gaps = "a missing value is NaN in any column"
    made = "hpsearch.nn.Model.numbers(table) of the .npz file computes all of it"
    return [*said, gaps, made]


_SAID = {
    "numbers": "numbers as they are, without marks of units",
    "dates": "parts of a date: days since 1970-01-01 with fractions, or the sine or cosine of its place in year, "
    "week (from Monday) or day",
    "booleans": "0 or 1, the place of the word among the column's levels",
    "words": "the place of the word among the column's levels, from 0; a category that is none of them has the number "
    "of levels, an ordered one NaN",
}


def _plain(model: nn.Model) -> str:
    """Return the sentence for examples that are numbers already."""
    if model.about.get("kind") == "image":
        return "an image row by row, in the units of the training data; nothing else is done before"
    return "features in their order, in the units of the training data; nothing else is done before"


def _named(columns: list[Column]) -> str:
    return ", ".join(column.name for column in columns)
