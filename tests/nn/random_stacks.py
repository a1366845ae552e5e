"""Random stacks of random trials on hostile data: is each trial what it is alone, bit for bit?

    PYTHONPATH=. OPENBLAS_NUM_THREADS=1 python tests/nn/random_stacks.py [--stacks 20000] [--first 0]

A stack is its number: shape, trials, data and options are drawn from it. Each trial is trained in
the whole stack, in a smaller stack in another order, and alone; the exit code is 0 if nothing differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from hpsearch import nn
from hpsearch.nn.parameters import layout
from hpsearch.nn.updates import Updates

EPOCHS = 2
LARGE = nn.Shape(300, (120,), 10, batch_size=50)  # its products are beyond BLAS's small kernels
RATES = (0.0, 1e-45, 1e-8, 1e-3, 0.01, 0.1, 0.3, 1.0, 1e4, 1e30, 1e38, 1e300)
DECAYS = (0.0, 0.0, 0.0, 1e-300, 1e-45, 1e-4, 0.1, 30.0, 1e30, 1e300)
CLIPS = (None, None, None, 1e-45, 1e-3, 1.0, 1e15, 1e30, 1e300)
DROPOUTS = (0.0, 0.0, 0.0, 1e-5, 0.2, 0.5, 0.99, 0.99999)
SPREADS = (0.0, 1e-45, 1e-20, 0.01, 1.0, 1e10, 1e20)
SIZES = (1e20, 1e-20, 1e-38, 1e-44, 0.0, 1e10, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Case:
    """A stack, and what its trials are trained on and how."""

    shape: nn.Shape
    members: Sequence[nn.Member]
    train: nn.Examples
    validation: nn.Examples | None
    options: Mapping[str, Any]
    stops: Mapping[int, int]  # member -> the epoch behind which it is not kept
    block: int
    order: Sequence[int]  # the smaller stack, by members

    def outcomes(self, members: Sequence[int]) -> dict[int, tuple[object, ...]]:
        """Train these members as one stack; everything that came of each."""
        training = nn.Training(
            self.shape,
            [self.members[m] for m in members],
            self.train,
            self.validation,
            epochs=EPOCHS,
            order=lambda epoch: np.random.default_rng(epoch).permutation(len(self.train)),
            **self.options,
        )
        for epoch in range(1, EPOCHS + 1):
            training.run_to(epoch)
            staying = [i for i, m in enumerate(members) if self.stops.get(m, EPOCHS) > epoch]
            if epoch < EPOCHS and len(staying) < len(members):
                training.keep(staying)
        return dict(zip(members, map(bits, training.outcomes()), strict=True))


def bits(outcome: nn.Outcome) -> tuple[object, ...]:
    """An outcome as a value that is equal where every bit is."""
    weights = outcome.weights
    arrays = [] if weights is None else [weights.flat, weights.mean, weights.variance]
    predicted = None if outcome.predicted is None else outcome.predicted.tobytes()
    return (
        outcome.state,
        repr(outcome.curve),  # exact, and NaN is like NaN
        outcome.best_epoch,
        outcome.diverged_in,
        predicted,
        *(array.tobytes() for array in arrays),
    )


def case(number: int) -> Case:
    """The stack of this number."""
    draws = np.random.default_rng([14, number])
    shape = LARGE if draws.random() < 0.02 else _shape(draws)
    members = [_member(draws, shape.optimizer, k) for k in range(int(draws.integers(2, 5)))]
    train, validation = _weighted(np.random.default_rng([15, number]), *_parts(draws, shape))
    options: dict[str, Any] = {
        "keep_weights": str(draws.choice(["last", "best"])),
        "score_train": bool(draws.random() < 0.2),
        "measures": MEASURES if draws.random() < 0.3 else {},
    }
    if draws.random() < 0.3:
        options["class_weights"] = nn.balanced_weights(train, shape.outputs)
    if validation is not None and draws.random() < 0.2:
        options["patience"] = 1
    stopping = draws.random(len(members)) < 0.15
    stops = {m: int(draws.integers(1, EPOCHS)) for m in np.flatnonzero(stopping).tolist()}
    order = draws.permutation(len(members))[: draws.integers(1, len(members) + 1)].tolist()
    size = layout(shape).size  # tiles of one trial or more, or parts of one
    block = max(1, int(size * draws.choice([0.4, 1, 2, 99, 99])))
    return Case(shape, members, train, validation, options, stops, block, order)


def _shape(draws: np.random.Generator) -> nn.Shape:
    inputs = int(draws.choice([1, 2, 3, 5, 8, 17, 33, 64]))
    hidden = draws.integers(1, 34, draws.choice([0, 1, 1, 2]))
    return nn.Shape(
        inputs,
        tuple(hidden.tolist()),
        int(draws.choice([2, 3, 4, 11])),
        str(draws.choice(list(nn.ACTIVATIONS))),
        str(draws.choice(list(nn.OPTIMIZERS))),
        int(draws.choice([1, 2, 3, 5, 7, 16, 33])),
        bool(draws.random() < 0.3),
    )


def _member(draws: np.random.Generator, optimizer: str, k: int) -> nn.Member:
    plain = draws.random() < 0.5  # one that trains as usual, to stand beside the others
    constants = {}
    for constant in nn.OPTIMIZERS[optimizer].constants:
        low = constant.low if constant.low or not constant.above_zero else constant.default
        values = [constant.default, low, constant.high, float(draws.uniform(low, constant.high))]
        constants[constant.name] = constant.default if plain else float(draws.choice(values))
    clip = draws.choice(np.array(CLIPS, object))
    return nn.Member(
        float(draws.choice(RATES[3:7] if plain else RATES)),
        weight_decay=float(draws.choice(DECAYS[:6] if plain else DECAYS)),
        constants=constants,
        initializer=str(draws.choice(list(nn.INITIALIZERS))),
        init_std=float(draws.choice(SPREADS)),
        dropout=float(draws.choice(DROPOUTS)),
        schedule=str(draws.choice(list(nn.SCHEDULES))),
        step_every=int(draws.integers(1, 3)),
        step_gamma=float(draws.choice([0.0, 1e-300, 0.1, 1.0])),
        clip_norm=None if clip is None else float(clip),
        init_key=(1, k),
        dropout_key=(2, k),
    )


def _parts(draws: np.random.Generator, shape: nn.Shape) -> tuple[nn.Examples, nn.Examples | None]:
    """Features of any size, some constant; raw, standardised, or silenced by a scale of 0."""
    count, held = int(draws.integers(1, 13)), int(draws.choice([0, 1, 2, 9]))
    count *= 5 if shape is LARGE else 1
    y = draws.integers(0, shape.outputs, count + held)
    wide = (count + held, shape.inputs)
    with np.errstate(all="ignore"):
        if draws.random() < 0.2:
            x = draws.integers(0, 256, wide).astype(np.uint8)
        else:
            sizes = draws.choice(SIZES, shape.inputs if draws.random() < 0.5 else 1)
            x = ((draws.normal(0, 1, wide) + y[:, None]) * sizes).astype(np.float32)
            x[:, draws.random(shape.inputs) < 0.1] = draws.choice([0.0, -0.0, 5.0, 1e20])
        shift, scale = np.zeros(shape.inputs, np.float32), np.ones(shape.inputs, np.float32)
        if draws.random() < 0.5:
            shift = x.mean(0, np.float64).astype(np.float32)
            deviation = x.std(0, np.float64)
            inverse = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
            scale = inverse.astype(np.float32)
    rows = draws.permutation(count + held).astype(np.intp)
    validation = nn.Examples(x, y, rows[count:], shift, scale) if held else None
    return nn.Examples(x, y, rows[:count], shift, scale), validation


def _weighted(
    draws: np.random.Generator, train: nn.Examples, validation: nn.Examples | None
) -> tuple[nn.Examples, nn.Examples | None]:
    """Every third pair of parts with weights from 1e-20 to 1e20, some of them all alike."""
    if draws.random() > 0.33:
        return train, validation
    spread = draws.choice([0.0, 1.0, 46.0])
    both = [
        part and replace(part, weights=np.exp(draws.uniform(-spread, spread, len(part))))
        for part in (train, validation)
    ]
    return both[0], both[1]


MEASURES = {
    needs: nn.Measure(
        lambda values, targets: float(np.add.reduce(values, axis=None)),
        needs,
        lambda values, targets, weights: float(np.add.reduce(values, axis=None)) * weights[0],
    )
    for needs in ("predicted", "values", "losses")
}


def differing(number: int) -> tuple[list[int], list[str]]:
    """The members of a stack that are not what they are alone, and all members' states."""
    drawn = case(number)
    Updates.__init__.__kwdefaults__["block"] = drawn.block  # small stacks fit one tile otherwise
    everyone = range(len(drawn.members))
    together, fewer = drawn.outcomes(everyone), drawn.outcomes(drawn.order)
    alone = {m: drawn.outcomes([m])[m] for m in everyone}
    wrong = [m for m in everyone if not alone[m] == together[m] == fewer.get(m, alone[m])]
    return wrong, [str(alone[m][0]) for m in everyone]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    states: dict[str, int] = {}
    wrong = 0
    for number in range(asked.first, asked.first + asked.stacks):
        members, all_states = differing(number)
        for state in all_states:
            states[state] = states.get(state, 0) + 1
        if members:
            wrong += len(members)
            print(f"differs: stack {number}, members {members}", flush=True)
    blas = [f"{i['internal_api']} {i.get('architecture')}" for i in threadpool_info()]
    print(f"{blas}, numpy {np.__version__}: {asked.stacks} stacks, trials {states}, {wrong} differ")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
