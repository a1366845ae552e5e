"""Optimizers on blocks of a stack's parameters, in place.

w   parameters (R, K): R trials, K of their values       eta      learning rate
g   gradient of the mean loss, overwritten               lambda   weight decay
v, m, h   state, shaped like w                           mu       momentum
t   updates made, this one included                      rho, beta1, beta2, eps   as in the papers

An optimizer declares its own constants (mu, beta1, ...); each trial has its own values of them.
With the learning rate they reach `update` as coefficients, columns (R, 1) computed in float64 by
`coefficients`. Moving averages are kept divided by (1 - beta), which saves a pass over memory:
m' = beta m' + g in place of m = beta m + (1 - beta) g; the coefficients make up for it. Passes
over the block are what an update costs, so the formulas are arranged to need few.

Weight decay is part of the gradient, g + lambda w (the 1/2 lambda W² convention), unless a rule is
`decoupled`: then w -= eta lambda w beside it, which for plain SGD is the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.arrays import Array, Vector
from hpsearch.registry import Registry

Columns: TypeAlias = tuple[Array, ...]
Steps: TypeAlias = int | NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of an optimizer, searchable under its name; bounds are inclusive.

    Optimizers that have a constant of one name in common declare the same one.
    """

    name: str
    default: float
    low: float
    high: float
    above_zero: bool = False

    def accepts(self, value: float) -> bool:
        """Tell if a trial may have this value."""
        return self.low <= value <= self.high and (value > 0 or not self.above_zero)


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """A stack's learning rates, weight decays and constants by name: (T,) each."""

    learning_rate: Vector
    weight_decay: Vector
    constants: Mapping[str, Vector]


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A rule without memory of its own: a block may be any part of any stack.

    coefficients(rates, t): the (T,) vectors that step t (an int from 1) needs.
    update(w, g, state, coefficients as columns, spare): one step; `spare` is scratch like w.
    states: how many arrays of the parameters' size it keeps, zero at first.
    constants: those that differ per trial, beside learning rate and weight decay.
    steady: the coefficients do not depend on t.
    columns: t may be a column (n, 1) of steps from 3 on, too, with answers (T,) or (n, T), to the bit those
        of each step; then they are computed for many updates at once.
    """

    coefficients: Callable[[Rates, Steps], tuple[Vector, ...]]
    update: Callable[[Array, Array, Columns, Columns, Array], None]
    states: int
    constants: tuple[Constant, ...] = ()
    steady: bool = True
    decoupled: bool = False
    columns: bool = False


def _sgd(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """SGD: w -= eta g."""
    (eta,) = c
    np.multiply(g, eta, g)
    np.subtract(w, g, w)


def _sgd_coefficients(r: Rates, t: Steps) -> tuple[Vector, ...]:
    return (r.learning_rate,)


def _momentum(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """Momentum (Polyak 1964): v = mu v + g; w -= eta v. The rate is outside v, as in torch."""
    (v,), (eta, mu) = state, c
    np.multiply(v, mu, v)
    np.add(v, g, v)
    np.multiply(v, eta, g)
    np.subtract(w, g, w)


def _momentum_coefficients(r: Rates, t: Steps) -> tuple[Vector, ...]:
    return (r.learning_rate, r.constants["momentum"])


def _nesterov(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """Nesterov (Sutskever et al. 2013, as in torch): v = mu v + g; w -= eta (g + mu v)."""
    (v,), (eta, mu, eta_mu) = state, c
    np.multiply(v, mu, v)
    np.add(v, g, v)
    np.multiply(g, eta, g)
    np.subtract(w, g, w)
    np.multiply(v, eta_mu, g)
    np.subtract(w, g, w)


def _nesterov_coefficients(r: Rates, t: Steps) -> tuple[Vector, ...]:
    mu = r.constants["momentum"]
    return (r.learning_rate, mu, r.learning_rate * mu)


def _adagrad(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """AdaGrad: h += g²; w -= eta g / (sqrt(h) + eps) (Duchi et al. 2011)."""
    (h,), (eta, eps) = state, c
    np.multiply(g, g, spare)
    np.add(h, spare, h)
    np.sqrt(h, spare)
    np.add(spare, eps, spare)
    np.divide(g, spare, g)
    np.multiply(g, eta, g)
    np.subtract(w, g, w)


def _adagrad_coefficients(r: Rates, t: Steps) -> tuple[Vector, ...]:
    return (r.learning_rate, r.constants["eps"])


def _rmsprop(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """RMSProp: h = rho h + (1 - rho) g²; w -= eta g / (sqrt(h) + eps) (Tieleman, Hinton 2012).

    With h' = h / (1 - rho) and s = sqrt(1 - rho): w -= (eta / s) g / (sqrt(h') + eps / s).
    """
    (h,), (eta_s, rho, eps_s) = state, c
    np.multiply(g, g, spare)
    np.multiply(h, rho, h)
    np.add(h, spare, h)
    np.sqrt(h, spare)
    np.add(spare, eps_s, spare)
    np.divide(g, spare, g)
    np.multiply(g, eta_s, g)
    np.subtract(w, g, w)


def _rmsprop_coefficients(r: Rates, t: Steps) -> tuple[Vector, ...]:
    rho = r.constants["rho"]
    s = np.sqrt(1.0 - rho)
    return (r.learning_rate / s, rho, r.constants["eps"] / s)


def _adam(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """Adam with bias correction (Kingma and Ba 2015, algorithm 1).

    m = beta1 m + (1 - beta1) g;  h = beta2 h + (1 - beta2) g²
    w -= eta (m / (1 - beta1^t)) / (sqrt(h / (1 - beta2^t)) + eps)

    With m' = m / (1 - beta1), h' = h / (1 - beta2) and s = sqrt((1 - beta2) / (1 - beta2^t)):
    w -= a m' / (sqrt(h') + eps / s)  where  a = eta (1 - beta1) / ((1 - beta1^t) s).
    """
    (m, h), (a, beta1, beta2, eps_s) = state, c
    np.multiply(m, beta1, m)
    np.add(m, g, m)
    np.multiply(g, g, g)
    np.multiply(h, beta2, h)
    np.add(h, g, h)
    np.sqrt(h, g)
    np.add(g, eps_s, g)
    np.divide(m, g, g)
    np.multiply(g, a, g)
    np.subtract(w, g, w)


def _adam_coefficients(r: Rates, t: Steps) -> tuple[Vector, ...]:
    beta1, beta2 = r.constants["beta1"], r.constants["beta2"]
    s = np.sqrt((1.0 - beta2) / (1.0 - beta2**t))
    a = r.learning_rate * (1.0 - beta1) / ((1.0 - beta1**t) * s)
    return (a, beta1, beta2, r.constants["eps"] / s)


MOMENTUM = Constant("momentum", 0.9, 0, 0.9999)
BETA1 = Constant("beta1", 0.9, 0, 0.9999)
BETA2 = Constant("beta2", 0.999, 0, 0.999999)
RHO = Constant("rho", 0.9, 0, 0.999999)
EPS = Constant("eps", 1e-8, 1e-30, 0.999999)
_ADAM = (BETA1, BETA2, EPS)

OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    {
        "sgd": Optimizer(_sgd_coefficients, _sgd, 0, decoupled=True),
        "momentum": Optimizer(_momentum_coefficients, _momentum, 1, (MOMENTUM,)),
        "nesterov": Optimizer(_nesterov_coefficients, _nesterov, 1, (MOMENTUM,)),
        "adam": Optimizer(_adam_coefficients, _adam, 2, _ADAM, steady=False, columns=True),
        # Loshchilov and Hutter 2019, algorithm 2, as torch has it
        "adamw": Optimizer(
            _adam_coefficients, _adam, 2, _ADAM, steady=False, decoupled=True, columns=True
        ),
        "adagrad": Optimizer(_adagrad_coefficients, _adagrad, 1, (EPS,)),
        "rmsprop": Optimizer(_rmsprop_coefficients, _rmsprop, 1, (RHO, EPS)),
    },
)
