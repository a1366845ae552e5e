"""Every optimizer, replayed by the formula of its paper in float64, and against torch.optim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.nn.network import Gradients
from hpsearch.nn.parameters import layout
from hpsearch.nn.updates import Coefficients, Updates

SHAPE = {name: nn.Shape(9, (7,), 3, optimizer=name) for name in nn.OPTIMIZERS}
STEPS = 100


@dataclass(frozen=True)
class Trial:
    """A member's learning rate and decay, and its constants for every optimizer."""

    learning_rate: float
    weight_decay: float
    momentum: float
    beta1: float
    beta2: float
    rho: float
    eps: float

    def member(self, optimizer: str) -> nn.Member:
        constants = {c.name: getattr(self, c.name) for c in nn.OPTIMIZERS[optimizer].constants}
        return nn.Member(self.learning_rate, self.weight_decay, constants)


MEMBERS = [
    Trial(0.05, 0.0, momentum=0.5, beta1=0.8, beta2=0.99, rho=0.95, eps=1e-6),
    Trial(0.01, 0.1, momentum=0.9, beta1=0.9, beta2=0.999, rho=0.9, eps=1e-8),
    Trial(0.002, 0.02, momentum=0.0, beta1=0.5, beta2=0.9, rho=0.5, eps=1e-3),
]


class GivenGradients:
    """Stands where a network does, with gradients of our choice instead of its own."""

    def __init__(self, gradients: np.ndarray) -> None:
        self._all = gradients.astype(np.float32)
        self.t = 0

    def gradients(self, tile: slice, out: np.ndarray) -> Gradients:
        given, steps = self, self._all

        class Now(Gradients):
            def compute(self) -> None:
                out[...] = steps[given.t, tile]

        return Now(())


def run(name: str, gradients: np.ndarray, start: np.ndarray, block: int = 32768) -> np.ndarray:
    """(T, P) after the engine's updates with gradients (steps, T, P); MEMBERS sorted as it needs."""
    shape, order = SHAPE[name], [1, 2, 0]
    back = np.argsort(order)
    flat = start[order].astype(np.float32)
    state = np.zeros((nn.OPTIMIZERS[name].states, *flat.shape), np.float32)
    c = Coefficients(shape, [MEMBERS[i].member(name) for i in order], STEPS, flat.dtype)
    source = GivenGradients(gradients[:, order])
    updates = Updates(shape, source, flat, state, c, block=block)
    for t in range(STEPS):
        source.t = t
        c.advance(t / STEPS, t + 1)
        updates.apply()
    return flat[back]


