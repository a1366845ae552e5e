"""How each peer is driven: its own names for ranges, its own loop, its own recommendation.

An adapter asks its package, has the trial trained (`talk.score`), and tells the package, until the
budget is spent. Keyword arguments beside the seed are those of the list (`listed.py`): what stands
there is what the package was told beyond its defaults.
"""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import math
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RUNGS = (1, 3, 9, 27)  # and the full training


class Spent(Exception):  # the usual end of a search
    """The budget does not hold the training that was asked for."""


@dataclass(frozen=True)
class Adapter:
    """A loop, and the modules that it imports, so that they can be loaded before."""

    run: Callable[..., None]
    modules: Sequence[str] = ()

    def load(self) -> None:
        """Import what the loop will import."""
        for name in self.modules:
            importlib.import_module(name)
        if "torch" in self.modules:
            importlib.import_module("torch").set_num_threads(1)


def _drawn(axes: Mapping[str, Any], rng: random.Random) -> dict[str, float]:
    values = {}
    for name, (low, high, log, whole) in axes.items():
        unit = rng.random()
        value = low * (high / low) ** unit if log else low + unit * (high - low)
        values[name] = round(value) if whole else value
    return values


def by_chance(talk: Any, seed: int, *, epochs: int | None = None) -> None:
    """Independent draws, each trained for `epochs`, or in full; the best score wins."""
    rng, best, number = random.Random(seed), -math.inf, 0
    while True:
        params = _drawn(talk.axes, rng)
        score = talk.score(number, params, epochs or talk.full)
        if score > best:
            best, talk.best = score, lambda params=params: params
        number += 1


def _suggested(trial: Any, axes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: trial.suggest_int(name, int(low), int(high), log=log)
        if whole
        else trial.suggest_float(name, low, high, log=log)
        for name, (low, high, log, whole) in axes.items()
    }


def optuna(talk: Any, seed: int, *, sampler: str, **options: Any) -> None:
    """Optuna, full trainings."""
    import optuna as package

    package.logging.set_verbosity(package.logging.ERROR)
    chosen = getattr(package.samplers, sampler)(seed=seed, **options)
    study = package.create_study(direction="maximize", sampler=chosen)
    talk.best = lambda: study.best_params
    while True:
        trial = study.ask()
        study.tell(trial, talk.score(trial.number, _suggested(trial, talk.axes), talk.full))


def optuna_hyperband(talk: Any, seed: int) -> None:
    """Optuna's TPE with its HyperbandPruner, looked at after 1, 3, 9, 27 and all epochs."""
    import optuna as package

    package.logging.set_verbosity(package.logging.ERROR)
    pruner = package.pruners.HyperbandPruner(
        min_resource=1, max_resource=talk.full, reduction_factor=3
    )
    sampler = package.samplers.TPESampler(seed=seed)
    # The pruner assigns a trial to its bracket by the study's name, which is random otherwise.
    study = package.create_study(
        study_name="benchmark", direction="maximize", sampler=sampler, pruner=pruner
    )
    seen: dict[int, tuple[int, float, dict[str, Any]]] = {}  # trial -> epochs, score, params
    # Before a trial has ended in full the study itself has no best.
    talk.best = lambda: max(seen.values(), key=lambda one: one[:2])[2]
    while True:
        trial = study.ask()
        params = _suggested(trial, talk.axes)
        for epochs in (*[r for r in RUNGS if r < talk.full], talk.full):
            value = talk.score(trial.number, params, epochs)
            seen[trial.number] = (epochs, value, params)
            trial.report(value, epochs)
            if epochs < talk.full and trial.should_prune():
                study.tell(trial, state=package.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, value)


def rustuna(talk: Any, seed: int) -> None:
    """Rustuna's TPE, full trainings."""
    import rustuna as package

    sampler = package.samplers.TPESampler(seed=seed)
    study = package.create_study(direction="maximize", sampler=sampler)
    talk.best = lambda: study.best_trial.params
    while True:
        trial = study.ask()
        score = talk.score(trial.number, _suggested(trial, talk.axes), talk.full)
        study.tell(trial.number, score)


