"""Datasets: ingest, storage, splits and scaling.

A dataset is named by the SHA-256 of its content, stored once per machine as plain `.npy` files and
memory-mapped by every worker. Its test part lies apart and is opened by `hpsearch.data.sealed`
alone, which the final test alone imports.
"""

from hpsearch.data.catalogue import BUILTIN
from hpsearch.data.formats import FORMATS, Format
from hpsearch.data.info import KINDS, TEST_FILES, TRAIN_FILES, DatasetInfo, Kind, Task
from hpsearch.data.limits import LOCAL, UPLOAD, Limits
from hpsearch.data.parse.request import AS_IT_IS, Reading
from hpsearch.data.preprocess import Preparation, fit_encoding
from hpsearch.data.row_facts import NO_FACTS, RowFacts
from hpsearch.data.splits import Scaling, Split, fit_scaling, split, split_folds, value_range
from hpsearch.data.store import DatasetStore, TrainPart
from hpsearch.data.targets import fit_target

__all__ = [
    "AS_IT_IS",
    "BUILTIN",
    "FORMATS",
    "KINDS",
    "LOCAL",
    "NO_FACTS",
    "TEST_FILES",
    "TRAIN_FILES",
    "UPLOAD",
    "DatasetInfo",
    "DatasetStore",
    "Format",
    "Kind",
    "Limits",
    "Preparation",
    "Reading",
    "RowFacts",
    "Scaling",
    "Split",
    "Task",
    "TrainPart",
    "fit_encoding",
    "fit_scaling",
    "fit_target",
    "split",
    "split_folds",
    "value_range",
]
