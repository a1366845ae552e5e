"""Columns to the matrix that is stored: in a piece of its own, or where the columns lie.

n   rows      C   stored columns
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.row_facts import RowFacts

Floats = npt.NDArray[np.float64]

_ROWS_AT_ONCE = 2048  # few enough for the cache


def matrix_of(columns: list[Floats], rows: int, room: Floats | None) -> Floats:
    """Return the columns as a matrix (n, C), block by block of rows; the list is emptied.

    room
        (width, n or more), in which each of some columns has its row and the matrix is made, column
        by column, where no column comes to a place before it was moved from there.
    """
    if room is not None and rows <= room.shape[1] and _can_move_up(columns, room):
        return _in_room(columns, rows, room)
    matrix = np.empty((rows, len(columns)))
    for start in range(0, rows, _ROWS_AT_ONCE):
        block = matrix[start : start + _ROWS_AT_ONCE]
        for at, column in enumerate(columns):
            block[:, at] = column[start : start + _ROWS_AT_ONCE]
        gaps = np.isnan(block)
        if gaps.any():
            block[gaps] = np.nan  # of several bit patterns one
    columns.clear()
    return matrix


def facts_apart(facts: RowFacts, room: Floats) -> RowFacts:
    """Copy the facts of rows that lie in a room that is about to become a matrix."""
    return replace(facts, **{name: apart(each, room) for name, each in facts.arrays().items()})


def apart(values: npt.NDArray[Any], room: Floats) -> npt.NDArray[Any]:
    """Copy what lies in a room that is about to become a matrix."""
    return values.copy() if np.may_share_memory(values, room) else values


def _can_move_up(columns: list[Floats], room: Floats) -> bool:
    places = {_address(row): at for at, row in enumerate(room)}
    taken = [places.get(_address(column), len(room)) for column in columns]
    return len(columns) <= len(room) and all(at <= place for at, place in enumerate(taken))


def _address(values: Floats) -> int:
    return int(values.__array_interface__["data"][0])


def _in_room(columns: list[Floats], rows: int, room: Floats) -> Floats:
    for at, place in enumerate(room[: len(columns), :rows]):
        column, columns[at] = columns[at], place
        if _address(column) != _address(place):
            place[:] = column
        gaps = np.isnan(place)
        if gaps.any():
            place[gaps] = np.nan
    matrix = room[: len(columns), :rows].T
    columns.clear()
    return matrix
