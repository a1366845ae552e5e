"""The engine grows from outside: a loss, layers, an optimizer and an activation by registration."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.nn.evaluation import block_length
from hpsearch.nn.parameters import layout
from hpsearch.nn.stack import Stack

from .toys import SIGN, GainSpec, PoolSpec, Softsign, SquaredError

STEP = 1e-6
MEMBERS = [
    nn.Member(0.03, k % 2 * 1e-3, dropout=(0.0, 0.2)[k % 2], init_key=(k,), dropout_key=(1, k))
    for k in range(5)
]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with (
        nn.LOSSES.registered("squares", SquaredError()),
        nn.LAYERS.registered("gain", GainSpec),
        nn.LAYERS.registered("pool", PoolSpec),
        nn.OPTIMIZERS.registered("sign", SIGN),
        nn.ACTIVATIONS.registered("softsign", Softsign),
    ):
        yield
    layout.cache_clear()


def order(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).permutation(60)


def numbers(
    outputs: int = 0, shape: tuple[int, ...] = (6,), scored: int = 40
) -> tuple[nn.Examples, nn.Examples]:
    """Examples whose targets (n,), or (n, outputs), are a function of the values, with noise."""
    draws = np.random.default_rng(5)
    count = 60 + scored
    x = draws.normal(size=(count, *shape)).astype(np.float32)
    flat = x.reshape(count, -1)
    y = np.tanh(flat @ draws.normal(size=(flat.shape[1], max(outputs, 1)))) + 0.5
    y += 0.05 * draws.normal(size=y.shape)
    targets = y if outputs else y[:, 0]
    rows = draws.permutation(count).astype(np.intp)
    zeros, ones = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    return (
        nn.Examples(x, targets, rows[:60], zeros, ones),
        nn.Examples(x, targets, rows[60:], zeros, ones),
    )


def images(outputs: int = 3) -> tuple[nn.Examples, nn.Examples]:
    """Classes that lie in the rows of images (4, 3)."""
    draws = np.random.default_rng(6)
    y = draws.integers(0, outputs, 100)
    x = draws.normal(np.eye(4)[y][:, :, None], 0.5, (100, 4, 3)).astype(np.float32)
    zeros, ones = np.zeros((4, 3), np.float32), np.ones((4, 3), np.float32)
    rows = np.arange(100, dtype=np.intp)
    return (
        nn.Examples(x, y, rows[:60], zeros, ones),
        nn.Examples(x, y, rows[60:], zeros, ones),
    )


SHAPES = ("numbers (n,)", "numbers (n, 2)")


def regression(name: str, optimizer: str = "sgd") -> nn.Shape:
    if name == "numbers (n,)":
        return nn.Shape(6, (8,), 1, "tanh", optimizer, 16, loss="squares")
    return nn.Shape(6, (8, 5), 2, "relu", optimizer, 16, batch_norm=True, loss="squares")


def targets_of(shape: nn.Shape) -> int:
    return shape.outputs if shape.outputs > 1 else 0


def train(
    shape: nn.Shape,
    members: list[nn.Member],
    parts: tuple[nn.Examples, nn.Examples],
    **more: object,
) -> list[nn.Outcome]:
    options = {"epochs": 8, "order": order, "keep_weights": "last"} | more
    return nn.train(shape, members, *parts, **options)


def bits(outcome: nn.Outcome) -> tuple[object, ...]:
    assert outcome.weights is not None
    assert outcome.predicted is not None
    return (outcome.curve, outcome.weights.flat.tobytes(), outcome.predicted.tobytes())


def assert_gradients(shape: nn.Shape, train: nn.Examples) -> None:
    """Directional derivatives of the whole network's loss in float64, dropout included."""
    stack = Stack(shape, MEMBERS[:3], train, epochs=1, dtype=np.float64)
    flat = stack.parameters.flat
    draws = np.random.default_rng(7)
    flat += 0.1 * draws.normal(size=flat.shape)
    start, positions = flat.copy(), np.arange(16)

    def losses(at: np.ndarray) -> np.ndarray:
        flat[...] = at
        stack.streams[:] = [np.random.default_rng(m.dropout_key) for m in stack.members]
        return stack.step(positions, 0.0, 1).copy()

    losses(start)
    g = np.zeros_like(flat)
    stack._steps[16]._network.gradients(slice(0, 3), g).compute()
    for _ in range(4):
        along = draws.normal(size=flat.shape)
        slopes = (losses(start + STEP * along) - losses(start - STEP * along)) / (2 * STEP)
        np.testing.assert_allclose((g * along).sum(1), slopes, rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize("name", SHAPES)
def test_a_regression_learns(name: str) -> None:
    shape = regression(name)
    parts = numbers(targets_of(shape))
    outcomes = train(shape, MEMBERS, parts, epochs=30, score_train=True)
    for outcome in outcomes:
        first, last = outcome.curve[0], outcome.curve[-1]
        assert last.loss < 0.6 * first.loss
        assert (last.n_correct, last.train_accuracy, last.examples) == (None, None, 40)
        assert outcome.predicted.shape == parts[1].targets.shape
        error = 0.5 * np.square(outcome.predicted - parts[1].targets).mean()
        assert last.loss == pytest.approx(error, rel=1e-5)
        assert outcome.best_epoch == min(outcome.curve, key=lambda s: s.loss).epoch


@pytest.mark.parametrize("name", SHAPES)
def test_the_gradient_of_a_regression(name: str) -> None:
    shape = regression(name)
    assert_gradients(shape, numbers(targets_of(shape))[0])


@pytest.mark.parametrize("name", SHAPES)
def test_the_bits_of_a_regression_do_not_depend_on_the_stack(name: str) -> None:
    shape = regression(name, optimizer="adam")
    parts = numbers(targets_of(shape))
    together = train(shape, MEMBERS, parts)
    backwards = train(shape, MEMBERS[::-1], parts)[::-1]
    for member, one, other in zip(MEMBERS, together, backwards, strict=True):
        assert bits(one) == bits(other) == bits(train(shape, [member], parts)[0])


def test_a_regression_diverges_alone_and_ends_early() -> None:
    shape = regression("numbers (n,)")
    wild = nn.Member(1e30)
    good, bad = train(shape, [MEMBERS[0], wild], numbers())
    assert (good.state, bad.state) == ("completed", "diverged")
    still = train(shape, [nn.Member(0.0)], numbers(), patience=2, keep_weights="best")[0]
    assert (still.epochs_trained, still.best_epoch) == (3, 1)


def test_measures_see_predictions_values_and_losses() -> None:
    """All validation examples of one trial, in the order of the rows, over several blocks."""
    shape = regression("numbers (n, 2)")
    parts = numbers(2, scored=2 * block_length(shape) + 7)
    measures = {
        "error": nn.Measure(lambda z, y: float(np.abs(z - y).mean())),
        "worst": nn.Measure(lambda losses, y: float(losses.max()), "losses"),
        "mean": nn.Measure(lambda values, y: float(values.mean()), "values"),
    }
    for outcome in train(shape, MEMBERS[:2], parts, epochs=2, measures=measures):
        values = nn.predict_values(shape, outcome.weights, parts[1])[0]
        np.testing.assert_array_equal(outcome.predicted, values)
        last, targets = outcome.curve[-1], parts[1].targets
        each = 0.5 * np.square(values - targets).mean(1)
        assert last.measures["error"] == np.abs(values - targets).mean()
        assert last.measures["mean"] == values.mean()
        assert last.measures["worst"] == pytest.approx(each.max(), rel=1e-5)


def test_measures_of_a_classification() -> None:
    shape = nn.Shape(12, (5,), 3, batch_size=16)
    measures = {
        "accuracy": nn.Measure(lambda predicted, y: float((predicted == y).mean())),
        "confidence": nn.Measure(lambda values, y: float(values.max(1).mean()), "values"),
        "loss": nn.Measure(lambda losses, y: float(losses.mean()), "losses"),
    }
    plain, asked = (train(shape, MEMBERS, images(), measures=m) for m in ({}, measures))
    for one, other in zip(plain, asked, strict=True):
        score = other.curve[-1]
        proba = nn.predict_values(shape, other.weights, images()[1])[0]
        assert score.measures["accuracy"] == score.accuracy
        assert score.measures["confidence"] == proba.max(1).mean()
        assert score.measures["loss"] == pytest.approx(score.loss, rel=1e-6)
        assert one.curve == tuple(dataclasses.replace(s, measures={}) for s in other.curve)


@pytest.mark.parametrize(
    ("loss", "parts", "options", "says"),
    [
        ("squares", images(), {}, "targets are int64"),
        ("squares", numbers(3), {}, r"targets \(60, 3\) need 3 outputs, not 2"),
        ("cross_entropy", numbers(), {}, "targets are float64 .* integer class"),
        ("squares", numbers(2), {"class_weights": np.ones(2)}, "class_weights need classes"),
    ],
)
def test_targets_that_do_not_fit_the_loss(
    loss: str, parts: tuple, options: dict, says: str
) -> None:
    shape = nn.Shape(parts[0].features, (), 2, loss=loss)
    with pytest.raises(InvalidRequest, match=says):
        train(shape, MEMBERS, parts, **options)


def test_a_regression_in_a_file(tmp_path) -> None:
    shape = regression("numbers (n, 2)")
    parts = numbers(2)
    outcome = train(shape, MEMBERS[:1], parts)[0]
    model = nn.Model(outcome.weights, parts[0].shift, parts[0].scale, ())
    (tmp_path / "m.npz").write_bytes(model.dump())
    again = nn.Model.load(tmp_path / "m.npz")
    assert again.shape == shape
    x = parts[1].x[parts[1].rows]
    np.testing.assert_array_equal(again.predict_values(x), outcome.predicted)
    with pytest.raises(InvalidRequest, match="predicts numbers"):
        again.predict(x)


LAYERED = {
    "a gain on the inputs": nn.Shape(12, (5,), 3, batch_size=16),
    "between dense layers": nn.Shape(12, (), 3, batch_size=16),
    "an image's rows": nn.Shape(12, (6,), 3, "tanh", "adam", 16, True, example_shape=(4, 3)),
}


@pytest.fixture
def layered() -> Callable[[str], nn.Shape]:
    layers = {
        "a gain on the inputs": (GainSpec(0.5),),
        "between dense layers": (
            nn.DenseSpec(7),
            nn.ActivationSpec("tanh"),
            nn.FlattenSpec(),
            nn.DropoutSpec(),
            GainSpec(),
            nn.DenseSpec(5, bias=False),
            nn.BatchNormSpec(),
            nn.ActivationSpec("softsign"),
        ),
        "an image's rows": (GainSpec(), PoolSpec(), GainSpec(2.0)),
    }
    return lambda name: dataclasses.replace(LAYERED[name], layers=layers[name])


@pytest.mark.parametrize("name", LAYERED)
def test_a_kind_of_layer_in_a_network(layered: Callable, name: str, tmp_path) -> None:
    shape, parts = layered(name), images()
    assert_gradients(shape, parts[0])
    together = train(shape, MEMBERS, parts, epochs=12)
    assert min(outcome.curve[-1].accuracy for outcome in together) > 0.5
    for member, outcome in zip(MEMBERS, together, strict=True):
        assert bits(outcome) == bits(train(shape, [member], parts, epochs=12)[0])
    flat = parts[0].shift.reshape(-1), parts[0].scale.reshape(-1)
    model = nn.Model(together[0].weights, *flat, ("a", "b", "c"))
    (tmp_path / "m.npz").write_bytes(model.dump())
    again = nn.Model.load(tmp_path / "m.npz")
    assert again.shape == shape
    x = parts[1].x[parts[1].rows]
    np.testing.assert_array_equal(again.predict_proba(x).argmax(1), together[0].predicted)
    assert nn.flops(shape, 1, 60, 1) > 0
    assert nn.best_stack_size(shape) >= 1


def test_names_are_numbered_layer_by_layer(layered: Callable) -> None:
    names = [slot.name for slot in layout(layered("between dense layers")).slots]
    assert names == [
        "layer0.weight", "layer0.bias", "layer0.gain",
        "layer1.weight", "layer1.gamma", "layer1.beta",
        "layer2.weight", "layer2.bias",
    ]  # fmt: skip


def test_layers_in_full_are_the_hidden_sizes() -> None:
    short = nn.Shape(12, (7,), 3, batch_size=16, batch_norm=True)
    layers = (
        nn.FlattenSpec(),
        nn.DenseSpec(7, bias=False),
        nn.BatchNormSpec(),
        nn.ActivationSpec("relu"),
        nn.DropoutSpec(),
    )
    full = dataclasses.replace(short, hidden_sizes=(), layers=layers, example_shape=(4, 3))
    assert short.sizes == full.sizes == (12, 7, 3)
    for one, other in zip(
        train(short, MEMBERS, images()), train(full, MEMBERS, images()), strict=True
    ):
        assert bits(one) == bits(other)


@dataclasses.dataclass(frozen=True)
class UnknownSpec(GainSpec):
    """Not registered."""


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (
            (nn.ActivationSpec("relu"),),
            r"layers\[0\] works in place and would overwrite the inputs",
        ),
        (
            (nn.DenseSpec(4), nn.ActivationSpec("relu"), nn.ActivationSpec("tanh")),
            r"layers\[2\] works in place and would overwrite an activation",
        ),
        ((nn.DenseSpec(0),), "units is 0"),
        ((nn.DenseSpec(4), nn.ActivationSpec("swish")), "'swish' is unknown"),
        ((nn.DenseSpec(4), PoolSpec()), "a height and a width"),
        ((UnknownSpec(),), "UnknownSpec is no registered kind of layer"),
    ],
)
def test_layers_that_make_no_network(layers: tuple, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        nn.Shape(6, (5,), 3, layers=layers)


def test_shapes_of_examples() -> None:
    with pytest.raises(InvalidRequest, match=r"examples of \(2, 2\) do not have 6 values"):
        nn.Shape(6, (), 3, example_shape=(2, 2))
    with pytest.raises(InvalidRequest, match="flatten those of"):
        nn.Shape(6, (), 3, layers=(nn.DenseSpec(4),), example_shape=(2, 3))


def test_an_optimizer_with_a_constant() -> None:
    """Two steps by hand: the sign of an average with the trial's own inertia."""
    shape = nn.Shape(12, (), 3, optimizer="sign", batch_size=60)
    members = [nn.Member(0.25, constants=c) for c in ({}, {"inertia": 0.0}, {"inertia": 0.9})]
    outcomes = train(shape, members, images(), epochs=3)
    flats = [outcome.weights.flat for outcome in outcomes]
    assert not np.array_equal(flats[0], flats[1])
    assert bits(outcomes[0]) == bits(train(shape, [members[0]], images(), epochs=3)[0])
    same = dataclasses.replace(members[0], constants={"inertia": 0.5})
    assert bits(outcomes[0]) == bits(train(shape, [same], images(), epochs=3)[0])
    (start,) = train(shape, [nn.Member(0.0)], images(), epochs=1)
    moved = (flats[1] - start.weights.flat) / 0.25
    np.testing.assert_allclose(moved, np.rint(moved), atol=1e-5)
    assert nn.resident_bytes(shape) == 2 * 4 * 39


@pytest.mark.parametrize(
    ("optimizer", "constants", "says"),
    [
        ("sign", {"inertia": 1.0}, r"inertia 1.0 must lie in \[0, 0.99\]"),
        ("sgd", {"momentum": 0.9}, "sgd has no constant 'momentum'"),
        ("momentum", {"momentum": 1.0}, r"momentum 1.0 must lie in \[0, 0.9999\]"),
        ("momentum", {"momentum": math.nan}, "momentum nan"),
        ("adam", {"beta2": 1.0}, "beta2"),
        ("rmsprop", {"rho": -0.1}, "rho"),
        ("adagrad", {"eps": 0.0}, "eps"),
    ],
)
def test_constants_that_an_optimizer_does_not_take(
    optimizer: str, constants: dict, says: str
) -> None:
    shape = nn.Shape(12, (), 3, optimizer=optimizer)
    with pytest.raises(InvalidRequest, match=says):
        train(shape, [nn.Member(0.1, constants=constants)], images())


def test_constants_of_one_name_are_one_constant() -> None:
    """A search has one hyperparameter of a name."""
    declared: dict[str, nn.Constant] = {}
    for optimizer in nn.OPTIMIZERS.values():
        for constant in optimizer.constants:
            assert declared.setdefault(constant.name, constant) == constant
            assert constant.accepts(constant.default)
    above = nn.Constant("c", 1.0, 0.0, 2.0, above_zero=True)
    assert [above.accepts(value) for value in (0.0, 0.1, 2.0, 2.1)] == [False, True, True, False]
