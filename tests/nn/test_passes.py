"""Elementwise passes as one compiled loop: NumPy's bits, on every kind of number and of array."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tomllib
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import nn
from hpsearch.errors import Misconfigured, SystemFault
from hpsearch.nn import passes
from hpsearch.nn.chains import FLOAT, FUNCTIONS, INTEGER, NotAChain, record
from hpsearch.nn.passes import bind
from hpsearch.nn.stack import Stack
from hpsearch.nn.uniform import uniform
from hpsearch.nn.updates import Coefficients
from hpsearch.nn.walks import walk
from hpsearch.training.numerics import fingerprint

from .test_independence import NEEDS, has

llvm = pytest.importorskip("llvmlite.binding", reason="needs hpsearch[fast]")

from hpsearch.nn import compiled, machine, pcg64  # noqa: E402 - what needs it

ROOT = Path(__file__).resolve().parents[2]
SPECIAL = compiled.SPECIAL


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(passes.VARIABLE, "compiled")


def adam(w, m, h, a, beta1, beta2, eps, g, spare) -> None:
    nn.OPTIMIZERS["adam"].update(w, g, (m, h), (a, beta1, beta2, eps), spare)


def small_stack(optimizer: str = "sgd", dropout: float = 0.3, *, batch_norm: bool = False) -> Stack:
    draws = np.random.default_rng(0)
    x, y = draws.integers(0, 256, (40, 9), np.uint8), draws.integers(0, 3, 40)
    scale = np.ones(9, np.float32)
    examples = nn.Examples(x, y, np.arange(40), scale, scale)
    members = [nn.Member(0.01, weight_decay=0.1, dropout=dropout, init_key=(k,)) for k in range(2)]
    shape = nn.Shape(9, (7, 5), 3, optimizer=optimizer, batch_size=8, batch_norm=batch_norm)
    return Stack(shape, members, examples, epochs=1)


def numbers(draws: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Any bits at all, the special numbers, and plain ones."""
    bits = np.asarray(draws.integers(0, 2**32, shape, np.uint32))
    if dtype == INTEGER:
        return bits.view(np.int32)
    choices = (bits.view(np.float32), draws.choice(SPECIAL, shape), draws.normal(size=shape))
    with np.errstate(invalid="ignore"):
        some = np.choose(draws.integers(0, 3, shape), choices)
        return np.asarray(some, np.float32)


# Rows of each length around the width of the code's vectors; arrays with gaps between their rows.
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 2 * compiled.WIDE + 3))


@st.composite
def chains(draw: st.DrawFn) -> tuple[Callable[..., None], list[np.ndarray]]:
    """A chain of calls drawn at random, and its arguments: some whole, some a number for each row."""
    dtype = draw(st.sampled_from([FLOAT, FLOAT, FLOAT, INTEGER]))
    shape, seed = draw(SHAPES), draw(st.integers(0, 2**32 - 1))
    draws = np.random.default_rng(seed)
    whole = draw(st.integers(1, 4))
    arrays = [
        numbers(draws, (shape[0], shape[1] + 1, shape[2]), dtype)[:, :-1] for _ in range(whole)
    ]
    for kind in draw(st.lists(st.sampled_from(["row", "trial", "number"]), max_size=3)):
        part = {"row": (*shape[:2], 1), "trial": (shape[0], 1, 1), "number": ()}[kind]
        arrays.append(numbers(draws, part, dtype))
    known = FUNCTIONS[dtype]
    calls = draw(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(known)),
                st.tuples(*[st.integers(0, len(arrays) - 1)] * 2),
                st.integers(0, whole - 1),
            ),
            min_size=1,
            max_size=7,
        )
    )

    def chain(*given: np.ndarray) -> None:
        for name, inputs, output in calls:
            if name == "copy":
                np.copyto(given[output], given[inputs[0]])
            else:
                getattr(np, name)(*(given[k] for k in inputs[: known[name]]), out=given[output])

    return chain, arrays


