"""The training loop: batches, scores, divergence, early stops, survivors, schedules, weights kept."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest

SHAPE = nn.Shape(6, (8,), 3, batch_size=16)
GOOD = nn.Member(0.1, 1e-4, init_key=(1,))
BAD = nn.Member(1e30, init_key=(2,))


@pytest.fixture
def run(blobs: Callable, order: Callable) -> Callable[..., list[nn.Outcome]]:
    train, validation = blobs()

    def call(members: list[nn.Member], shape: nn.Shape = SHAPE, **options: object) -> list:
        options = {"epochs": 4, "order": order} | options
        return nn.train(shape, members, train, validation, **options)

    return call


def test_it_learns(run: Callable) -> None:
    outcome = run([GOOD], epochs=10, score_train=True)[0]
    assert outcome.state == "completed"
    assert [score.epoch for score in outcome.curve] == list(range(1, 11))
    first, last = outcome.curve[0], outcome.curve[-1]
    assert last.loss < first.loss
    assert last.accuracy > 0.85
    assert last.train_accuracy is not None
    assert last.train_accuracy > 0.9
    assert outcome.predicted is not None
    assert outcome.predicted.shape == (30,)


def test_right_answers_are_those_of_the_last_epoch(run: Callable, blobs: Callable) -> None:
    _, validation = blobs()
    outcome = run([GOOD])[0]
    assert outcome.curve[-1].n_correct == (outcome.predicted == validation.targets).sum()


def test_the_last_partial_batch_is_used(blobs: Callable) -> None:
    """50 = 3 * 16 + 2: with only the last two examples outside a whole batch, they still count."""
    train, _ = blobs()
    seen = []
    for order in ([*range(50)], [*range(48), 48, 48]):
        outcome = nn.train(
            SHAPE, [GOOD], train, None, epochs=1, keep_weights=True,
            order=lambda epoch, o=order: np.array(o),
        )[0]  # fmt: skip
        seen.append(outcome.weights.arrays()["layer0.weight"])
    assert not np.array_equal(*seen)


def test_train_loss_is_the_mean_over_the_epoch(run: Callable) -> None:
    """At learning rate 0 it is the loss of the untouched network, partial batch in proportion."""
    still = dataclasses.replace(GOOD, learning_rate=0.0)
    running, scored = run([still], epochs=1)[0], run([still], epochs=1, score_train=True)[0]
    assert running.curve[0].train_loss == pytest.approx(scored.curve[0].train_loss, rel=1e-6)


@pytest.mark.parametrize("optimizer", nn.OPTIMIZERS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_diverging_trial_disturbs_nobody(run: Callable, optimizer: str, batch_norm: bool) -> None:
    shape = dataclasses.replace(SHAPE, optimizer=optimizer, batch_norm=batch_norm)
    bad = dataclasses.replace(BAD, weight_decay=1e3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcomes = run([GOOD, bad, GOOD], shape, keep_weights="best")
    assert [outcome.state for outcome in outcomes] == ["completed", "diverged", "completed"]
    assert outcomes[1].diverged_in is not None
    assert outcomes[1].epochs_trained == outcomes[1].diverged_in - 1
    assert outcomes[1].weights is None
    alone = run([GOOD], shape, keep_weights="best")[0]
    assert outcomes[0].curve == outcomes[2].curve == alone.curve


def test_all_may_diverge(run: Callable) -> None:
    assert [outcome.state for outcome in run([BAD, BAD])] == ["diverged", "diverged"]


def test_divergence_is_noticed_in_the_last_update(blobs: Callable) -> None:
    """One minibatch an epoch: the loss before the update is finite, what it leaves is not."""
    train, validation = blobs()
    shape = dataclasses.replace(SHAPE, batch_size=50)
    for part in (validation, None):
        member = nn.Member(1e38, 1e30)
        outcome = nn.train(shape, [member], train, part, epochs=1, order=lambda e: np.arange(50))[0]
        assert (outcome.state, outcome.diverged_in, outcome.curve) == ("diverged", 1, ())


def test_without_validation(blobs: Callable, order: Callable) -> None:
    train, _ = blobs()
    outcome = nn.train(SHAPE, [GOOD], train, None, epochs=2, order=order, keep_weights=True)[0]
    assert outcome.weights is not None
    assert outcome.predicted is None
    assert math.isnan(outcome.curve[1].loss)
    assert outcome.curve[1].accuracy == 0.0


def test_best_weights_are_those_of_the_best_epoch(run: Callable, blobs: Callable) -> None:
    _, validation = blobs()
    wild = dataclasses.replace(GOOD, learning_rate=2.0)
    for member in (GOOD, wild):
        outcome = run([member], epochs=6, keep_weights="best")[0]
        best = max(outcome.curve, key=lambda s: (s.n_correct, -s.loss))
        assert outcome.best_epoch == best.epoch
        predicted = nn.predict_values(SHAPE, outcome.weights, validation)[0].argmax(1)
        assert (predicted == validation.targets).sum() == best.n_correct
    assert run([GOOD])[0].weights is None


def test_survivors_go_on_unchanged(run: Callable) -> None:
    members = [
        dataclasses.replace(GOOD, init_key=(k,), weight_decay=k % 2 * 0.01) for k in range(6)
    ]
    asked: list[tuple[int, list[int]]] = []

    def halve(epoch: int, scores: Mapping[int, nn.EpochScore]) -> list[int]:
        asked.append((epoch, sorted(scores)))
        ranked = sorted(scores, key=lambda i: (-scores[i].n_correct, scores[i].loss))
        return ranked[: (len(ranked) + 1) // 2]

    halved, full = run(members, survivors=halve, keep_weights="last"), run(members)
    assert [epoch for epoch, _ in asked] == [1, 2, 3]
    assert [len(live) for _, live in asked] == [6, 3, 2]
    states = [outcome.state for outcome in halved]
    assert states.count("stopped") == 5
    for cut, whole in zip(halved, full, strict=True):
        assert cut.curve == whole.curve[: cut.epochs_trained]
        assert cut.weights is not None


def test_patience_ends_a_member_early_and_alone(run: Callable) -> None:
    still = dataclasses.replace(GOOD, learning_rate=0.0)
    ended, going = run([still, dataclasses.replace(GOOD, learning_rate=0.01)], patience=2, epochs=6)
    assert (ended.state, ended.epochs_trained, ended.best_epoch) == ("completed", 3, 1)
    assert going.epochs_trained > 3


def test_everybody_may_end_early(run: Callable) -> None:
    still = dataclasses.replace(GOOD, learning_rate=0.0)
    seen: list[int] = []
    outcomes = run([still, still], patience=1, epochs=9, on_epoch=seen.append)
    assert [outcome.epochs_trained for outcome in outcomes] == [2, 2]
    assert seen == [1, 2]


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int32, np.uint64])
def test_classes_of_any_integer_type(blobs: Callable, kind: type) -> None:
    """900 examples in batches of 300: positions in a batch do not fit the smaller types."""
    wide = blobs(train=900, validation=600)
    narrow = [dataclasses.replace(part, y=part.y.astype(kind)) for part in wide]
    shape = dataclasses.replace(SHAPE, batch_size=300)
    curves = [
        nn.train(
            shape, [GOOD], *parts, epochs=2, class_weights=np.array([1.0, 2.0, 3.0]),
            order=lambda epoch: np.random.default_rng(epoch).permutation(900),
        )[0].curve
        for parts in (wide, narrow)
    ]  # fmt: skip
    assert curves[0] == curves[1]


def test_it_stops_when_asked(run: Callable) -> None:
    answers = iter([False, False, True])
    seen: list[int] = []
    with pytest.raises(nn.Interrupted):
        run([GOOD], should_stop=lambda: next(answers), on_epoch=seen.append)
    assert seen == [1, 2]


def test_class_weights_move_the_answers(run: Callable) -> None:
    heavy = np.array([1000.0, 1.0, 1.0], np.float32)
    plain = run([GOOD], epochs=1)[0].predicted
    weighted = run([GOOD], epochs=1, class_weights=heavy)[0].predicted
    assert (weighted == 0).sum() > (plain == 0).sum()


def test_schedules_lower_the_rate(run: Callable) -> None:
    """A rate stepped down to 0 after an epoch leaves the weights where they were."""
    stepped = dataclasses.replace(GOOD, schedule="step", step_every=1, step_gamma=0.0)
    once, longer = run([stepped], epochs=1)[0], run([stepped], epochs=3)[0]
    assert once.curve[0] == longer.curve[0]
    assert longer.curve[2].loss == longer.curve[0].loss
    cosine = dataclasses.replace(GOOD, schedule="cosine")
    assert run([cosine])[0].curve != run([GOOD])[0].curve


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"patience": 0}, "patience"),
        ({"order": lambda epoch: np.arange(49)}, r"order\(1\)"),
        ({"class_weights": np.array([1.0, 0.0, 1.0])}, "class_weights"),
        ({"shape": dataclasses.replace(SHAPE, inputs=7)}, "6 features do not fit 7 inputs"),
        ({"shape": dataclasses.replace(SHAPE, outputs=2)}, r"0\.\.1"),
    ],
)
def test_what_does_not_fit_is_refused(run: Callable, options: dict, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        run([GOOD], **options)


def test_a_stack_needs_members(run: Callable) -> None:
    with pytest.raises(InvalidRequest, match="at least one member"):
        run([])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_real_data(optimizer: str, batch_norm: bool) -> None:
    """Digits, 1,400 images to train on: at least 95 % right after a few epochs."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = digits.data.astype(np.uint8), digits.target
    rows = np.random.default_rng(0).permutation(len(x)).astype(np.intp)
    deviation = x[rows[:1400]].std(0).astype(np.float32)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    shift = x[rows[:1400]].mean(0).astype(np.float32)
    train, validation = (nn.Examples(x, y, r, shift, scale) for r in (rows[:1400], rows[1400:]))
    shape = nn.Shape(64, (50, 50), 10, optimizer=optimizer, batch_norm=batch_norm)
    rate = {"sgd": 0.1, "adam": 0.003}[optimizer]
    outcomes = nn.train(
        shape, [nn.Member(rate, dropout=0.1, init_key=(k,), dropout_key=(7, k)) for k in range(3)],
        train, validation, epochs=8, keep_weights="last",
        order=lambda epoch: np.random.default_rng(epoch).permutation(1400),
    )  # fmt: skip
    assert min(outcome.curve[-1].accuracy for outcome in outcomes) > 0.95
    weights = [outcome.weights for outcome in outcomes if outcome.weights]
    together = nn.ensemble_values(shape, weights, validation).argmax(1)
    worst = min(outcome.curve[-1].n_correct for outcome in outcomes)
    assert (together == validation.targets).sum() >= worst