def domain_reduction(talk: Any, seed: int, *, init_points: int = 5) -> None:
    """bayesian-optimization with its sequential domain reduction, full trainings.

    Its loop of `maximize()` in the form of ask and tell: there alone the bounds would be moved. It
    knows no logarithmic and no whole ranges, so it sees logarithms, and values are rounded.
    """
    from bayes_opt import BayesianOptimization, SequentialDomainReductionTransformer
    from bayes_opt.exception import NotUniqueError

    bounds = {
        name: (math.log(low), math.log(high)) if log else (low, high)
        for name, (low, high, log, _) in talk.axes.items()
    }

    def back(point: Mapping[str, float]) -> dict[str, float]:
        values = {}
        for name, (low, high, log, whole) in talk.axes.items():
            value = math.exp(point[name]) if log else point[name]
            values[name] = min(max(round(value) if whole else value, low), high)
        return values

    reduction = SequentialDomainReductionTransformer()
    optimizer = BayesianOptimization(
        f=None, pbounds=bounds, bounds_transformer=reduction, random_state=seed, verbose=0
    )
    starts = optimizer.random_sample(init_points)
    talk.best = lambda: back(optimizer.max["params"])
    number = 0
    while True:
        point = starts.pop(0) if starts else optimizer.suggest()
        score = talk.score(number, back(point), talk.full)
        number += 1
        try:
            optimizer.register(point, score)
        except NotUniqueError:
            continue  # it refuses a place that it has proposed before: that training is lost
        if len(optimizer.space) > init_points:
            optimizer.set_bounds(reduction.transform(optimizer.space))


def smac(talk: Any, seed: int, *, facade: str, budgets: bool = False, **scenario: Any) -> None:
    """SMAC3 by one of its facades; PYTHONHASHSEED must be set for it to repeat itself."""
    import smac as package
    from ConfigSpace import ConfigurationSpace, Float, Integer
    from smac.runhistory.dataclasses import TrialValue

    seed %= 2**31
    space = ConfigurationSpace(seed=seed)
    space.add([
        Integer(name, (int(low), int(high)), log=log) if whole else Float(name, (low, high), log=log)
        for name, (low, high, log, whole) in talk.axes.items()
    ])  # fmt: skip
    if budgets:
        scenario |= {"max_budget": talk.full}
    with tempfile.TemporaryDirectory() as folder:
        chosen = getattr(package, facade)(
            package.Scenario(space, output_directory=folder, seed=seed, **scenario),
            lambda config, seed=0, budget=None: 0.0,  # noqa: ARG005  # it is told, never called
            overwrite=True,
            logging_level=False,
        )
        talk.best = lambda: _incumbent(chosen)
        while True:
            info = chosen.ask()
            params = dict(info.config)
            epochs = talk.full if info.budget is None else round(info.budget)
            trial = (tuple(sorted(params.items())), info.seed)
            chosen.tell(info, TrialValue(cost=-talk.score(trial, params, epochs)))


def _incumbent(chosen: Any) -> dict[str, Any]:
    """The incumbent; the lowest cost of the highest budget before there is one."""
    incumbents = chosen.intensifier.get_incumbents()
    if len(incumbents) == 1:
        return dict(incumbents[0])
    history = chosen.runhistory
    rows = [(-(k.budget or 0), v.cost, k.config_id) for k, v in history.items()]
    return dict(history.get_config(min(rows)[2]))


def ax(talk: Any, seed: int) -> None:
    """Ax by its client, full trainings; its best by its own model."""
    from ax.api.client import Client
    from ax.api.configs import RangeParameterConfig

    client = Client(random_seed=seed)
    client.configure_experiment(parameters=[
        RangeParameterConfig(
            name=name, bounds=(low, high), parameter_type="int" if whole else "float",
            scaling="log" if log else "linear",
        )
        for name, (low, high, log, whole) in talk.axes.items()
    ])  # fmt: skip
    client.configure_optimization(objective="score")
    talk.best = lambda: client.get_best_parameterization()[0]
    while True:
        ((index, params),) = client.get_next_trials(max_trials=1).items()
        client.complete_trial(index, raw_data={"score": talk.score(index, params, talk.full)})


