"""NumPy's PCG64 in machine code, for float32 numbers.

s   state, 128 bits      a   its multiplier      c   the stream's increment      u   64 bits drawn

A step is s' = a s + c, and u = rotr(upper(s') xor lower(s'), s' >> 122) (O'Neill 2014, XSL-RR). Each product waits
for the one before. With s'' = a⁴ s + (a³ + a² + a + 1) c, four steps at a time, four chains of products run side
by side. Of each u the lower 32 bits are the first number and the upper ones the second, and of those
the upper 24 bits count, as in NumPy; the code is compared with NumPy before it is used.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import Misconfigured
from hpsearch.nn.machine import Code, machine

_A = 0x2360ED051FC65DA44385DF649FCCF645
_LANES = 4
_JUMP = pow(_A, _LANES, 2**128)
_SUM = sum(pow(_A, k, 2**128) for k in range(_LANES)) % 2**128
_LOW = 2**64 - 1


class Pcg64:
    """The stream of a NumPy generator from where it stands; that one does not move."""

    def __init__(self, stream: np.random.PCG64, fill: Code | None = None) -> None:
        """Begin where `stream` stands. `fill`: the code, which is else compiled at the first draw."""
        self._code = fill
        state = stream.state
        s, c = state["state"]["state"], state["state"]["inc"]
        # State and increment, lower half first; where to write; how many pairs of numbers.
        self._block = (ctypes.c_uint64 * 6)(s & _LOW, s >> 64, c & _LOW, c >> 64, 0, 0)
        self._pair = np.empty(2, np.float32)
        self._left: np.float32 | None = None  # the second number of a pair whose first is drawn
        if state["has_uint32"]:
            self._left = np.float32((state["uinteger"] >> 8) * 2.0**-24)
        # The last array drawn to, not kept alive, and its address.
        self._out: Callable[[], NDArray[np.float32] | None] = lambda: None
        self._address = 0

    def random(self, *, dtype: type[np.float32], out: NDArray[np.float32]) -> object:  # noqa: ARG002 - as NumPy's
        """Fill `out`, contiguous float32, with the next numbers."""
        if out is not self._out():  # its address is asked for once
            self._out, self._address = weakref.ref(out), out.ctypes.data
        first, count = 0, out.size
        if self._left is not None and count:
            out[0], self._left, first = self._left, None, 1
        pairs, rest = divmod(count - first, 2)
        self._fill(self._address + 4 * first, pairs)
        if rest:
            self._fill(self._pair.ctypes.data, 1)
            out[-1], self._left = self._pair
        return out

    def _fill(self, address: int, pairs: int) -> None:
        if self._code is None:
            self._code = code()
        self._block[4], self._block[5] = address, pairs
        self._code(self._block)


@cache
def code() -> Code:
    """The machine code. Raises: Misconfigured if its numbers are not NumPy's."""
    made = machine().add("\n".join(_text()), "fill")
    ours, numpys = Pcg64(np.random.PCG64(0), made), np.random.Generator(np.random.PCG64(0))
    for count in (1, 2, 3, 8, 1001, 64):
        a, b = np.empty((2, count), np.float32)
        ours.random(dtype=np.float32, out=a)
        numpys.random(dtype=np.float32, out=b)
        if a.tobytes() != b.tobytes():
            raise Misconfigured(
                "compiled random numbers are not NumPy's on this machine; set HPSEARCH_ENGINE=numpy"
            )
    return made