@settings(deadline=None)
@given(chains())
def test_any_chain_has_numpys_bits(drawn: tuple[Callable[..., None], list[np.ndarray]]) -> None:
    chain, arrays = drawn
    wanted = [array.copy() for array in arrays]
    with np.errstate(all="ignore"):
        chain(*wanted)
    run = bind(chain, arrays)
    # Rows of one number, with gaps between them, are not worth a loop.
    assert isinstance(run, compiled.Loop) or arrays[0].shape[2] == 1
    with np.errstate(all="ignore"):
        run()
    for ours, numpys in zip(arrays, wanted, strict=True):
        assert compiled.same_numbers(ours, numpys)


@pytest.mark.parametrize("optimizer", nn.OPTIMIZERS)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_every_pass_of_the_engine_is_compiled(
    optimizer: str, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[object] = []
    real = passes._compile
    assert passes.uses_compiled()  # it tries a chain of its own
    monkeypatch.setattr(passes, "_compile", lambda *given: bound.append(real(*given)) or bound[-1])
    small_stack(optimizer, dropout, batch_norm=True).step(np.arange(8), 0.0, 1)
    # Inputs 1, softmax 3, activations 2, batch norm 2 x 12, weights 3, the update 1, masks.
    assert len(bound) == 34 + (dropout > 0)
    assert all(isinstance(run, compiled.Loop) for run in bound)


def test_bytes_become_numbers() -> None:
    stored = np.arange(255, -1, -1, np.uint8).reshape(2, 128)
    inputs = np.zeros((2, 128), np.float32)
    bind(np.copyto, (inputs, stored))()
    assert inputs.tobytes() == stored.astype(np.float32).tobytes()


def test_scratch_is_not_written() -> None:
    w, g, spare = np.ones((3, 1, 40), np.float32)

    def chain(w: np.ndarray, g: np.ndarray, spare: np.ndarray) -> None:
        np.multiply(g, w, spare)
        np.add(w, spare, w)

    bind(chain, (w, g), (spare,))()
    assert (w == 2).all()
    assert (spare == 1).all()


def add_twice(a: np.ndarray, b: np.ndarray, w: np.ndarray) -> None:
    """What is written first is read for each row."""
    np.add(a, b, a)
    np.add(w, a, w)


def overlapping() -> np.ndarray:
    """Rows that begin one number after the one before."""
    return np.lib.stride_tricks.as_strided(np.ones(43, np.float32), (4, 40), (4, 4))


FULL, TURNED = np.ones((4, 40), np.float32), np.ones((40, 4), np.float32).T


@pytest.mark.parametrize(
    ("chain", "arrays"),
    [
        (lambda w, g: np.multiply(w, 2.0, w), (FULL, FULL)),
        (lambda w, g: np.exp(w, w), (FULL, FULL)),
        (lambda w, g: w + g, (FULL, FULL)),
        (np.add, (FULL, FULL)),
        (lambda w, g: np.add.reduce(w, out=g), (FULL, FULL)),
        (lambda w, g: np.add(w, g, w, where=True), (FULL, FULL)),
        (lambda w, g: np.add(w, g, w) if w else None, (FULL, FULL)),
        (lambda w, g: np.add(w, w.T, w), (FULL, FULL)),
        (lambda w, g: np.concatenate((w, g)), (FULL, FULL)),
        (lambda w, g: None, (FULL, FULL)),
        (lambda w, g: np.add(w, g, w), (np.ones((4, 1), np.float32), FULL)),  # writes a column
        (lambda w, g: np.add(w, g, w), (FULL.astype(np.float64), FULL.astype(np.float64))),
        (lambda w, g: np.add(w, g, w), (FULL, FULL.astype(np.float64))),
        (lambda w, g: np.add(w, g, w), (FULL, TURNED)),
        (lambda w, g: np.add(w, g, w), (FULL[:, ::2], FULL[:, 1::2])),
        (lambda w, g: np.add(w, g, w), (FULL[:, 1:], FULL[:, :-1])),  # overlap
        (lambda w, g: np.add(w, g, w), (np.broadcast_to(FULL[0], (4, 40)), FULL)),
        (lambda w, g: np.add(w, g, w), (FULL, np.float32(1))),
        # Two places of the walk are one number that is written.
        (add_twice, (FULL[:1].copy(), FULL[:1], FULL.copy())),
        (lambda w, g: np.add(w, g, w), (overlapping(), FULL)),
        (lambda w, g: np.modf(w, w, g), (FULL, FULL.copy())),
        (lambda w, g: np.divmod(w, g, w, g), (FULL, FULL.copy())),
        (lambda w, g: np.modf(w, out=(w, g)), (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, w) if w != g else None, (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, w) if w < g else None, (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, w) if w in {g: 1} else None, (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, {w: w}[w]), (FULL, FULL.copy())),
        (lambda w, g: [np.add(row, g, row) for row in w], (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, np.ones((4, 40))), (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, w) if len(w) > 3 else None, (FULL, FULL.copy())),
        (lambda w, g: w[10], (FULL, FULL.copy())),
        (lambda w, g: [][w.ndim], (FULL, FULL.copy())),
        (lambda w, g: {}["no such key"], (FULL, FULL.copy())),
        (lambda w, g: 1 / 0, (FULL, FULL.copy())),
        (lambda w: None, (FULL, FULL.copy())),
        (lambda w, g: np.add(w, g, w), (np.ones((6, 6, 7, 6), np.float32)[:, :5, ::2, :5],) * 2),
    ],
)
def test_what_is_no_chain_stays_numpys(
    chain: Callable[..., None], arrays: tuple[np.ndarray, ...]
) -> None:
    run = bind(chain, arrays)
    assert isinstance(run, partial)
    assert run.func is chain


def test_one_array_under_two_names() -> None:
    w = np.full((2, 30), 3, np.float32)
    run = bind(np.multiply, (w, w[:], w))
    assert isinstance(run, compiled.Loop)
    run()
    assert (w == 9).all()


def test_code_that_is_not_numpys_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {**compiled._LINES, (FLOAT, "add"): ["{r} = fsub {f} {a}, {b}"]}
    monkeypatch.setattr(compiled, "_LINES", lines)
    arrays = np.ones((3, 2, 20), np.float32)

    def chain(w: np.ndarray, g: np.ndarray, h: np.ndarray) -> None:
        np.add(w, g, w)
        np.subtract(w, h, w)
        np.subtract(w, h, w)

    with pytest.raises(Misconfigured, match=r"add, subtract, subtract.*HPSEARCH_ENGINE=numpy"):
        bind(chain, arrays)


def test_numbers_that_are_not_numpys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcg64, "_A", pcg64._A + 2)
    with pytest.raises(Misconfigured, match="random numbers"):
        pcg64.code.__wrapped__()


