"""An optimizer with a constant of its own, which is searched: steps along the gradient's sign."""

from __future__ import annotations

import numpy as np

from growth.service import LOG_RATE, SMALL, Service
from hpsearch import nn
from hpsearch.nn.arrays import Array, Vector
from hpsearch.nn.optimizers import Columns


def update(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """w -= eta g / (|g| + softness)."""
    eta, softness = c
    np.abs(g, spare)
    np.add(spare, softness, spare)
    np.divide(g, spare, g)
    np.multiply(g, eta, g)
    np.subtract(w, g, w)


def coefficients(rates: nn.Rates, t: int) -> tuple[Vector, ...]:
    return rates.learning_rate, rates.constants["softness"]


SOFTNESS = nn.Constant("softness", 0.01, 0.0, 1e9, above_zero=True)
SIGN = nn.Optimizer(coefficients, update, states=0, constants=(SOFTNESS,))


def test_an_optimizer_trains_and_its_constant_is_searched(grown: Service) -> None:
    asked = {"low": 1e-3, "high": 1e6, "scale": "log"}
    spec = {
        **SMALL,
        "model": {**SMALL["model"], "optimizer": "sign"},
        "space": {"learning_rate": LOG_RATE, "softness": asked},
        "trials_per_round": 16,
    }
    with grown.added(nn.OPTIMIZERS, "sign", SIGN, spec, "model.optimizer") as ended:
        assert '"softness"' in grown.document()
        assert ended.spec["model"]["optimizer"] == "sign"
        drawn = [trial["params"]["softness"] for trial in ended.searched if trial["round"] == 1]
        assert min(drawn) < 1 < 1e3 < max(drawn)
        best = ended.result["ranges"]["softness"]
        assert best["asked"]["high"] == 1e6
        assert best["high"] < 1e6  # where the steps are too short to learn
        assert ended.result["recommended"]["params"]["softness"] < 1e4
        assert ended.result["test"]["accuracy"] > 0.7
        assert grown.replayed(ended.id, training=True) == []
    assert '"softness"' not in grown.document()


def test_a_constant_that_no_trial_changes(grown: Service) -> None:
    spec = {**SMALL, "model": {**SMALL["model"], "optimizer": "sign", "softness": 1e9}}
    with grown.added(nn.OPTIMIZERS, "sign", SIGN, spec, "model.softness") as ended:
        assert ended.spec["model"]["softness"] == 1e9
        first, last = ended.in_full[0]["curve"][0], ended.in_full[0]["curve"][-1]
        assert abs(first[1] - last[1]) < 1e-4  # nothing moves


def test_it_can_be_searched_as_well(grown: Service) -> None:
    spec = {
        "dataset": "blobs", "epochs": {"first": 1, "last": 2}, "final": {"epochs": 2, "models": 1},
        "space": {"optimizer": {"choices": ["sgd", "sign"]}}, "rounds": 1, "trials_per_round": 32,
    }  # fmt: skip
    with grown.added(nn.OPTIMIZERS, "sign", SIGN, spec, "space.optimizer.choices[1]") as ended:
        assert {trial["params"]["optimizer"] for trial in ended.searched} == {"sgd", "sign"}
        assert "softness" not in ended.spec["model"]
