"""Mistakes of a spec that trains dense networks."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import Mistake
from hpsearch.metrics import METRICS
from hpsearch.space import Choices
from hpsearch.workloads.base import Setup, ValidParts
from hpsearch.workloads.dense import caps
from hpsearch.workloads.dense.hyperparameters import ARCHITECTURE, hyperparameters, mistakes_in
from hpsearch.workloads.dense.model import ModelSpec


def model_against_space(parts: ValidParts) -> list[Mistake]:
    """Hyperparameters that are unknown, fixed and searched, searched in vain, or searched twice."""
    mistakes: list[Mistake] = []
    for name in parts.searched:
        mistakes += mistakes_in(name, parts.space.get(name))
        if name in parts.fixed:
            mistakes.append(
                Mistake(f"model.{name}", f"{name} is fixed here and searched in space; drop one")
            )
        mistakes += _without_effect(name, parts)
    sizes = "hidden_sizes" in parts.searched or "hidden_sizes" in parts.fixed
    for name in ARCHITECTURE:
        if sizes and name in parts.searched:
            mistakes.append(
                Mistake(f"space.{name}", f"{name} replaces hidden_sizes; drop one of the two")
            )
    return mistakes


def _without_effect(name: str, parts: ValidParts) -> list[Mistake]:
    known = hyperparameters().get(name)
    if known is None or known.needs is None:
        return []
    other, useful = known.needs
    searched = parts.space.get(other)
    if isinstance(searched, Choices):
        values: tuple[Any, ...] = searched.choices
    elif parts.model is not None and other not in parts.searched:
        values = (getattr(parts.model, other),)
    else:
        return []  # `other` is itself mistaken
    if set(values) & set(useful):
        return []
    wanted = " or ".join(str(x) for x in useful)
    message = f"{name} has no effect with {other} {values[0]}; set model.{other} to {wanted}"
    return [Mistake(f"space.{name}", f"{message}, or drop it")]


def batch_size(setup: Setup, parts: ValidParts, size: int) -> list[Mistake]:
    """Batches beyond the training part. A default that is too large is cut, and no mistake."""
    n, asked = setup.n_training, list[tuple[str, Any]]()
    if "batch_size" in parts.fixed:
        asked.append(("model.batch_size", size))
    searched = caps.tops("space.batch_size", parts.space.get("batch_size"))
    asked += [(path, top) for path, top in searched if not path.endswith(".hard_high")]
    return [
        Mistake(path, f"{top:g} exceeds the {n} training examples of {setup.dataset!r}")
        for path, top in asked
        if top > n
    ]


def folds(setup: Setup) -> list[Mistake]:
    """More folds than examples."""
    count, n = setup.folds, setup.facts.n_train
    if count is None or count <= n:
        return []
    return [Mistake("validation.folds", f"{count} folds need {count} training examples, got {n}")]


def task(setup: Setup, model: ModelSpec) -> list[Mistake]:
    """A metric or a weight of classes for a dataset that has not the targets for it."""
    asked, here = METRICS[setup.objective].task, setup.facts.task
    mistakes = []
    if asked != here:
        message = f"{setup.objective} is a metric of {asked}; {setup.dataset!r} is for {here}"
        mistakes.append(Mistake("objective", message))
    if model.class_weight is not None and here != "classification":
        mistakes.append(Mistake("model.class_weight", f"{setup.dataset!r} has no classes; drop it"))
    return mistakes