def _text() -> Iterator[str]:
    yield "declare i64 @llvm.fshr.i64(i64, i64, i64)"
    yield "define void @fill(ptr %block) {"
    yield "entry:"
    yield "  %s = load i128, ptr %block, align 8"
    yield "  %at.c = getelementptr i64, ptr %block, i64 2"
    yield "  %c = load i128, ptr %at.c, align 8"
    yield "  %at.out = getelementptr i64, ptr %block, i64 4"
    yield "  %out = load ptr, ptr %at.out, align 8"
    yield "  %at.pairs = getelementptr i64, ptr %block, i64 5"
    yield "  %pairs = load i64, ptr %at.pairs, align 8"
    yield f"  %whole = and i64 %pairs, {-_LANES}"
    yield f"  %jump = mul i128 %c, {_SUM}"
    for k in range(_LANES):
        yield from _step(f"%first{k}", f"%first{k - 1}" if k else "%s", _A, "%c")
    yield "  br label %head"
    yield "head:"
    yield "  %i = phi i64 [0, %entry], [%next, %each]"
    yield f"  %now = phi i128 [%s, %entry], [%s{_LANES - 1}, %each]"
    for k in range(_LANES):
        yield f"  %s{k} = phi i128 [%first{k}, %entry], [%jumped{k}, %each]"
    yield "  %more = icmp ult i64 %i, %whole"
    yield "  br i1 %more, label %each, label %tail.head"
    yield "each:"
    wide = f"<{_LANES} x i64>"
    before = "poison"
    for k in range(_LANES):
        yield from _output(f"%u{k}", f"%s{k}")
        yield f"  %all{k} = insertelement {wide} {before}, i64 %u{k}, i64 {k}"
        before = f"%all{k}"
        yield from _step(f"%jumped{k}", f"%s{k}", _JUMP, "%jump")
    yield from _store("each", f"{wide} {before}", 2 * _LANES, "%i")
    yield f"  %next = add nuw nsw i64 %i, {_LANES}"
    yield "  br label %head"
    yield "tail.head:"
    yield "  %k = phi i64 [%whole, %head], [%k.next, %tail]"
    yield "  %last = phi i128 [%now, %head], [%stepped, %tail]"
    yield "  %left = icmp ult i64 %k, %pairs"
    yield "  br i1 %left, label %tail, label %exit"
    yield "tail:"
    yield from _step("%stepped", "%last", _A, "%c")
    yield from _output("%u", "%stepped")
    yield from _store("tail", "i64 %u", 2, "%k")
    yield "  %k.next = add nuw nsw i64 %k, 1"
    yield "  br label %tail.head"
    yield "exit:"
    yield "  store i128 %last, ptr %block, align 8"
    yield "  ret void"
    yield "}"


def _step(to: str, state: str, multiplier: int, increment: str) -> Iterator[str]:
    yield f"  {to}.product = mul i128 {state}, {multiplier}"
    yield f"  {to} = add i128 {to}.product, {increment}"


def _output(to: str, state: str) -> Iterator[str]:
    yield f"  {to}.low = trunc i128 {state} to i64"
    yield f"  {to}.shifted = lshr i128 {state}, 64"
    yield f"  {to}.high = trunc i128 {to}.shifted to i64"
    yield f"  {to}.mixed = xor i64 {to}.high, {to}.low"
    yield f"  {to}.by = lshr i64 {to}.high, 58"
    yield f"  {to} = call i64 @llvm.fshr.i64(i64 {to}.mixed, i64 {to}.mixed, i64 {to}.by)"


def _store(name: str, bits: str, count: int, pair: str) -> Iterator[str]:
    """Write the numbers of some u, two each, at a pair's place."""
    eights = f"<{', '.join(['i32 8'] * count)}>"
    shares = f"<{', '.join(['float 0x3E70000000000000'] * count)}>"  # 2^-24
    yield f"  %{name}.halves = bitcast {bits} to <{count} x i32>"
    yield f"  %{name}.upper = lshr <{count} x i32> %{name}.halves, {eights}"
    yield f"  %{name}.whole = sitofp <{count} x i32> %{name}.upper to <{count} x float>"
    yield f"  %{name}.number = fmul <{count} x float> %{name}.whole, {shares}"
    yield f"  %{name}.at = getelementptr i64, ptr %out, i64 {pair}"
    yield f"  store <{count} x float> %{name}.number, ptr %{name}.at, align 4"
