"""Squared error and Huber's loss: gradients, PyTorch, and targets in other units."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest

TRIALS, COUNT, EXAMPLES = 3, 2, 7
STEP = 1e-6


def draws(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, shape)


def plane(count: int = 60, target: nn.TargetScale | None = None, rows=None) -> nn.Examples:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(count, 4)).astype(np.float32)
    y = 50 + 7 * (x @ np.array([1.0, -2.0, 0.5, 0.0]))
    rows = np.arange(count) if rows is None else rows
    return nn.Examples(x, y, rows, np.zeros(4, np.float32), np.ones(4, np.float32), target=target)


@pytest.mark.parametrize("name", ["squared_error", "huber"])
def test_gradients(name: str) -> None:
    z, y = draws(TRIALS, COUNT, EXAMPLES), draws(EXAMPLES, COUNT, seed=1)
    along = draws(*z.shape, seed=2)

    def f(at: np.ndarray) -> np.ndarray:
        return nn.LOSSES[name].bind(at.copy()).forward(y).copy()

    loss = nn.LOSSES[name].bind(z.copy())
    loss.forward(y)
    gradient = loss.backward()
    slopes = (f(z + STEP * along) - f(z - STEP * along)) / (2 * STEP)
    np.testing.assert_allclose((gradient * along).sum((1, 2)), slopes, rtol=1e-6)


@pytest.mark.parametrize("name", ["squared_error", "huber"])
@pytest.mark.parametrize("shape", [(EXAMPLES,), (EXAMPLES, COUNT)])
def test_losses_and_gradients_are_torchs(torch: ModuleType, name: str, shape: tuple) -> None:
    y = draws(*shape, seed=4)
    z = draws(1, 1 if y.ndim == 1 else COUNT, EXAMPLES, seed=5)
    loss = nn.LOSSES[name].bind(z.copy())
    value = float(loss.forward(y)[0])
    gradient = loss.backward()[0]
    theirs = torch.tensor(z[0].T.copy(), requires_grad=True)
    wanted = torch.tensor(y.reshape(EXAMPLES, -1))
    if name == "huber":
        mean = torch.nn.functional.huber_loss(theirs, wanted, delta=1.0)
    else:
        mean = torch.nn.functional.mse_loss(theirs, wanted) / 2
    mean.backward()
    assert value == pytest.approx(float(mean.detach()))
    np.testing.assert_allclose(gradient, theirs.grad.numpy().T)
    each = loss.losses[0]
    assert each.mean() == pytest.approx(value)


def test_large_errors_move_huber_less() -> None:
    y, z = np.zeros(2), np.array([[[0.5, 100.0]]])
    loss = nn.LOSSES["huber"].bind(z.copy())
    assert loss.forward(y)[0] == pytest.approx((0.125 + 99.5) / 2)
    assert loss.backward().ravel() == pytest.approx([0.25, 0.5])


@pytest.mark.parametrize("targets", [np.arange(5), np.zeros((5, 2, 2))])
@pytest.mark.parametrize("name", ["squared_error", "huber"])
def test_targets_that_are_no_numbers(name: str, targets: np.ndarray) -> None:
    with pytest.raises(InvalidRequest, match="numbers are wanted"):
        nn.LOSSES[name].outputs(targets)


def trained(examples: nn.Examples, validation: nn.Examples, loss: str = "squared_error", members=1):
    shape = nn.Shape(4, (6,), 1, optimizer="adam", batch_size=16, loss=loss)
    rows = np.arange(len(examples))
    return nn.train(
        shape, [nn.Member(0.02, init_key=(k,)) for k in range(members)], examples, validation,
        epochs=30, order=lambda epoch: np.random.default_rng(epoch).permutation(rows),
        keep_weights="last",
        measures={"rmse": nn.Measure(lambda p, y: float(np.sqrt(np.mean((p - y) ** 2))))},
    )  # fmt: skip


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_standardised_targets_are_scored_in_their_own_units(loss: str) -> None:
    scale = nn.TargetScale(50.0, 16.0)
    train, test = (
        plane(target=scale, rows=np.arange(45)),
        plane(target=scale, rows=np.arange(45, 60)),
    )
    (outcome,) = trained(train, test, loss)
    last = outcome.curve[-1]
    assert last.loss < 0.25  # half the squared error; that of the mean is 1/2
    error = outcome.predicted - test.targets
    assert last.measures["rmse"] == pytest.approx(float(np.sqrt(np.mean(error**2))))
    assert 1 < last.measures["rmse"] < 10  # in units of the target, whose deviation is 16
    assert outcome.predicted.dtype == np.float64
    values = nn.predict_values(outcome.weights.shape, outcome.weights, test)[0]
    np.testing.assert_allclose(values[:, 0], outcome.predicted)
    scores = nn.evaluate(outcome.weights.shape, outcome.weights, test, needs=("values", "outputs"))
    np.testing.assert_allclose(scores.inputs["values"][0][:, 0], outcome.predicted)
    np.testing.assert_allclose(
        scores.inputs["outputs"][0][:, 0] * 16.0 + 50.0, outcome.predicted, rtol=1e-6
    )


def test_units_change_no_bit_of_the_training() -> None:
    """Targets times 1024 and their scale times 1024 are the same numbers to the network."""
    one = plane(target=nn.TargetScale(48.0, 16.0))
    other = dataclasses.replace(
        one, y=one.y * 1024, target=nn.TargetScale(48.0 * 1024, 16.0 * 1024)
    )
    first, second = (trained(part, part, members=2) for part in (one, other))
    for a, b in zip(first, second, strict=True):
        assert [p.loss for p in a.curve] == [p.loss for p in b.curve]
        assert np.array_equal(a.weights.flat, b.weights.flat)
        np.testing.assert_array_equal(a.predicted * 1024, b.predicted)
    alone = trained(one, one)[0]
    assert np.array_equal(alone.weights.flat, first[0].weights.flat)


def test_a_model_keeps_the_scale_of_its_target(tmp_path) -> None:
    scale = nn.TargetScale(50.0, 16.0)
    examples = plane(target=scale)
    (outcome,) = trained(examples, examples)
    model = nn.Model(outcome.weights, examples.shift, examples.scale, (), target=scale)
    file = tmp_path / "model.npz"
    file.write_bytes(model.dump())
    again = nn.Model.load(file)
    assert again.target == scale
    assert again.dump() == model.dump()
    assert not again.classifies
    np.testing.assert_array_equal(again.predict_values(examples.x)[:, 0], outcome.predicted)
    with np.load(file) as stored:
        assert stored["target"].tolist() == [50.0, 16.0]
        assert '"format": 3' in str(stored["about"])


@pytest.mark.parametrize("values", [(0.0, 0.0), (np.nan, 1.0), (0.0, np.inf), (0.0, -1.0)])
def test_scales_that_are_none(values: tuple[float, float]) -> None:
    with pytest.raises(InvalidRequest, match="cannot be standardised"):
        nn.TargetScale(*values)


def test_outputs_of_a_classifier_are_its_logits(blobs) -> None:
    """`values` are the softmax of `outputs`, and a measure may ask for both."""
    train, validation = blobs()
    seen = {}

    def keep(name: str):
        def compute(needed, targets) -> float:
            seen[name] = needed.copy()
            return 0.0

        return compute

    shape = nn.Shape(6, (8,), 3, batch_size=16)
    measures = {name: nn.Measure(keep(name), name) for name in ("values", "outputs", "predicted")}
    (outcome,) = nn.train(
        shape, [nn.Member(0.1)], train, validation, epochs=2, measures=measures,
        order=lambda epoch: np.arange(50), keep_weights=True,
    )  # fmt: skip
    z = seen["outputs"].astype(np.float64)
    shares = np.exp(z - z.max(1, keepdims=True))
    np.testing.assert_allclose(seen["values"], shares / shares.sum(1, keepdims=True), rtol=1e-5)
    assert np.array_equal(z.argmax(1), seen["predicted"])
    assert outcome.curve[-1].n_correct == (seen["predicted"] == validation.targets).sum()
