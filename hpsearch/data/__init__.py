"""Datasets: ingest, storage, splits and scaling.

A dataset is named by the SHA-256 of its content, stored once per machine as plain `.npy` files and
memory-mapped by every worker. Its test part lies apart and is opened by `hpsearch.data.sealed`
alone, which the final test alone imports.
"""

from hpsearch.data.catalogue import BUILTIN
from hpsearch.data.formats import FORMATS, Format
from hpsearch.data.info import TEST_FILES, TRAIN_FILES, DatasetInfo, Task
from hpsearch.data.limits import LOCAL, UPLOAD, Limits
from hpsearch.data.splits import Scaling, Split, fit_scaling, split, split_folds
from hpsearch.data.store import DatasetStore, TrainPart

__all__ = [
    "BUILTIN",
    "FORMATS",
    "LOCAL",
    "TEST_FILES",
    "TRAIN_FILES",
    "UPLOAD",
    "DatasetInfo",
    "DatasetStore",
    "Format",
    "Limits",
    "Scaling",
    "Split",
    "Task",
    "TrainPart",
    "fit_scaling",
    "split",
    "split_folds",
]
