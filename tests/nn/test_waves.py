"""Waves of the numbers: values, gradient, bits of a trial, and what is no wave."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.nn.buffers import Units
from hpsearch.nn.waves import Waves

from .conftest import make_blobs

SPEC = nn.WavesSpec(numbers=2, count=3, base=0.5, fade=0.75)
SHAPE = nn.Shape(6, (8,), 3, optimizer="adam", batch_size=16, layers=(SPEC,), example_shape=(6,))


def expected(x: np.ndarray, spec: nn.WavesSpec = SPEC) -> np.ndarray:
    """The layer's output (..., U, B), from its formula."""
    parts, waved = [x], x[..., spec.first : spec.first + spec.numbers, :]
    for k in range(spec.count):
        angle, height = spec.base * 2**k * waved, spec.fade**k
        parts += [height * np.cos(angle), height * np.sin(angle)]
    return np.concatenate(parts, axis=-2)


def bound(source: Units, spec: nn.WavesSpec = SPEC) -> Waves:
    shape = spec.plan((source.rows.shape[-2],)).shape
    nothing = np.empty((source.rows.shape[0] if source.rows.ndim == 3 else 2, 0))
    layer = spec.bind(nn.Site(source, (source.rows.shape[-2],), shape, nothing, nothing, nothing))
    assert isinstance(layer, Waves)
    return layer


def test_trials_share_the_waves_of_the_inputs() -> None:
    x = np.random.default_rng(0).normal(size=(4, 7))
    layer = bound(Units.inputs(np.vstack([x, np.ones(7)])))
    layer.forward()
    assert layer.output.rows.ndim == 2
    assert (layer.output.with_ones[-1] == 1).all()
    np.testing.assert_allclose(layer.output.rows, expected(x), rtol=1e-12)
    layer.backward()  # the inputs have no gradient


@pytest.mark.parametrize("first", [0, 2])
def test_the_gradient_behind_another_layer(first: int) -> None:
    spec = dataclasses.replace(SPEC, first=first)
    rng, step = np.random.default_rng(1), 1e-6
    x, along = rng.normal(size=(3, 4, 7)), rng.normal(size=(3, 4, 7))
    source = Units.make(3, 4, 7, np.float64)
    source.rows[...] = x
    layer = bound(source, spec)
    layer.forward()
    np.testing.assert_allclose(layer.output.rows, expected(x, spec), rtol=1e-12)
    weigh = rng.normal(size=layer.output.rows.shape)
    layer.output.d[...] = weigh
    layer.backward()
    ahead, back = expected(x + step * along, spec), expected(x - step * along, spec)
    slope = ((ahead - back) * weigh).sum((1, 2)) / (2 * step)
    np.testing.assert_allclose((source.d * along).sum((1, 2)), slope, rtol=1e-6)


def trained(members: list[nn.Member]) -> list[nn.Outcome]:
    train, validation = make_blobs()
    return nn.train(
        SHAPE, members, train, validation, epochs=3, keep_weights=True,
        order=lambda epoch: np.random.default_rng(epoch).permutation(50),
    )  # fmt: skip


def test_a_trial_has_the_same_bits_alone() -> None:
    members = [
        nn.Member(0.01 * (k + 1), 1e-3 * (k % 2), dropout=0.1 * k, init_key=(k,)) for k in range(4)
    ]
    together = trained(members)
    for member, outcome in zip(members, together, strict=True):
        (alone,) = trained([member])
        assert alone.weights is not None
        assert outcome.weights is not None
        assert alone.weights.flat.tobytes() == outcome.weights.flat.tobytes()
        assert [s.loss for s in alone.curve] == [s.loss for s in outcome.curve]


def test_a_model_with_waves_is_stored_and_predicts_the_same(tmp_path: Path) -> None:
    train, validation = make_blobs()
    (outcome,) = trained([nn.Member(0.02)])
    assert outcome.weights is not None
    model = nn.Model(outcome.weights, train.shift, train.scale, ("a", "b", "c"), {})
    file = tmp_path / "model.npz"
    file.write_bytes(model.dump())
    again = nn.Model.load(file)
    assert again.shape == SHAPE
    values = nn.predict_values(SHAPE, outcome.weights, validation)[0]
    x = validation.x[validation.rows]
    assert np.array_equal(again.predict_values(x), values)


def test_an_option_of_later_is_written_where_it_says_something() -> None:
    """What was stored without it, and its digest, stay as they are."""
    assert nn.layer_to_json(SPEC) == {
        "kind": "waves", "numbers": 2, "count": 3, "base": 0.5, "fade": 0.75,
    }  # fmt: skip
    moved = dataclasses.replace(SPEC, first=3)
    assert nn.layer_to_json(moved) == {**nn.layer_to_json(SPEC), "first": 3}
    shape = dataclasses.replace(SHAPE, layers=(moved,))
    assert nn.Shape.from_json(shape.to_json()) == shape


def test_waves_learn_what_goes_up_and_down() -> None:
    """y = sin(3 x): at equal trainings a network of ReLUs has several times the loss."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-2, 2, (400, 1)).astype(np.float32)
    y = np.sin(3 * x[:, 0]).astype(np.float32)
    rows = np.arange(400, dtype=np.intp)
    one = np.ones(1, np.float32)
    parts = [nn.Examples(x, y, r, 0 * one, one) for r in (rows[:300], rows[300:])]
    losses = []
    for layers in ((), (nn.WavesSpec(numbers=1),)):
        shape = nn.Shape(
            1, (16,), 1, optimizer="adam", loss="squared_error", layers=layers, example_shape=(1,)
        )
        (outcome,) = nn.train(
            shape, [nn.Member(0.01, schedule="cosine")], *parts, epochs=20,
            order=lambda epoch: np.random.default_rng(epoch).permutation(300),
        )  # fmt: skip
        losses.append(outcome.curve[-1].loss)
    assert losses[1] < losses[0] / 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"numbers": 0}, r"numbers is 0; it must lie in 1\.\.6"),
        ({"numbers": 7}, "numbers is 7"),
        ({"first": 5}, r"numbers is 2; it must lie in 1\.\.1"),
        ({"first": 6}, r"first is 6; it must lie in 0\.\.5"),
        ({"first": -1}, "first is -1"),
        ({"count": 9}, "count is 9"),
        ({"base": 0.0}, "base is 0.0"),
        ({"fade": 1.5}, "fade is 1.5"),
    ],
)
def test_options_that_make_no_waves(options: dict, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        dataclasses.replace(SHAPE, layers=(dataclasses.replace(SPEC, **options),)).plans  # noqa: B018
    with pytest.raises(InvalidRequest, match="flatten"):
        nn.Shape(6, (), 3, layers=(SPEC,), example_shape=(2, 3))
