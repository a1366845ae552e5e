"""A search of one peer over a conditional space, as its own Python runs it: JSON lines in and out.

    python peer_loop.py PEER

    in    {"space": {...}, "seed": 7, "budgets": [64, 128], "arguments": {}}   the space as in a spec
    out   {"params": {...}}                     asks for a score
    in    {"score": 0.81}
    out   {"best": {...}}                       after each budget: what the peer would recommend
    out   {"cpu": 1.9, "versions": {...}}       in the end, or {"error": "..."}

Nothing of the project is imported: it is not installed where this runs. Parents stand before their
children in the space.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import IO, Any

Space = Mapping[str, Mapping[str, Any]]
ROOT, AT = "root", "_at_"


@dataclass
class Talk:
    """The benchmark's side of a search."""

    space: Space
    budgets: Sequence[int]
    answers: IO[str]
    requests: IO[str]
    trials: int = 0

    def score(self, params: Mapping[str, Any]) -> float:
        """The noisy score of a training; higher is better."""
        self.say({"params": plain(params)})
        self.trials += 1
        return float(json.loads(self.answers.readline())["score"])

    def recommend(self, best: Callable[[], Mapping[str, Any]]) -> None:
        """Tell what the peer recommends, where a budget is spent."""
        if self.trials in self.budgets:
            self.say({"best": plain(best())})

    def say(self, message: Mapping[str, Any]) -> None:
        """Write a line."""
        self.requests.write(json.dumps(message) + "\n")
        self.requests.flush()


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Values without a peer's own types of numbers and strings."""
    values = {name: v.item() if hasattr(v, "item") else v for name, v in params.items()}
    return {name: str(v) if isinstance(v, str) else v for name, v in values.items() if name != ROOT}


def active(space: Space, name: str, params: Mapping[str, Any]) -> bool:
    """Tell whether a hyperparameter is active beside others."""
    when = space[name].get("when", {})
    return all(params.get(parent) in levels for parent, levels in when.items())


