"""Opening a pair of stored arrays memory-mapped, with their shapes checked against the info."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.info import DatasetInfo
from hpsearch.data.places import missing, relative
from hpsearch.data.row_facts import RowFacts


class HasFiles(Protocol):
    """A store that knows the local paths of a dataset's files."""

    def file(self, info: DatasetInfo, name: str) -> Path:
        """Return the local path of a file."""
        ...


def open_part(
    store: HasFiles, info: DatasetInfo, names: tuple[str, str], rows: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Open a part as read-only memory maps: x (rows, features) and y (rows,).

    Pages are shared by all processes of a machine that open the same file.

    Raises
    ------
    errors.Corrupt
        A file is missing, cut short or of another shape.
    errors.Unavailable
        A file may not be read.
    """
    x = _mapped(store, info, names[0])
    _require(info, names[0], x, (rows, info.features), ("uint8", "float32"))
    return x, open_targets(store, info, names[1], rows)


def open_targets(store: HasFiles, info: DatasetInfo, name: str, rows: int) -> npt.NDArray[Any]:
    """Open the targets (rows,) of a part, as `open_part` does.

    Raises: errors.Corrupt, errors.Unavailable.
    """
    y = _mapped(store, info, name)
    _require(info, name, y, (rows,), ("int64" if info.task == "classification" else "float64",))
    return y


def open_facts(store: HasFiles, info: DatasetInfo, names: Mapping[str, str], rows: int) -> RowFacts:
    """Open the facts of a part's rows, as `open_part` does; `names` are their files.

    Raises: errors.Corrupt, errors.Unavailable.
    """
    arrays = {}
    for fact, name in names.items():
        if getattr(info, fact):
            arrays[fact] = _mapped(store, info, name)
            dtype = "int64" if fact == "groups" else "float64"
            _require(info, name, arrays[fact], (rows,), (dtype,))
    return RowFacts(**arrays)


def _mapped(store: HasFiles, info: DatasetInfo, name: str) -> npt.NDArray[Any]:
    path = store.file(info, name)
    try:
        mapped: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise missing(info, name, str(path.parent)) from error
    except OSError as error:
        raise errors.Unavailable(f"{path} cannot be read: {error}") from error
    except (ValueError, EOFError) as error:
        raise _damaged(info, name, str(error)) from error
    return mapped


def _require(
    info: DatasetInfo,
    name: str,
    array: npt.NDArray[Any],
    shape: tuple[int, ...],
    dtypes: tuple[str, ...],
) -> None:
    if array.shape != shape or array.dtype.name not in dtypes:
        raise _damaged(info, name, f"it holds {array.dtype.name} {array.shape}, expected {shape}")


def _damaged(info: DatasetInfo, name: str, why: str) -> errors.Corrupt:
    return errors.Corrupt(f"{relative(name)} of dataset {info.digest} is damaged: {why}")
