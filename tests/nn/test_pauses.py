"""A training that pauses: where it does, who goes on, and what is scored change nobody's bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.metrics import METRICS

from .conftest import make_blobs
from .test_properties import bits, members, shapes

TRAIN, VALIDATION = make_blobs()
SHAPE = nn.Shape(6, (8,), 3, batch_size=16)
EPOCHS = 5
STACK = [nn.Member(0.1, k % 2 * 1e-3, dropout=0.2, init_key=(k,)) for k in range(6)]


def order(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).permutation(50)


def training(
    shape: nn.Shape = SHAPE, stack: list[nn.Member] = STACK, **options: object
) -> nn.Training:
    options = {"epochs": EPOCHS, "order": order, "keep_weights": "last"} | options
    return nn.Training(shape, stack, TRAIN, VALIDATION, **options)


@settings(max_examples=60)
@given(shapes, st.lists(members, min_size=1, max_size=5), st.data())
def test_neither_pauses_nor_leavers_change_a_bit(
    shape: nn.Shape, stack: list[nn.Member], data: st.DataObject
) -> None:
    """Everyone's curve is the beginning of the one that it has alone and without a pause."""
    paused = training(shape, stack)
    pauses = sorted(data.draw(st.lists(st.integers(0, EPOCHS), max_size=4)))
    left: dict[int, int] = {}
    for epoch in pauses:
        scores = paused.run_to(epoch)
        assert sorted(scores) == list(paused.live) if epoch else not scores
        going = data.draw(st.sets(st.sampled_from(range(len(stack)))))
        left |= {i: epoch for i in paused.live if i not in going}
        paused.keep(going)
        if data.draw(st.booleans()):
            paused.release_buffers()
        assert set(paused.live) <= going
    last = paused.run_to(EPOCHS)
    assert sorted(last) == list(paused.live)
    for i, outcome in enumerate(paused.outcomes()):
        epochs = left.get(i, EPOCHS)
        if epochs == 0:
            assert (outcome.state, outcome.curve) == ("stopped", ())
            continue
        alone = training(shape, [stack[i]])
        alone.run_to(epochs)
        (wanted,) = alone.outcomes()
        if i in left:
            wanted = dataclasses.replace(wanted, state="stopped")
        assert bits(outcome) == bits(wanted)
        if wanted.curve:
            assert np.array_equal(outcome.predicted, wanted.predicted)


def test_a_training_with_pauses_is_train() -> None:
    paused = training()
    for epoch in range(1, EPOCHS + 1):
        scores = paused.run_to(epoch)
        assert paused.epoch == epoch
        assert {score.epoch for score in scores.values()} == {epoch}
    whole = nn.train(
        SHAPE, STACK, TRAIN, VALIDATION, epochs=EPOCHS, order=order, keep_weights="last"
    )
    assert [bits(a) for a in paused.outcomes()] == [bits(b) for b in whole]


def test_outcomes_may_be_had_on_the_way() -> None:
    paused = training()
    paused.run_to(2)
    early = paused.outcomes()
    assert {(o.state, o.epochs_trained) for o in early} == {("completed", 2)}
    paused.run_to(EPOCHS)
    assert [o.curve[:2] for o in paused.outcomes()] == [o.curve for o in early]
    assert early[0].weights is not None  # a copy, which went on with nobody
    assert early[0].weights.flat.tobytes() != paused.outcomes()[0].weights.flat.tobytes()


def test_the_same_epoch_again_trains_nothing() -> None:
    paused = training()
    first = dict(paused.run_to(2))
    paused.keep([0, 3])
    assert paused.run_to(2) == {i: first[i] for i in (0, 3)}
    assert paused.live == [0, 3]


@pytest.mark.parametrize("epoch", [1, EPOCHS + 1])
def test_a_training_runs_forward_to_its_end(epoch: int) -> None:
    paused = training()
    paused.run_to(2)
    with pytest.raises(InvalidRequest, match=r"must lie in 2\.\.5"):
        paused.run_to(epoch)


def test_nobody_left_is_nothing_to_do() -> None:
    paused = training()
    paused.run_to(1)
    paused.keep(())
    assert (paused.live, paused.run_to(EPOCHS)) == ([], {})
    assert {outcome.state for outcome in paused.outcomes()} == {"stopped"}


def test_buffers_are_released() -> None:
    paused = training()
    paused.run_to(1)
    assert paused._stack._steps
    paused.release_buffers()
    assert not paused._stack._steps
    assert paused._evaluators is None


def test_patience_and_choice_together() -> None:
    still = nn.Member(0.0)
    paused = training(stack=[still, STACK[0], STACK[1]], patience=2)
    paused.run_to(2)
    paused.keep([0, 1])
    paused.run_to(EPOCHS)
    ended = paused.outcomes()
    assert [(o.state, o.epochs_trained) for o in ended[::2]] == [("completed", 3), ("stopped", 2)]
    assert all(o.weights is not None for o in ended)


def test_balanced_accuracy_is_scored_when_asked_for(blobs: Callable) -> None:
    measures = {"balanced": nn.Measure(METRICS["balanced_accuracy"].compute)}
    asked, plain = training(measures=measures), training()
    scores, others = asked.run_to(2), plain.run_to(2)
    assert all(score.measures == {} for score in others.values())
    for i, outcome in enumerate(asked.outcomes()):
        reference = balanced_accuracy_score(VALIDATION.targets, outcome.predicted)
        assert scores[i].measures["balanced"] == pytest.approx(reference, rel=1e-14)
        assert dataclasses.replace(scores[i], measures={}) == others[i]
    with_best = training(measures=measures, score_train=True, keep_weights="best")
    assert with_best.run_to(2)[0].measures == scores[0].measures


def test_what_a_paused_trial_holds() -> None:
    values = 7 * 8 + 9 * 3
    sizes = {"sgd": 1, "momentum": 2, "adam": 3}
    for optimizer, copies in sizes.items():
        shape = dataclasses.replace(SHAPE, optimizer=optimizer)
        assert nn.resident_bytes(shape) == 4 * values * copies
