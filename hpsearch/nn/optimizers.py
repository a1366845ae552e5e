"""Optimizers on blocks of a stack's parameters, in place.

w   parameters (R, K): R trials, K of their values       eta      learning rate
g   gradient of the mean loss, overwritten               lambda   weight decay
v, m, h   state, shaped like w                           mu       momentum
t   updates made, this one included                      rho, beta1, beta2, eps   as in the papers

All constants differ per trial: they reach a rule as columns (R, 1), computed in float64 by its
`constants`. Moving averages are kept divided by (1 - beta), which saves a pass over memory:
m' = beta m' + g in place of m = beta m + (1 - beta) g; the constants make up for it. Passes over
the block are what an update costs, so the formulas are arranged to need few.

Weight decay is part of the gradient, g + lambda w (the 1/2 lambda W² convention), unless a rule is
`decoupled`: then w -= eta lambda w beside it, which for plain SGD is the same thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]
Columns = tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """The optimizer constants of a stack, one value per trial: (T,) each."""

    learning_rate: Vector
    weight_decay: Vector
    momentum: Vector
    beta1: Vector
    beta2: Vector
    rho: Vector
    eps: Vector


@dataclass(frozen=True, slots=True)
class Optimizer:
    """One rule, without memory of its own: a block may be any part of any stack.

    constants(rates, t): the (T,) vectors that step t needs.
    update(w, g, state, constants as columns, spare): one step; `spare` is scratch like w.
    states: how many arrays of the parameters' size it keeps, zero at first.
    steady: the constants do not depend on t.
    """

    constants: Callable[[Rates, int], tuple[Vector, ...]]
    update: Callable[[Array, Array, Columns, Columns, Array], None]
    states: int
    steady: bool = True
    decoupled: bool = False


def _sgd(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """SGD: w -= eta g."""
    (eta,) = c
    np.multiply(g, eta, g)
    np.subtract(w, g, w)


def _sgd_constants(r: Rates, t: int) -> tuple[Vector, ...]:
    return (r.learning_rate,)


def _momentum(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """Momentum (Polyak 1964): v = mu v + g; w -= eta v. The rate is outside v, as in torch."""
    (v,), (eta, mu) = state, c
    np.multiply(v, mu, v)
    np.add(v, g, v)
    np.multiply(v, eta, g)
    np.subtract(w, g, w)


def _momentum_constants(r: Rates, t: int) -> tuple[Vector, ...]:
    return (r.learning_rate, r.momentum)


def _nesterov(w: Array, g: Array, state: Columns, c: Columns, spare: Array) -> None:
    """Nesterov (Sutskever et al. 2013, as in torch): v = mu v + g; w -= eta (g + mu v)."""
    (v,), (eta, mu, eta_mu) = state, c
    np.multiply(v, mu, v)
    np.add(v, g, v)
    np.multiply(g, eta, g)
    np.subtract(w, g, w)
    np.multiply(v, eta_mu, g)
    np.subtract(w, g, w)


def _nesterov_constants(r: Rates, t: int) -> tuple[Vector, ...]:
    return (r.learning_rate, r.momentum, r.learning_rate * r.momentum)


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


def _adagrad_constants(r: Rates, t: int) -> tuple[Vector, ...]:
    return (r.learning_rate, r.eps)


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


def _rmsprop_constants(r: Rates, t: int) -> tuple[Vector, ...]:
    s = np.sqrt(1.0 - r.rho)
    return (r.learning_rate / s, r.rho, r.eps / s)


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


def _adam_constants(r: Rates, t: int) -> tuple[Vector, ...]:
    s = np.sqrt((1.0 - r.beta2) / (1.0 - r.beta2**t))
    a = r.learning_rate * (1.0 - r.beta1) / ((1.0 - r.beta1**t) * s)
    return (a, r.beta1, r.beta2, r.eps / s)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(_sgd_constants, _sgd, states=0, decoupled=True),
    "momentum": Optimizer(_momentum_constants, _momentum, states=1),
    "nesterov": Optimizer(_nesterov_constants, _nesterov, states=1),
    "adagrad": Optimizer(_adagrad_constants, _adagrad, states=1),
    "rmsprop": Optimizer(_rmsprop_constants, _rmsprop, states=1),
    "adam": Optimizer(_adam_constants, _adam, states=2, steady=False),
    # Loshchilov and Hutter 2019, algorithm 2, as torch has it
    "adamw": Optimizer(_adam_constants, _adam, states=2, steady=False, decoupled=True),
}