@pytest.fixture
def given() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients (steps, T, P), a start (T, P), and 1 where a value is a weight, not a bias (P,)."""
    draws = np.random.default_rng(4)
    place = layout(SHAPE["sgd"])
    weights = np.zeros(place.size)
    for slot in place.weights:
        weights[slot.place] = 1
    gradients = draws.normal(0.1, 1, (STEPS, len(MEMBERS), place.size))
    gradients[:, :, 3] = 0  # a value that never has a gradient
    return gradients.astype(np.float32), draws.normal(0, 1, (len(MEMBERS), place.size)), weights


def sgd(m: Trial, w: np.ndarray, g: np.ndarray, s: dict, t: int) -> np.ndarray:
    return w - m.learning_rate * g


def momentum(m: Trial, w: np.ndarray, g: np.ndarray, s: dict, t: int) -> np.ndarray:
    s["v"] = m.momentum * s.get("v", 0) + g
    return w - m.learning_rate * s["v"]


def nesterov(m: Trial, w: np.ndarray, g: np.ndarray, s: dict, t: int) -> np.ndarray:
    s["v"] = m.momentum * s.get("v", 0) + g
    return w - m.learning_rate * (g + m.momentum * s["v"])


def adagrad(m: Trial, w: np.ndarray, g: np.ndarray, s: dict, t: int) -> np.ndarray:
    s["h"] = s.get("h", 0) + g**2
    return w - m.learning_rate * g / (np.sqrt(s["h"]) + m.eps)


def rmsprop(m: Trial, w: np.ndarray, g: np.ndarray, s: dict, t: int) -> np.ndarray:
    s["h"] = m.rho * s.get("h", 0) + (1 - m.rho) * g**2
    return w - m.learning_rate * g / (np.sqrt(s["h"]) + m.eps)


def adam(m: Trial, w: np.ndarray, g: np.ndarray, s: dict, t: int) -> np.ndarray:
    s["m"] = m.beta1 * s.get("m", 0) + (1 - m.beta1) * g
    s["h"] = m.beta2 * s.get("h", 0) + (1 - m.beta2) * g**2
    mean, square = s["m"] / (1 - m.beta1**t), s["h"] / (1 - m.beta2**t)
    return w - m.learning_rate * mean / (np.sqrt(square) + m.eps)


FORMULAS: dict[str, Callable] = {
    "sgd": sgd, "momentum": momentum, "nesterov": nesterov, "adagrad": adagrad,
    "rmsprop": rmsprop, "adam": adam, "adamw": adam,
}  # fmt: skip


def test_every_optimizer_has_its_formula() -> None:
    assert FORMULAS.keys() == nn.OPTIMIZERS.keys()


@pytest.mark.parametrize("block", [32768, 100, 33])
@pytest.mark.parametrize("name", FORMULAS)
def test_replayed_by_its_formula(name: str, block: int, given: tuple) -> None:
    gradients, start, weights = given
    wanted = start.astype(np.float32).astype(np.float64)
    for row, member in enumerate(MEMBERS):
        state: dict = {}
        for t in range(STEPS):
            w, g = wanted[row], gradients[t, row].astype(np.float64)
            if name == "adamw":
                w = w - member.learning_rate * member.weight_decay * weights * w
            else:
                g = g + member.weight_decay * weights * w
            wanted[row] = FORMULAS[name](member, w, g, state, t + 1)
    np.testing.assert_allclose(run(name, gradients, start, block), wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_blocks_change_no_bit(name: str, given: tuple) -> None:
    gradients, start, _ = given
    whole = run(name, gradients, start)
    assert all(
        np.array_equal(whole, run(name, gradients, start, block)) for block in (40, 101, 250)
    )


@pytest.mark.parametrize("name", FORMULAS)
def test_against_torch(name: str, given: tuple, torch: ModuleType) -> None:
    gradients, start, weights = given
    reached = run(name, gradients, start)
    decayed = weights == 1
    for row, m in enumerate(MEMBERS):
        make = {
            "sgd": torch.optim.SGD,
            "momentum": lambda p, m=m: torch.optim.SGD(p, momentum=m.momentum),
            "nesterov": lambda p, m=m: torch.optim.SGD(
                p, momentum=m.momentum or 1e-30, nesterov=True
            ),
            "adagrad": lambda p, m=m: torch.optim.Adagrad(p, eps=m.eps),
            "rmsprop": lambda p, m=m: torch.optim.RMSprop(p, alpha=m.rho, eps=m.eps),
            "adam": lambda p, m=m: torch.optim.Adam(p, betas=(m.beta1, m.beta2), eps=m.eps),
            "adamw": lambda p, m=m: torch.optim.AdamW(p, betas=(m.beta1, m.beta2), eps=m.eps),
        }[name]
        values = [
            torch.tensor(start[row, where], dtype=torch.float32) for where in (decayed, ~decayed)
        ]
        optimizer = make([
            {"params": [values[0]], "lr": m.learning_rate, "weight_decay": m.weight_decay},
            {"params": [values[1]], "lr": m.learning_rate, "weight_decay": 0.0},
        ])  # fmt: skip
        for t in range(STEPS):
            for value, where in zip(values, (decayed, ~decayed), strict=True):
                value.grad = torch.tensor(gradients[t, row, where])
            optimizer.step()
        for value, where in zip(values, (decayed, ~decayed), strict=True):
            np.testing.assert_allclose(reached[row, where], value.numpy(), rtol=1e-4, atol=1e-5)


def test_an_optimizer_that_warms_up_is_asked_for_each_update() -> None:
    """Unless it declares that its coefficients take columns, t is one number."""
    asked: list[object] = []

    def warming(rates: nn.Rates, t: nn.optimizers.Steps) -> tuple[np.ndarray, ...]:
        asked.append(t)
        return (rates.learning_rate * min(1.0, t / 100),)

    sgd = nn.OPTIMIZERS["sgd"]
    with nn.OPTIMIZERS.registered("warm", nn.Optimizer(warming, sgd.update, 0, steady=False)):
        members = [nn.Member(rate) for rate in (0.5, 0.25)]
        c = Coefficients(nn.Shape(3, (), 2, optimizer="warm"), members, 5, np.dtype(np.float64))
        for t in range(1, 150):
            c.advance(0.0, t)
            assert c.columns.ravel().tolist() == [0.5 * min(1, t / 100), 0.25 * min(1, t / 100)]
    assert all(type(t) is int for t in asked)
    declared = {name for name, optimizer in nn.OPTIMIZERS.items() if optimizer.columns}
    assert declared == {"adam", "adamw"}
