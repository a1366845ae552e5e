"""Machine code of a chain's program: one loop in place of a pass for each call, by LLVM.

The code has the very operations that NumPy's passes have. Addition, subtraction, multiplication,
division and square root of float32 are exactly rounded, whatever the width of the vectors; LLVM may neither
contract two of them nor change their order, as no instruction here has a flag that would allow it.
A program is compiled once in a process, in milliseconds, and compared with NumPy before it is used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import Misconfigured
from hpsearch.nn.chains import BYTE, FLOAT, INTEGER, Call, Operand, Program
from hpsearch.nn.machine import Code, machine
from hpsearch.nn.walks import Walk, walk

_TYPES = {FLOAT: "float", INTEGER: "i32", BYTE: "i8"}


def bind(program: Program, here: Walk) -> Callable[[], None]:
    """Bind a program to the arrays of a walk, which live as long as the answer does."""
    return Loop(compile_program(program), here)


class Loop:
    """A program bound to arrays: calling it runs it."""

    __slots__ = ("_block", "_code", "_walk")

    def __init__(self, code: Code, here: Walk) -> None:
        numbers = here.numbers()
        self._code, self._walk = code, here
        self._block = (ctypes.c_int64 * len(numbers))(*numbers)

    def __call__(self) -> None:
        """Run over the arrays."""
        self._code(self._block)


@cache
def compile_program(program: Program) -> Code:
    """Machine code that runs a program over the numbers of a `Walk`.

    Raises
    ------
    Misconfigured
        Its results are not NumPy's.
    """
    code = machine().add(source(program), "chain")
    _compare(program, code)
    return code


def _compare(program: Program, code: Code) -> None:
    """Run a program both ways over numbers of every kind. Raises: Misconfigured if they differ."""
    ours, numpys = ([_sample(k, x) for k, x in enumerate(program.operands)] for _ in range(2))
    with np.errstate(all="ignore"):
        program.run(numpys)
    Loop(code, walk(ours))()
    for k in program.written - program.scratch:
        if not same_numbers(ours[k], numpys[k]):
            calls = ", ".join(call.name for call in program.calls)
            raise Misconfigured(
                f"compiled passes ({calls}) do not have NumPy's results on this machine; "
                "set HPSEARCH_ENGINE=numpy"
            )


def same_numbers(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Tell if two arrays have the same bits, but for those of a NaN, which is only that."""
    if a.dtype != FLOAT:
        return bool((a == b).all())
    same = a.view(np.int32) == b.view(np.int32)
    return bool((same | (np.isnan(a) & np.isnan(b))).all())


def _sample(k: int, operand: Operand) -> NDArray[Any]:
    """Numbers of every kind for operand k: (3, 2, 53), or a number for each row of that."""
    draws = np.random.default_rng(k)
    shape = (3, 2, 1 if operand.spread else 53)
    if operand.dtype != FLOAT:
        bits = np.iinfo(operand.dtype)
        return draws.integers(bits.min, bits.max, shape, operand.dtype, endpoint=True)
    plain = draws.standard_normal(shape, np.float32)
    anything = draws.integers(0, 2**32, shape, np.uint32).view(np.float32)
    special = draws.choice(SPECIAL, shape)
    kinds = draws.integers(0, 4, shape)
    return np.choose(kinds, (plain, np.abs(plain), anything, special))


# Zeros, infinities, NaN, subnormal numbers, the largest, and neighbours of 1.
SPECIAL = np.array(
    [0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, -3.4028235e38,
     1, -1, 1.0000001, 0.99999994],
    np.float32,
)  # fmt: skip


# The text that LLVM reads. Rows are taken WIDE numbers at a time, and what is left one by one.

WIDE = 8


def source(program: Program) -> str:
    """The program in LLVM's language: `row`, one row, and `chain`, which walks over all rows."""
    count = len(program.operands)
    pointers = ", ".join(f"ptr noalias %p{k}" for k in range(count))
    lines = [
        *(
            f"declare {_type(FLOAT, width)} @llvm.{name}.{suffix}({_type(FLOAT, width)})"
            for name in ("sqrt", "floor", "fabs")
            for width, suffix in _SUFFIXES.items()
        ),
        f"define internal void @row(i64 %n, {pointers}) {{",
        *_row(program),
        "}",
        "define void @chain(ptr %block) {",
        *_rows(count),
        "}",
    ]
    return "\n".join(lines)


