"""The peers of the tables' benchmark: each proposes grid indices, one after the other.

Defaults throughout, all seeded. Optuna's samplers see integers (the grid is even in each
axis's own scale); bayesian-optimization sees the continuous cube of indices.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.search.hpobench import AXES, LEVELS, levels_of
from hpsearch.arrays import Floats

Evaluate = Callable[[Floats], float]  # grid indices (5,) -> one noisy accuracy
Peer = Callable[[Evaluate, int, int], None]


def random(evaluate: Evaluate, n: int, seed: int) -> None:
    """Independent draws."""
    for row in levels_of(np.random.default_rng(seed).random((n, len(LEVELS)))):
        evaluate(row)


def sobol(evaluate: Evaluate, n: int, seed: int) -> None:
    """A scrambled Sobol sequence."""
    from scipy.stats import qmc

    engine = qmc.Sobol(len(LEVELS), scramble=True, rng=np.random.default_rng(seed))
    for row in levels_of(engine.random_base2(int(np.ceil(np.log2(n))))[:n]):
        evaluate(row)


def _optuna(evaluate: Evaluate, n: int, sampler: Any) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(n):
        trial = study.ask()
        row = [
            trial.suggest_int(axis.name, 0, count - 1)
            for axis, count in zip(AXES, LEVELS, strict=True)
        ]
        study.tell(trial, evaluate(np.array(row)))


def tpe(evaluate: Evaluate, n: int, seed: int) -> None:
    """Optuna's TPE."""
    from optuna.samplers import TPESampler

    _optuna(evaluate, n, TPESampler(seed=seed))


def gp(evaluate: Evaluate, n: int, seed: int) -> None:
    """Optuna's GPSampler."""
    from optuna.samplers import GPSampler

    _optuna(evaluate, n, GPSampler(seed=seed))


def cma_es(evaluate: Evaluate, n: int, seed: int) -> None:
    """Optuna's CMA-ES with margin, its variant for integers."""
    from optuna.samplers import CmaEsSampler

    _optuna(evaluate, n, CmaEsSampler(seed=seed, with_margin=True))


def domain_reduction(evaluate: Evaluate, n: int, seed: int) -> None:
    """bayesian-optimization with its sequential domain reduction.

    Its process is told that the values are noisy (alpha), and its window keeps one level.
    """
    from bayes_opt import BayesianOptimization, SequentialDomainReductionTransformer

    names = [axis.name for axis in AXES]

    def value(**places: float) -> float:
        return evaluate(np.array([
            min(int(places[name]), count - 1) for name, count in zip(names, LEVELS, strict=True)
        ]))  # fmt: skip

    optimizer = BayesianOptimization(
        f=value,
        pbounds={name: (0.0, float(count)) for name, count in zip(names, LEVELS, strict=True)},
        random_state=seed,
        verbose=0,
        bounds_transformer=SequentialDomainReductionTransformer(minimum_window=1.0),
        allow_duplicate_points=True,
    )
    optimizer.set_gp_params(alpha=1e-2)
    with contextlib.redirect_stdout(io.StringIO()):  # it reports duplicates in spite of verbose=0
        optimizer.maximize(init_points=10, n_iter=n - 10)


PEERS: Mapping[str, Peer] = {
    "random": random,
    "Sobol": sobol,
    "Optuna TPE": tpe,
    "Optuna CMA-ES": cma_es,
    "Optuna GPSampler": gp,
    "bayesian-optimization + SDR": domain_reduction,
}
