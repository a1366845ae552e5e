"""The walk of a chain over its arrays: one shape for all of them, and their strides.

A walk has two outer axes and rows. Axes that all arrays run through without a gap become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.chains import NotAChain, Operand

OUTER = 2


@dataclass(frozen=True, slots=True)
class Walk:
    """`shape` (outer, outer, length of a row); `strides` in bytes, by array, of the outer axes.

    `places` has the operand of each argument: arguments that are one array are one operand.
    """

    shape: tuple[int, ...]
    operands: tuple[Operand, ...]
    arrays: tuple[NDArray[Any], ...]
    strides: tuple[tuple[int, ...], ...]
    places: tuple[int, ...]

    def numbers(self) -> list[int]:
        """The walk as code gets it: the shape, then each array's address and strides."""
        numbers = list(self.shape)
        for array, strides in zip(self.arrays, self.strides, strict=True):
            numbers += [_address(array), *strides]
        return numbers

    def check(self, written: frozenset[int]) -> None:
        """Refuse to write numbers that have a second place, in this array or another. Raises: NotAChain."""
        for i in written:
            if self._repeats(i):
                raise NotAChain("an array that is written has numbers in two places of the walk")
            if not self.arrays[i].flags.writeable:
                raise NotAChain("an array that is written cannot be")
            for k, other in enumerate(self.arrays):
                if k != i and np.shares_memory(self.arrays[i], other):
                    raise NotAChain("an array that is written lies in another one")

    def _repeats(self, i: int) -> bool:
        """Tell if two places of the walk may be one in array i: an axis steps less than the ones within."""
        operand = self.operands[i]
        steps = (*self.strides[i], 0 if operand.spread else operand.dtype.itemsize)
        span = operand.dtype.itemsize  # bytes from the first to behind the last, of the axes so far
        for step, length in sorted(
            (abs(step), length)
            for step, length in zip(steps, self.shape, strict=True)
            if length > 1
        ):
            if step < span:
                return True
            span += step * (length - 1)
        return False


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]  # four times as fast as `ctypes.data`
    return address


def walk(arguments: Sequence[NDArray[Any]]) -> Walk:
    """Lay the walk over these arrays. Raises: NotAChain if there is none of so few axes."""
    arrays: dict[tuple[object, ...], NDArray[Any]] = {}
    keys = []
    for array in arguments:
        if not isinstance(array, np.ndarray):  # NumPy's numbers have no address that stays
            raise NotAChain(f"{array} is no array")
        if not array.flags.aligned or not array.dtype.isnative:
            raise NotAChain(f"an array of {array.dtype} that the processor does not read as it is")
        keys.append((_address(array), array.shape, array.strides, array.dtype))
        arrays.setdefault(keys[-1], array)
    numbers = {key: number for number, key in enumerate(arrays)}
    shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    seen = [np.broadcast_to(array, shape) for array in arrays.values()]
    axes = _joined(shape, [array.strides for array in seen])
    if len(axes) > OUTER + 1:
        raise NotAChain(f"{len(axes)} axes")
    axes = [(1, (0,) * len(seen))] * (OUTER + 1 - len(axes)) + axes
    operands = tuple(
        _operand(array, axes[-1][0], axes[-1][1][k]) for k, array in enumerate(arrays.values())
    )
    return Walk(
        tuple(length for length, _ in axes),
        operands,
        tuple(arrays.values()),
        tuple(tuple(steps[k] for _, steps in axes[:-1]) for k in range(len(seen))),
        tuple(numbers[key] for key in keys),
    )


def _joined(
    shape: tuple[int, ...], strides: Sequence[tuple[int, ...]]
) -> list[tuple[int, tuple[int, ...]]]:
    """Each axis that is left: its length, and the arrays' strides along it."""
    axes: list[tuple[int, tuple[int, ...]]] = []
    for axis, length in enumerate(shape):
        steps = tuple(of_array[axis] for of_array in strides)
        if length == 1:
            continue
        if axes and all(a == length * b for a, b in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * length, steps)
        else:
            axes.append((length, steps))
    return axes


def _operand(array: NDArray[Any], length: int, step: int) -> Operand:
    if step not in (0, array.itemsize):
        raise NotAChain("a row with gaps")
    return Operand(array.dtype, spread=step == 0 and length > 1)
