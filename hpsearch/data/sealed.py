"""The test part. Only the final test imports this module; import-linter keeps it so.

Nothing else in the package reads the sealed arrays: training opens the training files alone, and
`DatasetStore.verify` hashes bytes without looking at an example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from hpsearch.data.arrays import open_facts, open_part
from hpsearch.data.info import TEST_FILES, DatasetInfo
from hpsearch.data.row_facts import NO_FACTS, TEST_FACTS, RowFacts
from hpsearch.data.store import DatasetStore


@dataclass(frozen=True, slots=True)
class TestPart:
    """The sealed examples, memory-mapped: x (n_test, features) uint8 or float32, y (n_test,)."""

    # pytest would otherwise take the name for a test class.
    __test__ = False

    x: npt.NDArray[Any]
    y: npt.NDArray[Any]
    facts: RowFacts = NO_FACTS


def open_test(store: DatasetStore, info: DatasetInfo) -> TestPart:
    """Open the test part, after checking its bytes against the SHA-256 of ingest.

    Raises
    ------
    errors.Corrupt
        A sealed file is missing or is not what was stored.
    errors.Unavailable
        The store does not answer or refuses the file.
    """
    store.verify_files(info, (*TEST_FILES, *info.fact_files(TEST_FACTS)))
    x, y = open_part(store, info, TEST_FILES, info.n_test)
    return TestPart(x=x, y=y, facts=open_facts(store, info, TEST_FACTS, info.n_test))
