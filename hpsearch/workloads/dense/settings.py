"""Settings of a dense network that a user gives: their defaults, their names and their values."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping

from hpsearch import nn
from hpsearch.space import Level, Params, level_text
from hpsearch.workloads.base import Setup
from hpsearch.workloads.dense.hyperparameters import ARCHITECTURE, hyperparameters
from hpsearch.workloads.dense.model import ModelSpec, current_model


def defaults(setup: Setup) -> Params:
    """The model's default of each searched hyperparameter, as far as this dataset allows it."""
    made: dict[str, Level] = {}
    usual = current_model()()
    for name in setup.space:
        if name in ARCHITECTURE:
            made[name] = _architecture(usual.hidden_sizes)[name]
        elif name in current_model().model_fields:
            made[name] = getattr(usual, name)
    if "batch_size" in made:
        made["batch_size"] = min(usual.batch_size, setup.n_training)
    if "loss" in made:
        made["loss"] = _losses(setup)[0]
    return made


def fixed_values(model: ModelSpec, space: Mapping[str, object]) -> Params:
    """The values of the model's own hyperparameters, those that are searched left out."""
    left_out = {*space, *(("hidden_sizes",) if ARCHITECTURE.keys() & space.keys() else ())}
    names = (n for n in hyperparameters() if n not in left_out and n not in ARCHITECTURE)
    return {name: getattr(model, name) for name in names}


def translated(
    setting: Params, model: ModelSpec, space: Mapping[str, object]
) -> tuple[Params, Mapping[str, str]]:
    """A setting whose layers go by hidden_units and hidden_layers where these are searched.

    Returns
    -------
    tuple
        The setting, and the reasons why `hidden_sizes` cannot be said so.
    """
    searched = [name for name in ARCHITECTURE if name in space]
    if not searched or "hidden_sizes" not in setting:
        return setting, {}
    sizes, rest = setting["hidden_sizes"], {k: v for k, v in setting.items() if k != "hidden_sizes"}
    if not isinstance(sizes, tuple) or not sizes or len(set(sizes)) > 1:
        return rest, {
            "hidden_sizes": f"{' and '.join(searched)} are searched, which give all layers one width; "
            "name them instead"
        }
    if any(name in rest for name in searched):
        return rest, {"hidden_sizes": f"it says {' and '.join(searched)} too; name one of the two"}
    own = _architecture(sizes)
    if any(name not in searched and own[name] != v for name, v in _of_model(model).items()):
        shown = level_text(list(model.hidden_sizes))
        return rest, {
            "hidden_sizes": f"only {searched[0]} is searched, the rest is that of {shown}; search "
            "hidden_units and hidden_layers, or name the one that is searched"
        }
    return {**{name: own[name] for name in searched}, **rest}, {}


def refusal(setup: Setup, name: str, value: Level) -> str | None:
    """The reason why a hyperparameter may not have a value in a search of this dataset."""
    known = hyperparameters()[name]
    if not known.accepts(value):
        shown = reprlib.repr(list(value) if isinstance(value, tuple) else value)
        return f"{shown} is outside what {name} may be: {known.domain}"
    if name == "batch_size" and int(value) > setup.n_training:  # type: ignore[arg-type]  # a number, by the table
        return f"{value} exceeds the {setup.n_training} training examples of {setup.dataset!r}"
    if name == "loss" and value not in _losses(setup):
        return f"{value} is no loss for {setup.facts.task}: take {' or '.join(_losses(setup))}"
    return None


def _losses(setup: Setup) -> list[str]:
    return [name for name, loss in nn.LOSSES.items() if loss.task == setup.facts.task]


def _architecture(sizes: tuple[int, ...]) -> dict[str, int]:
    """Units and layers of hidden layers of one width."""
    return {"hidden_units": sizes[0] if sizes else 1, "hidden_layers": len(sizes)}


def _of_model(model: ModelSpec) -> dict[str, int]:
    return _architecture(model.hidden_sizes)
