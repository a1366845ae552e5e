"""Is a trial's outcome, to the last bit, the same in any stack? Run as a script; exit code 0 if so.

The tests start it in processes of their own, because the BLAS kernels are chosen when NumPy loads.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from threadpoolctl import threadpool_info

from hpsearch import nn

SHAPES = {
    "tiny, odd": nn.Shape(3, (5,), 2, batch_size=4),
    "no hidden layer": nn.Shape(7, (), 3, batch_size=8),
    "one unit": nn.Shape(6, (1, 9), 3, batch_size=5),
    "small": nn.Shape(64, (50,), 10, batch_size=32),
    "deep": nn.Shape(33, (17, 13, 50), 10, batch_size=16),
    "wide": nn.Shape(120, (100,), 10, batch_size=100),
    "beyond a block": nn.Shape(257, (130,), 4, batch_size=50),
    "batches of one": nn.Shape(5, (8,), 3, batch_size=1),
    "waves": nn.Shape(
        9, (21,), 3, batch_size=16, layers=(nn.WavesSpec(numbers=4, first=2),), example_shape=(9,)
    ),
}
EPOCHS = 2
ALONE = 3  # of a stack, by chance, are trained alone too; all others meet it in another order
CONSTANTS = {
    "momentum": (0.1, 0.95),
    "beta1": (0.5, 0.95),
    "beta2": (0.9, 0.999),
    "rho": (0.5, 0.99),
    "eps": (1e-9, 1e-6),
}


def members(kind: str, count: int, optimizer: str) -> list[nn.Member]:
    """Trials that differ in everything that may differ; every fifth one diverges."""
    draws = np.random.default_rng([7, count])
    made = []
    for k in range(count):
        member = nn.Member(
            float(10 ** draws.uniform(-4, -1)),
            weight_decay=0.0 if k % 3 == 1 else float(10 ** draws.uniform(-5, -1)),
            constants={
                constant.name: float(draws.uniform(*CONSTANTS[constant.name]))
                for constant in nn.OPTIMIZERS[optimizer].constants
            },
            initializer=("auto", "xavier", "he", "normal", "zeros")[k % 5],
            schedule=("constant", "cosine", "step")[k % 3],
            init_key=(1, k),
            dropout_key=(2, k),
        )
        if kind in ("dropout", "everything"):
            member = dataclasses.replace(member, dropout=(0.0, 0.2, 0.5)[k % 3])
        if kind in ("clip", "everything"):
            member = dataclasses.replace(member, clip_norm=(None, 0.5)[k % 2])
        if k % 5 == 4:
            member = dataclasses.replace(
                member, learning_rate=1e30, weight_decay=1e3, clip_norm=None, initializer="auto"
            )
        made.append(member)
    return made


def parts(shape: nn.Shape, raw: type, *, weighted: bool) -> tuple[nn.Examples, nn.Examples]:
    """Noise with classes in it: 83 examples to train on, which leaves a partial batch, 45 to score."""
    draws = np.random.default_rng(11)
    y = draws.integers(0, shape.outputs, 128)
    x = draws.normal(100 + 20 * y[:, None], 30, (128, shape.inputs)).clip(0, 255).astype(raw)
    shift = x.mean(0).astype(np.float32)
    scale = (1 / x.std(0)).astype(np.float32)
    rows = draws.permutation(128).astype(np.intp)
    weights = draws.lognormal(0, 2, 128) if weighted else None
    return tuple(
        nn.Examples(
            x, y, rows[here], shift, scale, weights=None if weights is None else weights[here]
        )
        for here in (slice(83), slice(83, None))
    )


def outcomes(
    shape: nn.Shape, stack: Sequence[nn.Member], raw: type, *, weighted: bool
) -> list[nn.Outcome]:
    train, validation = parts(shape, raw, weighted=weighted)
    return nn.train(
        shape,
        stack,
        train,
        validation,
        epochs=EPOCHS,
        order=lambda epoch: np.random.default_rng([3, epoch]).permutation(83),
        keep_weights="last",
    )


def same(a: nn.Outcome, b: nn.Outcome) -> bool:
    if (a.state, a.curve, a.diverged_in) != (b.state, b.curve, b.diverged_in):
        return False
    if a.weights is None or b.weights is None:
        return a.weights is b.weights
    left, right = a.weights.arrays(), b.weights.arrays()
    return all(left[name].tobytes() == right[name].tobytes() for name in left)


def cases() -> Iterator[tuple[str, nn.Shape, str]]:
    """Every optimizer, activation and kind of trial on every shape, not every combination."""
    kinds = itertools.cycle(["plain", "dropout", "clip", "everything"])
    activations = itertools.cycle(["relu", "sigmoid", "tanh"])
    norms = itertools.cycle([False, False, True, True, False])
    for name, shape in SHAPES.items():
        for optimizer in nn.OPTIMIZERS:
            kind = next(kinds)
            made = dataclasses.replace(
                shape, optimizer=optimizer, activation=next(activations), batch_norm=next(norms)
            )
            yield name, made, kind


def main() -> int:
    wrong, diverged, checked = 0, 0, 0
    for number, (name, shape, kind) in enumerate(cases()):
        raw = (np.uint8, np.float32)[number % 2]
        weighted = number % 3 == 2
        stack = members(kind, (9, 6, 17)[number % 3], shape.optimizer)
        together = outcomes(shape, stack, raw, weighted=weighted)
        diverged += sum(outcome.state == "diverged" for outcome in together)
        order = np.random.default_rng(number).permutation(len(stack))
        permuted = outcomes(shape, [stack[i] for i in order], raw, weighted=weighted)
        for place, i in enumerate(order):
            alone = together[i]
            if place < ALONE:
                alone = outcomes(shape, [stack[i]], raw, weighted=weighted)[0]
            checked += 1
            if not (same(together[i], alone) and same(permuted[place], alone)):
                wrong += 1
                print(f"differs: {name}, {kind}, member {i}, {shape}")
    blas = [info["architecture"] for info in threadpool_info() if info["user_api"] == "blas"]
    print(f"blas {blas}: {checked} trials, {diverged} diverged, {wrong} differ")
    return 0 if diverged and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
