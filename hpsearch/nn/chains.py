"""Chains of elementwise passes, written as NumPy calls and read back as a program.

A chain is a function of arrays that does nothing but call NumPy's elementwise functions in place,
as `np.multiply(m, beta, m)`. Called with symbols, it leaves a list of its calls: whoever has
that can do all of them in one walk over the arrays. Each number of a result is computed by the same
operations, in the same order, of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Chain: TypeAlias = Callable[..., None]

FLOAT, INTEGER, BYTE = np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.uint8)
# By dtype, the functions and the number of their inputs. Each is exactly rounded, or exact.
FUNCTIONS = {
    FLOAT: {
        "add": 2, "subtract": 2, "multiply": 2, "divide": 2, "sqrt": 1, "reciprocal": 1, "floor": 1,
        "maximum": 2, "minimum": 2, "absolute": 1, "copy": 1,
    },
    INTEGER: {"negative": 1, "right_shift": 2, "bitwise_and": 2, "copy": 1},
}  # fmt: skip


class NotAChain(Exception):
    """A function that does something else than elementwise passes that are known here."""


@dataclass(frozen=True, slots=True)
class Operand:
    """An array of a chain. `spread`: one number for each row of the walk."""

    dtype: np.dtype[Any]
    spread: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call of NumPy: its name, the numbers of the operands it reads, and the one it writes."""

    name: str
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True, slots=True)
class Program:
    """The calls of a chain over its operands; what is in `scratch` need not be written back."""

    operands: tuple[Operand, ...]
    calls: tuple[Call, ...]
    scratch: frozenset[int]

    @property
    def written(self) -> frozenset[int]:
        """The operands that the calls write, scratch included."""
        return frozenset(call.output for call in self.calls)

    @property
    def read_first(self) -> frozenset[int]:
        """The operands whose values from before the chain count."""
        read: set[int] = set()
        written: set[int] = set()
        for call in self.calls:
            read |= set(call.inputs) - written
            written.add(call.output)
        return frozenset(read)

    def run(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Make the calls by NumPy, one after the other."""
        for call in self.calls:
            inputs, output = [arrays[i] for i in call.inputs], arrays[call.output]
            if call.name == "copy":
                np.copyto(output, inputs[0])
            else:
                getattr(np, call.name)(*inputs, out=output)


class _Symbol:
    """An array that notes what NumPy is asked to do with it."""

    def __init__(self, number: int, dtype: np.dtype[Any], calls: list[Call]) -> None:
        self.number, self.dtype, self._calls = number, dtype, calls

    def __array_ufunc__(
        self, function: np.ufunc, method: str, *inputs: object, **options: Any
    ) -> object:
        outputs = options.pop("out", ())
        if method != "__call__" or options or function.nout != 1 or len(outputs) != 1:
            raise NotAChain(
                f"{function.__name__} with {method}, {[*options]}, {len(outputs)} outputs"
            )
        self._note(function.__name__, inputs, outputs[0])
        return outputs[0]

    def __array_function__(
        self,
        function: Callable[..., object],
        types: object,
        inputs: tuple[object, ...],
        options: dict[str, object],
    ) -> None:
        if function is not np.copyto or options or len(inputs) != 2:
            raise NotAChain(f"{function} of {len(inputs)} arguments, {options}")
        self._note("copy", inputs[1:], inputs[0])

    def _refuse(self, *others: object) -> Any:  # noqa: ARG002 - whatever it is compared with
        raise NotAChain("a decision that hangs on numbers")

    __bool__ = __len__ = __iter__ = __contains__ = __hash__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotAChain(f"the attribute {name}")

    def _note(self, name: str, inputs: tuple[object, ...], out: object) -> None:
        symbols = [x for x in inputs if isinstance(x, _Symbol)]
        if len(symbols) < len(inputs) or not isinstance(out, _Symbol):
            raise NotAChain(f"{name} of something else than the chain's arrays")
        dtypes = {symbol.dtype for symbol in symbols}
        known = FUNCTIONS.get(out.dtype, {}).get(name) == len(inputs)
        from_bytes = name == "copy" and dtypes == {BYTE} and out.dtype == FLOAT
        if not known or (dtypes != {out.dtype} and not from_bytes):
            raise NotAChain(f"{name} of {dtypes} to {out.dtype}")
        self._calls.append(Call(name, tuple(s.number for s in symbols), out.number))


def record(
    chain: Chain, operands: Sequence[Operand], places: Sequence[int], scratch: frozenset[int]
) -> Program:
    """Read the program of a chain whose argument k is the operand `places[k]`.

    Raises
    ------
    NotAChain
        It does something else than elementwise passes, or writes to an operand that is spread.
    """
    if any(operand.dtype not in (FLOAT, INTEGER, BYTE) for operand in operands):
        raise NotAChain("another type than float32, or those that become float32")
    calls: list[Call] = []
    symbols = [_Symbol(number, x.dtype, calls) for number, x in enumerate(operands)]
    try:
        chain(*(symbols[place] for place in places))
    except NotAChain:
        raise
    except Exception as error:  # symbols are no arrays; of arrays NumPy says what is wrong
        raise NotAChain(f"{type(error).__name__}: {error}") from error
    program = Program(tuple(operands), tuple(calls), scratch)
    if not calls or any(operands[i].spread for i in program.written):
        raise NotAChain("nothing is written, or something that is spread")
    return program
