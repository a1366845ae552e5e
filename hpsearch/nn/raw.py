"""Columns with words and gaps, as whoever uses a model has them, turned into the numbers stored for them.

n   examples      C   stored columns
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.columns import Column, stored
from hpsearch.errors import InvalidRequest
from hpsearch.number_text import text_number
from hpsearch.values import trainable, why_not

RawExamples: TypeAlias = ArrayLike | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""An array, columns by name, or rows by name; or a frame, which has columns."""

NAMED = 5  # columns or words that are said by name


def read(x: Any, columns: Sequence[Column], others: Collection[str]) -> NDArray[np.float64]:
    """Return the stored numbers (n, C) of raw examples; an unknown level of a category is its count.

    Parameters
    ----------
    x
        A frame of pandas, a table of pyarrow, a mapping of columns, a list of mappings, or an array
        (n, ...) with the columns of the file that are trained on, in their order.
    others
        Columns of the file that may be there and are not used.

    Raises
    ------
    InvalidRequest
        A column is missing, unknown, of other lengths or of another kind; the message names it.
    """
    wanted = list(dict.fromkeys(column.source or column.name for column in columns))
    cells = _by_name(x, wanted, others)
    lengths = {len(one) for one in cells.values()}
    if lengths == {0} or len(lengths) != 1:
        raise InvalidRequest("x holds no examples, or columns of different lengths")
    values = np.empty((lengths.pop(), len(columns)))
    for at, column in enumerate(columns):
        values[:, at] = _numbers(column, cells[column.source or column.name])
    return values


def unlike(values: NDArray[np.float64], columns: Sequence[Column]) -> Iterator[str]:
    """Yield a sentence on each column of `values` (n, C) with levels or gaps that training did not have."""
    for column, here in zip(columns, values.T, strict=True):
        unknown = int((here == len(column.levels)).sum()) if _coded(column) else 0
        if unknown:
            fed = "a level like the rare ones" if column.kind == "category" else "missing"
            yield (
                f"column {column.name!r}: {unknown} of {len(here)} values are no level that the "
                f"training data had; they count as {fed}"
            )
        gaps = int(np.isnan(here).sum())
        if gaps and not column.missing_train:
            yield (
                f"column {column.name!r}: {gaps} of {len(here)} values are missing; in training none was"
            )


def fed(values: NDArray[np.float64], columns: Sequence[Column]) -> NDArray[np.float64]:
    """Return `values` (n, C) with unknown levels of an order as gaps: they have no rank."""
    values = values.copy()
    for column, here in zip(columns, values.T, strict=True):
        if column.kind == "ordered":
            here[here == len(column.levels)] = np.nan
    return values


def _by_name(x: Any, wanted: Sequence[str], others: Collection[str]) -> Mapping[str, Any]:
    """Return the cells of each wanted column. Raises: InvalidRequest."""
    if hasattr(x, "columns"):
        _check(list(map(str, getattr(x, "column_names", x.columns))), wanted, others, "x")
        frame = {name: x[name] for name in wanted}
        return {n: c.to_pylist() if hasattr(c, "to_pylist") else c for n, c in frame.items()}
    if isinstance(x, Mapping):
        _check(list(x), wanted, others, "x")
        return {name: x[name] for name in wanted}
    if isinstance(x, Sequence) and len(x) and all(isinstance(row, Mapping) for row in x):
        for number, row in enumerate(x):
            _check(list(row), wanted, others, f"x[{number}]")
        return {name: [row[name] for row in x] for name in wanted}
    table = np.asarray(x, object) if isinstance(x, Sequence) else np.asarray(x)
    if table.ndim != 2 or table.shape[1] != len(wanted):
        raise InvalidRequest(
            f"x has the shape {table.shape}; this model takes (n, {len(wanted)}), or columns by name: "
            f"{_said(wanted)}"
        )
    return dict(zip(wanted, table.T, strict=True))


def _check(
    names: Sequence[str], wanted: Sequence[str], others: Collection[str], where: str
) -> None:
    if len(set(names)) < len(names):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise InvalidRequest(f"{where} has twice: {_said(twice)}")
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InvalidRequest(f"{where} lacks the {_columns(missing)} {_said(missing)}")
    extra = [name for name in names if name not in wanted and name not in others]
    if extra:
        raise InvalidRequest(
            f"{where} has the {_columns(extra)} {_said(extra)}, which the training data had not; "
            "leave out what is not of the data, and name the others as they were"
        )


def _numbers(column: Column, cells: Any) -> NDArray[np.float64]:
    values = stored(column, cells)
    if values.ndim != 1:
        raise InvalidRequest(f"column {column.name!r} is no single column")
    if _coded(column) and not any(text_number(level) is not None for level in column.levels):
        _check_words(column, cells, values)
    bad = ~(trainable(values) | np.isnan(values))
    for row in np.flatnonzero(bad).tolist():
        raise InvalidRequest(f"x[{row}, {column.name!r}] {why_not(float(values[row]))}")
    return values


def _check_words(column: Column, cells: Any, values: NDArray[np.float64]) -> None:
    """Refuse numbers where training had words: all would be unknown levels. Raises: InvalidRequest."""
    for row in np.flatnonzero(values == len(column.levels))[:1].tolist():
        cell = np.asarray(cells, object)[row]
        if isinstance(cell, int | float | np.number) and not isinstance(cell, bool):
            raise InvalidRequest(
                f"column {column.name!r}: {cell!r} is a number; in training it held words such as "
                f"{column.levels[0]!r}"
            )


def _coded(column: Column) -> bool:
    return column.kind in ("category", "ordered")


def _columns(names: Sequence[str]) -> str:
    return "column" if len(names) == 1 else "columns"


def _said(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
