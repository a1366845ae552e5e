"""A search with everything that decides beside scores: conditions, what is forbidden and required, a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.service import Services
from hpsearch.space import Params
from support.bench import OWNER

SPEC: Mapping[str, Any] = {
    "dataset": "iris",
    "model": {"batch_size": 16},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
        "optimizer": {"choices": ["sgd", "momentum", "adam"]},
        "momentum": {"low": 0.1, "high": 0.95},
        "beta2": {"low": 0.9, "high": 0.999},
        "hidden_sizes": {"choices": [[], [6], [24, 6]]},
        "dropout": {"low": 0.0, "high": 0.3},
    },
    "baseline": {"optimizer": "momentum", "learning_rate": 0.1, "hidden_sizes": [6]},
    "try_first": [{"optimizer": "sgd", "learning_rate": 0.05, "hidden_sizes": []}],
    "require": [
        {"metric": "parameters", "at_most": 200},
        {"metric": "macro_f1", "at_least": 0.5},
    ],
    "sampler": "gp",
    "rounds": 3,
    "trials_per_round": 8,
    "epochs": {"first": 2, "last": 4},
    "stop_early": False,
    "final": {"epochs": 4, "models": 2},
}
"""Conditions follow from what the hyperparameters have an effect with."""

FORBID = [{"optimizer": "adam", "learning_rate": {"low": 0.1, "high": 1}}]
NETWORKS_TOO_LARGE = (24, 6)  # they have more than 200 parameters


def submit(services: Services, **changes: Any) -> str:
    """The search, edited before it begins: its id."""
    search = services.searches.submit({**SPEC, **changes}, owner=OWNER)[0].id
    services.searches.edit(search, {"forbid": FORBID}, owner=OWNER)
    return search


def is_right(params: Params) -> bool:
    """Tell whether a trial has what its network reads and nothing else, and nothing that is forbidden."""
    optimizer, sizes = params["optimizer"], params["hidden_sizes"]
    wanted = {"sgd": set[str](), "momentum": {"momentum"}, "adam": {"beta2"}}[str(optimizer)]
    wanted |= {"dropout"} if sizes else set()
    names = {"learning_rate", "optimizer", "hidden_sizes", *wanted}
    too_fast = optimizer == "adam" and float(params["learning_rate"]) >= 0.1  # type: ignore[arg-type]  # a number
    return params.keys() == names and not too_fast and sizes != NETWORKS_TOO_LARGE