_SUFFIXES = {1: "f32", WIDE: f"v{WIDE}f32"}


def _type(dtype: np.dtype[Any], width: int) -> str:
    return _TYPES[dtype] if width == 1 else f"<{width} x {_TYPES[dtype]}>"


def _row(program: Program) -> Iterator[str]:
    yield "entry:"
    for k, operand in enumerate(program.operands):
        if operand.spread:
            kind, wide = _TYPES[operand.dtype], _type(operand.dtype, WIDE)
            yield f"  %s1.{k} = load {kind}, ptr %p{k}"
            yield f"  %t{k} = insertelement {wide} poison, {kind} %s1.{k}, i64 0"
            yield (
                f"  %s{WIDE}.{k} = shufflevector {wide} %t{k}, {wide} poison, "
                f"<{WIDE} x i32> zeroinitializer"
            )
    yield f"  %whole = and i64 %n, {-WIDE}"
    yield f"  br label %head{WIDE}"
    yield from _loop(program, WIDE, "0", "%whole", after="head1", before="entry")
    yield from _loop(program, 1, "%whole", "%n", after="exit", before=f"head{WIDE}")
    yield "exit:"
    yield "  ret void"


def _loop(
    program: Program, width: int, start: str, stop: str, *, after: str, before: str
) -> Iterator[str]:
    """A loop from `start` to `stop`, from which block `before` leads here and `after` is next."""
    here = f"w{width}"
    yield f"head{width}:"
    yield f"  %{here}.i = phi i64 [{start}, %{before}], [%{here}.next, %each{width}]"
    yield f"  %{here}.more = icmp ult i64 %{here}.i, {stop}"
    yield f"  br i1 %{here}.more, label %each{width}, label %{after}"
    yield f"each{width}:"
    values = {k: f"%s{width}.{k}" for k, x in enumerate(program.operands) if x.spread}
    for k, operand in enumerate(program.operands):
        if k in values:
            continue
        kind = _TYPES[operand.dtype]
        yield f"  %{here}.a{k} = getelementptr inbounds {kind}, ptr %p{k}, i64 %{here}.i"
        if k in program.read_first:
            size = operand.dtype.itemsize
            wide = _type(operand.dtype, width)
            yield f"  %{here}.v{k} = load {wide}, ptr %{here}.a{k}, align {size}"
        values[k] = f"%{here}.v{k}"
    for step, call in enumerate(program.calls):
        yield from _call(program, call, values, width, f"%{here}.r{step}")
        values[call.output] = f"%{here}.r{step}"
    for k in sorted(program.written - program.scratch):
        dtype = program.operands[k].dtype
        size = dtype.itemsize
        yield f"  store {_type(dtype, width)} {values[k]}, ptr %{here}.a{k}, align {size}"
    yield f"  %{here}.next = add nuw nsw i64 %{here}.i, {width}"
    yield f"  br label %head{width}"


def _call(
    program: Program, call: Call, values: dict[int, str], width: int, out: str
) -> Iterator[str]:
    a, b = (*(values[k] for k in call.inputs), "")[:2]
    dtype = program.operands[call.inputs[0]].dtype
    bit = "i1" if width == 1 else f"<{width} x i1>"
    for line in _LINES[dtype, call.name]:
        yield "  " + line.format(
            r=out, a=a, b=b, bit=bit, f=_type(FLOAT, width), i=_type(INTEGER, width),
            byte=_type(BYTE, width), s=_SUFFIXES[width], one=_constant("float", "1.0", width),
            c31=_constant("i32", "31", width), c32=_constant("i32", "32", width),
        )  # fmt: skip


def _constant(kind: str, number: str, width: int) -> str:
    if width == 1:
        return number
    return f"<{', '.join([f'{kind} {number}'] * width)}>"


