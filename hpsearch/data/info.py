"""`DatasetInfo`: the description of a dataset, for all who do not open its arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.columns import Column, LeftOut
from hpsearch.data.notes import Note
from hpsearch.data.row_facts import TEST_FACTS, TRAIN_FACTS

Kind = Literal["image", "tabular"]
KINDS: Final[Mapping[str, Kind]] = {"image": "image", "table": "tabular"}
"""Kinds by the words that callers use."""

Task = Literal["classification", "regression"]
TestSplit = Literal["given", "made"]

TRAIN_FILES = ("train_x.npy", "train_y.npy")
TEST_FILES = ("test_x.npy", "test_y.npy")
FILES = TRAIN_FILES + TEST_FILES
SEALED_FILES = frozenset((*TEST_FILES, *TEST_FACTS.values()))
ROWS_FILE = "test_rows.npy"
"""The numbers, from 0, of the file's examples that were sealed; of datasets split at ingest."""

VALIDATED = "validated"
"""Field that a search adds to the description of its dataset: training rows that validate."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A stored dataset, named by the SHA-256 of its content.

    `digest` covers kind, classes, example shape and the dtype, shape and bytes of the four
    arrays; `files` has the SHA-256 of each stored file. `shape` is one example's: (28, 28) for
    MNIST, (13,) for 13 columns; `features` is its product. `test_split` is "made" where 20 % of
    the examples were split off and sealed at ingest. A dataset for regression has no classes.

    label
        Name of the column of the classes; empty where there are no names, as in older datasets.
    class_counts
        Examples of each class, of both parts together; empty in older datasets.
    together
        True where equal rows lie in one part, and have to in every split of a search.
    columns
        What the stored columns hold, where not all of them are numbers without gaps; else empty.
    left_out
        Columns of the file that are not stored.
    positive
        Of two classes, the positive one where that is the first; empty where it is the second.
    target
        Lowest and highest target, mean and standard deviation, of the training part of a regression.
    groups, time, weight
        Columns of the file that say of each row which group it belongs to, when it was, and how
        much it counts; empty where none was named.
    group_counts
        Groups of the training part, groups of the sealed part, rows that had none of their own.
    times
        First and last time of the training part, then of the sealed part, whose first is the cut.
    stamps
        Different times in the training part.
    weights
        Of the training part and of the test part: rows with a weight above 0, the sum of the weights,
        and the effective number of rows; empty where no weight was named.
    offsets, notes
        (column, number) where the arrays hold distances from that number, not the values; findings.
    """

    digest: str
    kind: Kind
    n_train: int
    n_test: int
    features: int
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    licence: str
    source: str
    test_split: TestSplit
    # A mapping has no hash; the digest speaks for it.
    files: Mapping[str, str] = field(hash=False)
    task: Task = "classification"
    label: str = ""
    class_counts: tuple[int, ...] = ()
    together: bool = False
    offsets: tuple[tuple[int, float], ...] = ()
    notes: tuple[Note, ...] = ()
    columns: tuple[Column, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    positive: str = ""
    target: tuple[float, ...] = ()
    groups: str = ""
    time: str = ""
    weight: str = ""
    group_counts: tuple[int, ...] = ()
    times: tuple[str, ...] = ()
    stamps: int = 0
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        require_digest(self.digest)
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads back to an equal value."""
        value = {
            "digest": self.digest,
            "kind": self.kind,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "features": self.features,
            "shape": list(self.shape),
            "classes": list(self.classes),
            "feature_names": list(self.feature_names),
            "licence": self.licence,
            "source": self.source,
            "test_split": self.test_split,
            "files": dict(self.files),
        }
        # Left out where they have their defaults: descriptions are as they were before.
        later = {
            "task": self.task if self.task != "classification" else None,
            "label": self.label,
            "class_counts": list(self.class_counts),
            "together": self.together,
            "offsets": [list(pair) for pair in self.offsets],
            "notes": [note.to_json() for note in self.notes],
            "columns": [column.to_json() for column in self.columns],
            "left_out": [column.to_json() for column in self.left_out],
            "positive": self.positive,
            "target": list(self.target),
            "groups": self.groups,
            "time": self.time,
            "weight": self.weight,
            "group_counts": list(self.group_counts),
            "times": list(self.times),
            "stamps": self.stamps,
            "weights": list(self.weights),
        }
        return value | {name: one for name, one in later.items() if one}

    @property
    def offset(self) -> npt.NDArray[np.float64] | None:
        """Numbers that the arrays hold distances from, (features,), or None."""
        if not self.offsets:
            return None
        offset = np.zeros(self.features)
        for column, number in self.offsets:
            offset[column] = number
        return offset

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DatasetInfo:
        """Read what `to_json` wrote; what a search added to it is passed over.

        Raises
        ------
        errors.Corrupt
            A field is missing, unknown or not what `to_json` writes.
        """
        try:
            fields = {name: one for name, one in value.items() if name != VALIDATED}
            for name in ("shape", "classes", "feature_names"):
                fields[name] = tuple(fields[name])
            for name in ("class_counts", "target", "group_counts", "times"):
                fields[name] = tuple(fields.get(name, ()))
            fields["weights"] = tuple(map(float, fields.get("weights", ())))
            fields["offsets"] = tuple((int(at), float(n)) for at, n in fields.get("offsets", ()))
            fields["notes"] = tuple(Note(**note) for note in fields.get("notes", ()))
            fields["columns"] = tuple(map(Column.from_json, fields.get("columns", ())))
            fields["left_out"] = tuple(LeftOut(**one) for one in fields.get("left_out", ()))
            info = cls(**fields)
        except (KeyError, TypeError, ValueError, errors.InvalidRequest) as error:
            raise errors.Corrupt(f"the stored description of a dataset is damaged: {error}") from (
                error
            )
        expected = {*FILES, *info.fact_files(TRAIN_FACTS), *info.fact_files(TEST_FACTS)}
        if {*info.files} - {ROWS_FILE} != expected:
            raise errors.Corrupt(
                f"the description of dataset {info.digest} names the files {sorted(info.files)}, "
                f"not {sorted(expected)}"
            )
        return info

    def fact_files(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """Files of the facts that the dataset has, among those of `names` by fact."""
        return tuple(file for fact, file in names.items() if getattr(self, fact))


def require_digest(digest: str) -> str:
    """Return the digest itself; anything else never becomes part of a path.

    Raises
    ------
    errors.InvalidRequest
        It is not 64 lower-case hexadecimal digits.
    """
    if not _SHA256.fullmatch(digest):
        raise errors.InvalidRequest(f"{digest!r} is not a dataset digest (64 hexadecimal digits)")
    return digest