@pytest.mark.parametrize(
    ("machine_type", "fused"), [("x86_64", "vfm|vfnm"), ("aarch64", "fml|fmadd")]
)
def test_no_two_operations_are_contracted(machine_type: str, fused: str) -> None:
    """In code for processors that could: whichever this one is."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(f"{machine_type}-unknown-linux-gnu").create_target_machine(
        cpu={"x86_64": "x86-64-v4", "aarch64": "neoverse-v1"}[machine_type], opt=3
    )
    whole = np.ones((5, 2, 50), np.float32)
    columns = np.ones((4, 2, 1), np.float32)
    here = walk((*whole[:3], *columns, *whole[3:]))
    program = record(adam, here.operands, here.places, frozenset())
    code = target.emit_assembly(llvm.parse_assembly(compiled.source(program)))
    assert "sqrt" in code
    assert not [part for part in fused.split("|") if part in code]


@settings(deadline=None)
@given(st.lists(st.integers(0, 70), max_size=12), st.integers(0, 2**64))
def test_random_numbers_are_numpys(counts: list[int], key: int) -> None:
    ours = uniform((key,))
    numpys = np.random.Generator(np.random.PCG64(np.random.SeedSequence((key,))))
    assert isinstance(ours, pcg64.Pcg64)
    for count in counts:
        a, b = np.empty((2, count), np.float32)
        ours.random(dtype=np.float32, out=a)
        numpys.random(dtype=np.float32, out=b)
        assert a.tobytes() == b.tobytes()


def test_random_numbers_go_on_from_half_a_word() -> None:
    stream = np.random.PCG64(5)
    np.random.Generator(stream).random(3, np.float32)  # of the fourth, half a word is left
    ours, numpys = pcg64.Pcg64(stream), np.random.Generator(stream)
    assert stream.state["has_uint32"]
    a, b = np.empty((2, 12), np.float32)
    ours.random(dtype=np.float32, out=a)
    numpys.random(dtype=np.float32, out=b)
    assert a.tobytes() == b.tobytes()


def test_random_numbers_keep_no_buffer() -> None:
    ours = uniform((1,))
    for _ in range(3):  # the next one may lie where the last one did
        buffer = np.empty(8, np.float32)
        ours.random(dtype=np.float32, out=buffer[:])
        ours.random(dtype=np.float32, out=buffer)
        held = weakref.ref(buffer)
        del buffer
        assert held() is None


def test_a_stack_without_its_buffers_holds_none() -> None:
    stack = small_stack()
    stack.step(np.arange(8), 0.0, 1)
    held = weakref.ref(stack._steps[8]._network.noise._drawn)
    stack.release_buffers()
    gc.collect()
    assert held() is None


def test_random_numbers_are_compiled_when_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = pcg64.code
    monkeypatch.setattr(pcg64, "code", lambda: asked.append(1) or real())
    small_stack(dropout=0.0).step(np.arange(8), 0.0, 1)
    assert not asked
    small_stack(dropout=0.3).step(np.arange(8), 0.0, 1)
    assert asked


@pytest.mark.parametrize("trials", [1, 2, 9])
def test_coefficients_computed_ahead(trials: int) -> None:
    draws = np.random.default_rng(trials)
    members = [
        nn.Member(
            float(10 ** draws.uniform(-5, 0)),
            constants={
                "beta1": float(draws.uniform(0, 0.9999)),
                "eps": 10 ** draws.uniform(-9, -1),
            },
        )
        for _ in range(trials)
    ]
    shape = nn.Shape(3, (), 2, optimizer="adam")
    ahead, one_by_one = (Coefficients(shape, members, 5, np.dtype(np.float64)) for _ in range(2))
    for t in (*range(1, 400), 10**6, 399, 10**6 + 1):
        ahead.advance(0.0, t)
        one_by_one._set(t)
        assert ahead.columns.tobytes() == one_by_one.columns.tobytes(), t


def test_the_engine_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert passes.uses_compiled()
    for name in ("numpy", ""):
        monkeypatch.setenv(passes.VARIABLE, name)
        assert not passes.uses_compiled()
        assert isinstance(uniform((1,)), np.random.Generator)
        assert isinstance(bind(adam, np.ones((9, 2, 3), np.float32)), partial)
    monkeypatch.delenv(passes.VARIABLE)
    assert not passes.uses_compiled()
    monkeypatch.setenv(passes.VARIABLE, "auto")
    with pytest.raises(Misconfigured, match="HPSEARCH_ENGINE is auto"):
        passes.uses_compiled()


@pytest.fixture
def asked_anew() -> Iterator[None]:
    passes._chosen.cache_clear()
    yield
    passes._chosen.cache_clear()


def _missing(name: str) -> str:
    raise PackageNotFoundError(name)


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (_missing, r"pip install 'hpsearch\[fast\]'$"),
        (lambda name: "0.44.1", r"hpsearch\[fast\]'. llvmlite is 0.44.1, and 0.45 is"),
        (lambda name: "0.9", "llvmlite is 0.9"),
    ],
)
def test_without_an_llvmlite_that_will_do(
    version: Callable[[str], str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "version", version)
    for _ in range(2):  # a fault is told each time
        with pytest.raises(Misconfigured, match=reason):
            bind(adam, np.ones((9, 2, 3), np.float32))
    with pytest.raises(Misconfigured, match=reason):
        fingerprint.__wrapped__()
    monkeypatch.setenv(passes.VARIABLE, "numpy")
    assert isinstance(bind(adam, np.ones((9, 2, 3), np.float32)), partial)


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize("error", [OSError("no libLLVM"), RuntimeError("no such instruction")])
def test_an_llvmlite_that_does_not_work(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise error

    compiled.compile_program.cache_clear()
    monkeypatch.setattr(llvm, "parse_assembly", fail)
    with pytest.raises(Misconfigured, match=f"does not work on this machine: {error}"):
        passes.uses_compiled()


def test_a_training_refuses_an_engine_before_its_first_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a fault of the system, which is never stored as a trial's result."""
    monkeypatch.setenv(passes.VARIABLE, "fast")
    with pytest.raises(SystemFault):
        small_stack()


