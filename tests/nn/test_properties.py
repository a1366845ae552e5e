"""Properties of training that hold whatever the numbers, searched by hypothesis."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import nn

from .conftest import make_blobs

TRAIN, VALIDATION = make_blobs()
rates = st.floats(1e-4, 0.3)
optimizers = st.sampled_from(sorted(nn.OPTIMIZERS))
shapes = st.builds(
    nn.Shape,
    st.just(6),
    st.lists(st.integers(1, 12), max_size=2).map(tuple),
    st.just(3),
    st.sampled_from(sorted(nn.ACTIVATIONS)),
    optimizers,
    st.integers(1, 60),
    st.booleans(),
)
members = st.builds(
    nn.Member,
    st.one_of(rates, st.just(1e30)),
    weight_decay=st.one_of(st.just(0.0), st.floats(1e-6, 0.1)),
    dropout=st.sampled_from([0.0, 0.3, 0.7]),
    clip_norm=st.sampled_from([None, 1.0]),
    schedule=st.sampled_from(sorted(nn.SCHEDULES)),
    init_key=st.tuples(st.integers(0, 99)),
    dropout_key=st.tuples(st.integers(0, 99)),
)


def run(shape: nn.Shape, stack: list[nn.Member], epochs: int = 2) -> list[nn.Outcome]:
    return nn.train(
        shape, stack, TRAIN, VALIDATION, epochs=epochs, keep_weights="last",
        order=lambda epoch: np.random.default_rng(epoch).permutation(50),
    )  # fmt: skip


def bits(outcome: nn.Outcome) -> tuple[object, ...]:
    flat = None if outcome.weights is None else outcome.weights.flat.tobytes()
    return (outcome.state, outcome.curve, outcome.diverged_in, flat)


@settings(deadline=None, max_examples=60)
@given(shapes, st.lists(members, min_size=2, max_size=5), st.randoms())
def test_permuting_the_trials_permutes_the_results(
    shape: nn.Shape, stack: list[nn.Member], random: object
) -> None:
    order = list(range(len(stack)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight, permuted = run(shape, stack), run(shape, [stack[i] for i in order])
    assert [bits(straight[i]) for i in order] == [bits(outcome) for outcome in permuted]


@settings(deadline=None, max_examples=60)
@given(shapes, members, members)
def test_a_neighbour_changes_nothing(shape: nn.Shape, one: nn.Member, other: nn.Member) -> None:
    assert bits(run(shape, [one, other])[0]) == bits(run(shape, [one])[0])


@settings(deadline=None, max_examples=40)
@given(shapes, members)
def test_learning_rate_zero_changes_nothing(shape: nn.Shape, member: nn.Member) -> None:
    member = dataclasses.replace(member, learning_rate=0.0)
    once, twice = run(shape, [member], 1)[0], run(shape, [member], 2)[0]
    assert once.weights is not None
    assert twice.weights is not None
    assert np.array_equal(once.weights.flat, twice.weights.flat)


@settings(deadline=None, max_examples=40)
@given(optimizers, st.floats(1e-3, 0.05), st.floats(1e-4, 0.05), st.floats(3.0, 30.0))
def test_more_decay_smaller_weights(
    optimizer: str, rate: float, decay: float, factor: float
) -> None:
    """Of two trials that differ in their decay alone, the one with more ends with smaller weights."""
    shape = nn.Shape(6, (8,), 3, "tanh", optimizer, 25)
    if optimizer in ("adagrad", "rmsprop", "adam"):
        rate = 0.01  # these normalise the gradient, decay included; too small a step shows nothing
        decay = max(decay, 0.02)
    less = nn.Member(rate, decay)
    more = dataclasses.replace(less, weight_decay=decay * factor)
    light, heavy = run(shape, [less, more], epochs=15)

    def size(outcome: nn.Outcome) -> float:
        assert outcome.weights is not None
        arrays = outcome.weights.arrays()
        return sum(float((arrays[f"layer{i}.weight"] ** 2).sum()) for i in range(2))

    assert size(heavy) < size(light)