def hebo(talk: Any, seed: int) -> None:
    """HEBO, full trainings; the global generators are seeded, for it draws from them."""
    import numpy as np
    import torch
    from hebo.design_space.design_space import DesignSpace
    from hebo.optimizers.hebo import HEBO

    kinds = {(1, 1): "pow_int", (1, 0): "pow", (0, 1): "int", (0, 0): "num"}
    np.random.seed(seed % 2**32)  # the generator that it draws from
    torch.manual_seed(seed)
    space = DesignSpace().parse([
        {"name": name, "type": kinds[int(log), int(whole)], "lb": low, "ub": high}
        for name, (low, high, log, whole) in talk.axes.items()
    ])  # fmt: skip
    optimizer = HEBO(space, scramble_seed=seed % 2**31)
    talk.best = lambda: optimizer.best_x.iloc[0].to_dict()  # noqa: PLW0108  # it changes
    number = 0
    while True:
        frame = optimizer.suggest(1)
        score = talk.score(number, frame.iloc[0].to_dict(), talk.full)
        optimizer.observe(frame, np.array([[-score]]))
        number += 1


def syne_tune(talk: Any, seed: int, *, scheduler: str) -> None:
    """A scheduler of Syne Tune on one worker: it hears of every epoch and may stop the trial.

    Its best is that of the highest score at any epoch, as its own experiments report.
    """
    import numpy as np
    from syne_tune import config_space
    from syne_tune.backend.trial_status import Trial
    from syne_tune.optimizer import baselines

    kinds = {(1, 1): "lograndint", (1, 0): "loguniform", (0, 1): "randint", (0, 0): "uniform"}
    space = {
        name: getattr(config_space, kinds[int(log), int(whole)])(low, high)
        for name, (low, high, log, whole) in talk.axes.items()
    }
    np.random.seed(seed % 2**32)  # the generator that it draws from
    chosen = getattr(baselines, scheduler)(
        space, metric="score", time_attr="epoch", max_t=talk.full, do_minimize=False,
        random_seed=seed % 2**31,
    )  # fmt: skip
    top, number = -math.inf, 0
    while True:
        trial = Trial(number, chosen.suggest().config, dt.datetime.fromtimestamp(0, dt.UTC))
        chosen.on_trial_add(trial)
        for epoch in range(1, talk.full + 1):
            report = {"score": talk.score(number, trial.config, epoch), "epoch": epoch}
            if report["score"] > top:
                top, talk.best = report["score"], lambda params=trial.config: params
            if chosen.on_trial_result(trial, report) != "CONTINUE":
                break
        if epoch < talk.full:
            chosen.on_trial_remove(trial)
        else:
            chosen.on_trial_complete(trial, report)
        number += 1


logging.disable(logging.WARNING)
ADAPTERS: Mapping[str, Adapter] = {
    "by_chance": Adapter(by_chance),
    "optuna": Adapter(optuna, ("optuna", "numpy")),
    "optuna_gp": Adapter(optuna, ("torch", "scipy", "scipy.optimize", "optuna", "optuna._gp.gp")),
    "optuna_hyperband": Adapter(optuna_hyperband, ("optuna", "numpy")),
    "rustuna": Adapter(rustuna, ("rustuna",)),
    "domain_reduction": Adapter(domain_reduction, ("bayes_opt",)),
    "smac": Adapter(smac, ("smac", "ConfigSpace")),
    "ax": Adapter(ax, ("torch", "ax.api.client", "ax.api.configs")),
    "hebo": Adapter(hebo, ("torch", "hebo.optimizers.hebo")),
    "syne_tune": Adapter(syne_tune, ("syne_tune.optimizer.baselines", "syne_tune")),
}