def test_the_oldest_llvmlite_is_the_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    oldest = ".".join(map(str, passes.OLDEST))
    assert project["project"]["optional-dependencies"]["fast"] == [f"llvmlite>={oldest}"]


def test_predictions_bind_no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = small_stack(batch_norm=True)
    monkeypatch.setattr(passes, "_compile", lambda *given: pytest.fail("a chain is bound"))
    nn.predict_values(stack.shape, stack.weights(0), stack.examples)
    nn.evaluate(stack.shape, stack.weights(0), stack.examples)


UNSET = """
import sys
import numpy as np
from hpsearch import nn
examples = nn.Examples(np.eye(9, dtype=np.float32), np.arange(9) % 3, np.arange(9), *np.ones((2, 9), np.float32))
shape = nn.Shape(9, (7,), 3, optimizer="adam", batch_size=4, batch_norm=True)
(outcome,) = nn.train(shape, [nn.Member(0.01, dropout=0.2)], examples, examples, epochs=2, keep_weights=True, order=lambda epoch: np.arange(9))
nn.predict_values(shape, outcome.weights, examples)
print([name for name in sys.modules if name.startswith("llvmlite")])
"""


def test_without_the_setting_llvmlite_is_not_imported() -> None:
    environment = {k: v for k, v in os.environ.items() if k != passes.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", UNSET], env=environment, cwd=ROOT,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.stdout == "[]\n", done.stderr[-2000:]


def digests(engine: str, core: str) -> str:
    script = Path(__file__).parent / "digests.py"
    environment = {
        "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(script.parents[2]),
        "OPENBLAS_CORETYPE": core, passes.VARIABLE: engine,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("core", NEEDS)
def test_whole_trainings_have_numpys_bits(core: str) -> None:
    if not has(NEEDS[core]):
        pytest.skip(f"this processor cannot run the {core} kernels")
    numpys = digests("numpy", core)
    assert numpys.count("\n") > 700
    assert digests("compiled", core) == numpys


def test_record_names_what_it_refuses() -> None:
    here = walk((FULL, FULL.copy()))
    with pytest.raises(NotAChain, match="exp"):
        record(lambda w, g: np.exp(w, w), here.operands, here.places, frozenset())


THREADS = """
import gc, threading
import numpy as np
from hpsearch.nn import machine, passes

made = []
class Counted(machine.Machine):
    def __init__(self):
        made.append(self)
        super().__init__()
machine.Machine = Counted

barrier, right = threading.Barrier(8), []
def work(k):
    w = np.ones((2, 40), np.float32)
    def chain(w, g):
        for _ in range(k % 4 + 1):
            np.add(w, g, w)
    barrier.wait()
    runs = [passes.bind(chain, (w, np.ones_like(w))) for _ in range(3)]
    for run in runs:
        run()
    right.append((w == 1 + 3 * (k % 4 + 1)).all())

threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(made), sum(right))

# The code lives on without its compiler.
w = np.ones((2, 40), np.float32)
run = passes.bind(np.multiply, (w, np.full_like(w, 3), w))
made.clear()
getattr(machine.machine, "cache_clear", lambda: None)()
getattr(machine, "_machine", machine.machine).cache_clear()
gc.collect()
run()
print((w == 3).all())
"""


def test_threads_share_one_compiler() -> None:
    """In a process of its own, which a fault would end."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS], env=os.environ, cwd=ROOT,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert done.stdout == "1 8\nTrue\n"


def test_the_compiler_is_made_once() -> None:
    assert machine.machine() is machine.machine()