_LINES = {
    (FLOAT, "add"): ["{r} = fadd {f} {a}, {b}"],
    (FLOAT, "subtract"): ["{r} = fsub {f} {a}, {b}"],
    (FLOAT, "multiply"): ["{r} = fmul {f} {a}, {b}"],
    (FLOAT, "divide"): ["{r} = fdiv {f} {a}, {b}"],
    (FLOAT, "reciprocal"): ["{r} = fdiv {f} {one}, {a}"],
    (FLOAT, "sqrt"): ["{r} = call {f} @llvm.sqrt.{s}({f} {a})"],
    (FLOAT, "floor"): ["{r} = call {f} @llvm.floor.{s}({f} {a})"],
    (FLOAT, "absolute"): ["{r} = call {f} @llvm.fabs.{s}({f} {a})"],
    # NaN stays NaN, and of two zeros the second one is taken, as by NumPy on x86-64.
    (FLOAT, "maximum"): [
        "{r}.more = fcmp ogt {f} {a}, {b}",
        "{r}.nan = fcmp uno {f} {a}, {a}",
        "{r}.first = or {bit} {r}.more, {r}.nan",
        "{r} = select {bit} {r}.first, {f} {a}, {f} {b}",
    ],
    (FLOAT, "minimum"): [
        "{r}.less = fcmp olt {f} {a}, {b}",
        "{r}.nan = fcmp uno {f} {a}, {a}",
        "{r}.first = or {bit} {r}.less, {r}.nan",
        "{r} = select {bit} {r}.first, {f} {a}, {f} {b}",
    ],
    (FLOAT, "copy"): ["{r} = select i1 true, {f} {a}, {f} {a}"],
    (BYTE, "copy"): ["{r} = uitofp {byte} {a} to {f}"],
    (INTEGER, "copy"): ["{r} = select i1 true, {i} {a}, {i} {a}"],
    (INTEGER, "negative"): ["{r} = sub {i} zeroinitializer, {a}"],
    (INTEGER, "bitwise_and"): ["{r} = and {i} {a}, {b}"],
    # Shifts of 32 and more, which a processor does not know, leave the sign.
    (INTEGER, "right_shift"): [
        "{r}.short = icmp ult {i} {b}, {c32}",
        "{r}.by = select {bit} {r}.short, {i} {b}, {i} {c31}",
        "{r} = ashr {i} {a}, {r}.by",
    ],
}


def _rows(count: int) -> Iterator[str]:
    """The walk over the two outer axes; the block is as `Walk.numbers` has it."""

    def number(name: str, at: int) -> Iterator[str]:
        yield f"  %at.{name} = getelementptr i64, ptr %block, i64 {at}"
        yield f"  %{name} = load i64, ptr %at.{name}"

    yield "entry:"
    for at, name in enumerate(("n0", "n1", "n2")):
        yield from number(name, at)
    for k in range(count):
        for at, name in enumerate((f"base{k}", f"s{k}.0", f"s{k}.1")):
            yield from number(name, 3 + 3 * k + at)
        yield f"  %b{k} = inttoptr i64 %base{k} to ptr"
    yield "  br label %outer"
    yield "outer:"
    yield "  %i = phi i64 [%n0, %entry], [%i.left, %outer.end]"
    for k in range(count):
        yield f"  %q{k} = phi ptr [%b{k}, %entry], [%q{k}.next, %outer.end]"
    yield "  br label %inner"
    yield "inner:"
    yield "  %j = phi i64 [%n1, %outer], [%j.left, %inner]"
    for k in range(count):
        yield f"  %p{k} = phi ptr [%q{k}, %outer], [%p{k}.next, %inner]"
    yield f"  call void @row(i64 %n2, {', '.join(f'ptr %p{k}' for k in range(count))})"
    for k in range(count):
        yield f"  %p{k}.next = getelementptr i8, ptr %p{k}, i64 %s{k}.1"
    yield "  %j.left = sub i64 %j, 1"
    yield "  %j.done = icmp eq i64 %j.left, 0"
    yield "  br i1 %j.done, label %outer.end, label %inner"
    yield "outer.end:"
    for k in range(count):
        yield f"  %q{k}.next = getelementptr i8, ptr %q{k}, i64 %s{k}.0"
    yield "  %i.left = sub i64 %i, 1"
    yield "  %i.done = icmp eq i64 %i.left, 0"
    yield "  br i1 %i.done, label %exit, label %outer"
    yield "exit:"
    yield "  ret void"
