"""`DatasetInfo`: the description of a dataset, for all who do not open its arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from hpsearch import errors

Kind = Literal["image", "tabular"]
Task = Literal["classification", "regression"]
TestSplit = Literal["given", "made"]

TRAIN_FILES = ("train_x.npy", "train_y.npy")
TEST_FILES = ("test_x.npy", "test_y.npy")
FILES = TRAIN_FILES + TEST_FILES

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A stored dataset, named by the SHA-256 of its content.

    `digest` covers kind, classes, example shape and the dtype, shape and bytes of the four
    arrays; `files` has the SHA-256 of each stored file. `shape` is one example's: (28, 28) for
    MNIST, (13,) for 13 columns; `features` is its product. `test_split` is "made" where 20 % of
    the examples were split off and sealed at ingest. A dataset for regression has no classes.
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
        # Left out where it has its default: descriptions are as they were before there were tasks.
        return value if self.task == "classification" else value | {"task": self.task}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DatasetInfo:
        """Read what `to_json` wrote.

        Raises
        ------
        errors.Corrupt
            A field is missing, unknown or not what `to_json` writes.
        """
        try:
            fields = dict(value)
            for name in ("shape", "classes", "feature_names"):
                fields[name] = tuple(fields[name])
            info = cls(**fields)
        except (KeyError, TypeError, ValueError, errors.InvalidRequest) as error:
            raise errors.Corrupt(f"the stored description of a dataset is damaged: {error}") from (
                error
            )
        if sorted(info.files) != sorted(FILES):
            raise errors.Corrupt(
                f"the description of dataset {info.digest} names the files {sorted(info.files)}, "
                f"not {sorted(FILES)}"
            )
        return info


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