def run_optuna(talk: Talk, seed: int) -> None:
    """Optuna's TPE: a hyperparameter that is not active is not suggested."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    while talk.trials < talk.budgets[-1]:
        trial = study.ask()
        params: dict[str, Any] = {}
        for name, one in talk.space.items():
            if active(talk.space, name, params):
                params[name] = _suggested(trial, name, one)
        study.tell(trial, talk.score(params))
        talk.recommend(lambda: study.best_params)


def _suggested(trial: Any, name: str, one: Mapping[str, Any]) -> Any:
    if "choices" in one:
        return trial.suggest_categorical(name, one["choices"])
    log = one.get("scale") == "log"
    if one.get("integer"):
        return trial.suggest_int(name, int(one["low"]), int(one["high"]), log=log)
    return trial.suggest_float(name, one["low"], one["high"], log=log)


def run_smac(talk: Talk, seed: int) -> None:
    """SMAC3 by its facade for hyperparameters; PYTHONHASHSEED must be set for it to repeat itself."""
    import smac
    from ConfigSpace import Categorical, ConfigurationSpace, Float, InCondition, Integer
    from smac.runhistory.dataclasses import TrialValue

    space = ConfigurationSpace(seed=seed)
    for name, one in talk.space.items():
        if "choices" in one:
            space.add(Categorical(name, one["choices"]))
            continue
        kind = Integer if one.get("integer") else Float
        space.add(kind(name, (one["low"], one["high"]), log=one.get("scale") == "log"))
    for name, one in talk.space.items():
        for parent, levels in one.get("when", {}).items():
            space.add(InCondition(space[name], space[parent], levels))
    with tempfile.TemporaryDirectory() as folder:
        scenario = smac.Scenario(
            space, output_directory=folder, seed=seed, n_trials=talk.budgets[-1]
        )  # fmt: skip
        facade = smac.HyperparameterOptimizationFacade(
            scenario, lambda config, seed=0: 0.0,  # noqa: ARG005  # it is told, never called
            overwrite=True, logging_level=False,
        )  # fmt: skip
        while talk.trials < talk.budgets[-1]:
            info = facade.ask()
            facade.tell(info, TrialValue(cost=-talk.score(dict(info.config))))
            talk.recommend(lambda: dict(facade.intensifier.get_incumbents()[0]))


def run_ax(talk: Talk, seed: int) -> None:
    """Ax by its client: the choices name what depends on them, below one root."""
    import torch
    from ax.api.client import Client

    torch.set_num_threads(1)
    client = Client(random_seed=seed)
    client.configure_experiment(parameters=ax_parameters(talk.space))
    client.configure_optimization(objective="score")
    while talk.trials < talk.budgets[-1]:
        ((index, params),) = client.get_next_trials(max_trials=1).items()
        client.complete_trial(index, raw_data={"score": talk.score(_active(talk.space, params))})
        talk.recommend(lambda: _active(talk.space, client.get_best_parameterization()[0]))


def _active(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """A setting by the names of the space, without the values that are not active."""
    kept: dict[str, Any] = {}
    for name, one in space.items():
        if not active(space, name, kept):
            continue
        parents = [f"{name}{AT}{kept[parent]}" for parent in one.get("when", {})]
        kept[name] = next(params[key] for key in (name, *parents) if key in params)
    return kept


def ax_parameters(space: Space) -> list[Any]:
    """The parameters of Ax, in a tree: each choice has, by its values, the names that depend on it.

    Nothing may hang on two values there, so a hyperparameter beside several levels becomes one for
    each of them.
    """
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    free = [name for name, one in space.items() if not one.get("when")]
    made: list[Any] = [_ax_choice(ROOT, ["all"], {"all": free}, ChoiceParameterConfig)]
    for name, one in space.items():
        for key in ax_names(space, name):
            if "choices" in one:
                below = {level: _below(space, name, level) for level in one["choices"]}
                made.append(_ax_choice(key, one["choices"], below, ChoiceParameterConfig))
                continue
            made.append(
                RangeParameterConfig(
                    name=key,
                    bounds=(one["low"], one["high"]),
                    parameter_type="int" if one.get("integer") else "float",
                    scaling="log" if one.get("scale") == "log" else "linear",
                )
            )
    return made


def ax_names(space: Space, name: str) -> list[str]:
    """The names of a hyperparameter in Ax's tree: one for each level that it hangs on, if several."""
    levels = [level for some in space[name].get("when", {}).values() for level in some]
    return [name] if len(levels) < 2 else [f"{name}{AT}{level}" for level in levels]


def _below(space: Space, parent: str, level: str) -> list[str]:
    children = [name for name, one in space.items() if level in one.get("when", {}).get(parent, ())]
    return [
        key
        for name in children
        for key in ax_names(space, name)
        if key in (name, f"{name}{AT}{level}")
    ]


def _ax_choice(name: str, values: Any, below: Mapping[str, Any], kind: Any) -> Any:
    dependent = {level: names for level, names in below.items() if names}
    return kind(
        name=name,
        values=list(values),
        parameter_type="str",
        is_ordered=False,
        dependent_parameters=dependent or None,
    )


RUNS: Mapping[str, Callable[[Talk, int], None]] = {
    "optuna": run_optuna, "smac": run_smac, "ax": run_ax,
}  # fmt: skip


def main() -> None:
    """Run one search."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    # Peers print on standard output: the pipe to the benchmark is another descriptor.
    requests = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.readline())
    talk = Talk(asked["space"], asked["budgets"], sys.stdin, requests)
    try:
        RUNS[sys.argv[1]](talk, asked["seed"], **asked["arguments"])
    except Exception:  # noqa: BLE001  # whatever it is belongs into the table
        talk.say({"error": traceback.format_exc()[-2000:]})
        return
    versions = {d.metadata["Name"]: d.version for d in distributions()}
    talk.say({"cpu": round(time.process_time(), 1), "versions": versions})


if __name__ == "__main__":
    main()
