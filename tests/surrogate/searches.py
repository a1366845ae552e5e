"""Small searches for the tests of the surrogate: a space with every kind of dimension, a truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.space import Choices, Params, Range, Space
from hpsearch.surrogate.constants import Constants
from hpsearch.surrogate.rows import Rows
from hpsearch.trials import Observation, TrialState

LEVELS = ("he", "normal", "xavier")
MIXED = Space(
    {
        "batch_size": Range(low=8, high=256, scale="log", integer=True),
        "dropout": Range(low=0.0, high=0.5),
        "initializer": Choices(choices=LEVELS),
        "learning_rate": Range(low=1e-5, high=1.0, scale="log"),
    },
    frozenset({"batch_size"}),
)
SQUARE = Space({"dropout": Range(low=0.0, high=1.0), "momentum": Range(low=0.0, high=1.0)})
FULL = 16  # epochs

Truth = Callable[[Params, int], float]


def constants(hyperparameters: int = 2, **changed: object) -> Constants:
    """Constants of ordinary size."""
    fields: dict[str, object] = {
        "variance": 0.7, "noise": 0.02, "delta": 0.8, "offset": 0.4,
        "lengths": np.linspace(0.4, 0.9, hyperparameters), "persistence": 0.3, "span": 1.5, "trend": 0.2,
        "seed": 0.03, "rho": np.array([1.0, 0.6, 0.3]),
    }  # fmt: skip
    return Constants(**{**fields, **changed})  # type: ignore[arg-type]


def rows(n: int, seed: int = 0, *, width: int = 2, epochs: bool = True, sources: int = 2) -> Rows:
    """Rows of about n / 2 trials, at two epochs each where `epochs`."""
    rng = np.random.default_rng(seed)
    trials = np.arange(n) // 2 if epochs else np.arange(n)
    places = rng.random((n, width))[trials]
    at = np.log(2.0 ** (1 + np.arange(n) % 2)) if epochs else np.full(n, math.log(8.0))
    return Rows(
        places, at, rng.normal(0.8, 0.1, n), trials, trials % (sources + 1), np.full(n, math.nan)
    )


def draw(rng: np.random.Generator) -> Params:
    """A trial of `MIXED`."""
    return {
        "batch_size": int(2 ** rng.integers(3, 9)),
        "dropout": float(rng.uniform(0.0, 0.5)),
        "initializer": str(rng.choice(LEVELS)),
        "learning_rate": float(10 ** rng.uniform(-5.0, 0.0)),
    }


def truth(params: Params, epochs: int) -> float:
    """Best at a learning rate of 0.01, better without `he`; more epochs help."""
    rate = math.log10(float(params["learning_rate"]))  # type: ignore[arg-type]
    level = 0.05 * (params["initializer"] == "he")
    return 0.92 - 0.03 * (rate + 2.0) ** 2 - level - 0.1 * float(params["dropout"]) ** 2 - 0.3 / epochs  # type: ignore[arg-type]  # fmt: skip


def observed(
    params: Params,
    index: int,
    scores: Sequence[tuple[int, float]],
    *,
    round: int = 1,
    source: int = 0,
) -> Observation:
    """A completed trial with these (epoch, score)."""
    epochs, score = scores[-1]
    return Observation(round, index, params, TrialState.COMPLETED, epochs, 0, 0, 1.0, score,
                       tuple(scores), source)  # fmt: skip


def diverged(params: Params, index: int) -> Observation:
    """A trial whose loss was not finite."""
    return Observation(1, index, params, TrialState.DIVERGED, 1, 0, 100, None)


def search(
    n: int,
    seed: int = 0,
    *,
    noise: float = 0.005,
    function: Truth = truth,
    source: int = 0,
    rungs: Sequence[int] = (FULL,),
    place: Callable[[np.random.Generator], Params] = draw,
) -> list[Observation]:
    """`n` random trials; each keeps its seed's luck over the rungs, and a random one is its last."""
    rng = np.random.default_rng([seed, source])
    found = []
    for i in range(n):
        params = place(rng)
        luck = noise * rng.standard_normal()
        last = int(rng.integers(1, len(rungs) + 1))
        scores = [(e, function(params, e) + luck) for e in rungs[:last]]
        found.append(observed(params, i, scores, source=source))
    return found


def square(rng: np.random.Generator) -> Params:
    """A trial of `SQUARE`."""
    return {"dropout": float(rng.random()), "momentum": float(rng.random())}


def bowl(params: Params, epochs: int) -> float:
    """One maximum of 1 at (0.3, 0.6)."""
    a, b = float(params["dropout"]), float(params["momentum"])  # type: ignore[arg-type]
    return 1.0 - (a - 0.3) ** 2 - 0.5 * (b - 0.6) ** 2
