"""The peers of the fidelity benchmark, each driving the same simulated trainer.

Defaults throughout, all seeded. Hyperband and ASHA train 1, 3, 9, 27 and 52 epochs (a
reduction of 3). The syne-tune schedulers see the unit cube, for its density estimate knows no
logarithmic scale.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.search.lcbench import AXES, FULL
from benchmarks.search.trainer import Trainer

RUNGS = (1, 3, 9, 27, FULL)
Peer = Callable[[Trainer, int], None]


def random(trainer: Trainer, seed: int) -> None:
    """Independent draws, all trained in full."""
    rng = np.random.default_rng(seed)
    while True:
        trainer.observe(trainer.start(rng.random(trainer.dimensions)), FULL)


def place(trial: Any) -> np.ndarray:
    """The place that an Optuna trial suggests, each axis in its own scale and kind."""
    units = []
    for axis in AXES:
        if axis.integer:
            value = trial.suggest_int(axis.name, int(axis.low), int(axis.high), log=axis.log)
        else:
            value = trial.suggest_float(axis.name, axis.low, axis.high, log=axis.log)
        units.append(float(axis.units(np.asarray(value))))
    return np.array(units)


def _study(sampler: Any, pruner: Any = None) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)


def _full_trainings(trainer: Trainer, sampler: Any) -> None:
    study = _study(sampler)
    while True:
        trial = study.ask()
        study.tell(trial, trainer.observe(trainer.start(place(trial)), FULL))


def tpe(trainer: Trainer, seed: int) -> None:
    """Optuna's TPE, full trainings."""
    from optuna.samplers import TPESampler

    _full_trainings(trainer, TPESampler(seed=seed))


def gp(trainer: Trainer, seed: int) -> None:
    """Optuna's GPSampler, full trainings; it is told when there is no noise."""
    from optuna.samplers import GPSampler

    sampler = GPSampler(seed=seed, deterministic_objective=trainer.noise == 0)
    _full_trainings(trainer, sampler)


def tpe_hyperband(trainer: Trainer, seed: int) -> None:
    """Optuna's TPE with its HyperbandPruner."""
    import optuna

    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=FULL, reduction_factor=3)
    study = _study(optuna.samplers.TPESampler(seed=seed), pruner)
    while True:
        trial = study.ask()
        number = trainer.start(place(trial))
        for epochs in RUNGS:
            value = trainer.observe(number, epochs)
            trial.report(value, epochs)
            if epochs < FULL and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, value)


def asha(trainer: Trainer, seed: int) -> None:
    """syne-tune's asynchronous successive halving on one worker."""
    from syne_tune.optimizer.baselines import ASHA

    _scheduled(trainer, seed, ASHA)


def bohb(trainer: Trainer, seed: int) -> None:
    """syne-tune's BOHB: ASHA with a density estimate in place of random draws."""
    from syne_tune.optimizer.baselines import BOHB

    _scheduled(trainer, seed, BOHB)


def _scheduled(trainer: Trainer, seed: int, scheduler: Any) -> None:
    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import uniform
    from syne_tune.optimizer.scheduler import SchedulerDecision

    np.random.seed(seed)  # the package draws from the global generator too
    space = {axis.name: uniform(0.0, 1.0) for axis in AXES}
    chosen = scheduler(
        space, metric="accuracy", time_attr="epoch", max_t=FULL, do_minimize=False,
        random_seed=seed,
    )  # fmt: skip
    while True:
        config = chosen.suggest().config
        number = trainer.start(np.array([config[axis.name] for axis in AXES]))
        trial = Trial(number, config, dt.datetime.fromtimestamp(0, dt.UTC))
        chosen.on_trial_add(trial)
        for epochs in RUNGS:
            value = trainer.observe(number, epochs)
            decision = chosen.on_trial_result(trial, {"accuracy": value, "epoch": epochs})
            if decision == SchedulerDecision.STOP:
                break
        chosen.on_trial_remove(trial)


PEERS: Mapping[str, Peer] = {
    "random": random,
    "Optuna TPE": tpe,
    "Optuna TPE + Hyperband": tpe_hyperband,
    "ASHA": asha,
    "Optuna GPSampler": gp,
    "BOHB-like": bohb,
}
