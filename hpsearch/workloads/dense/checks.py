"""Mistakes of a spec that trains dense networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hpsearch import nn
from hpsearch.errors import Mistake
from hpsearch.metrics import METRICS, fitting
from hpsearch.space import Choices, Level, level_text
from hpsearch.workloads.base import Setup, ValidParts
from hpsearch.workloads.dense import caps
from hpsearch.workloads.dense.hyperparameters import ARCHITECTURE, hyperparameters, mistakes_in
from hpsearch.workloads.dense.model import ModelSpec, Needs


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
    needs, own = known.needs, parts.space.get(name)
    searched = parts.space.get(needs.other)
    if isinstance(searched, Choices):
        named = ((None if own is None else own.when) or {}).get(needs.other, ())
        wrong = _in_condition(name, needs, named)
        if wrong:
            return wrong
        values: tuple[Any, ...] = searched.choices
    elif parts.model is not None and needs.other not in parts.searched:
        values = (getattr(parts.model, needs.other),)
    else:
        return []  # `other` is itself mistaken
    if any(map(needs.met_by, values)):
        return []
    message = (
        f"{name} has no effect with {needs.other} {_shown(values[0])}; set model.{needs.other} to "
        f"{needs.words}, or drop it"
    )
    return [Mistake(f"space.{name}", message)]


def _in_condition(name: str, needs: Needs, named: Sequence[Level]) -> list[Mistake]:
    """Levels of a condition beside which a hyperparameter has no effect."""
    path, idle = f"space.{name}.when.{needs.other}", [x for x in named if not needs.met_by(x)]
    if not idle:
        return []
    shown = " or ".join(map(_shown, idle))
    message = f"{name} has no effect with {needs.other} {shown}"
    if len(idle) == len(named):
        return [Mistake(path, f"{message}; name {needs.words}, or drop it")]
    return [
        Mistake(f"{path}[{i}]", f"{message}; drop that level, or the whole condition: it follows")
        for i, level in enumerate(named)
        if level in idle
    ]


def _shown(level: Level) -> str:
    return level_text(list(level) if isinstance(level, tuple) else level)


def batch_size(setup: Setup, parts: ValidParts, size: int) -> list[Mistake]:
    """Batches beyond the training part. A default that is too large is cut, and no mistake."""
    n, asked = setup.n_training, list[tuple[str, Any]]()
    if "batch_size" in parts.fixed:
        asked.append(("model.batch_size", size))
    searched = caps.tops("space.batch_size", parts.space.get("batch_size"))
    asked += [(path, top) for path, top in searched if not path.endswith(".hard_high")]
    return [
        Mistake(path, f"{top:.15g} exceeds the {n} training examples of {setup.dataset!r}")
        for path, top in asked
        if top > n
    ]


def folds(setup: Setup) -> list[Mistake]:
    """More folds than examples."""
    count, n = setup.folds, setup.n_rows
    if count is None or count <= n:
        return []
    return [Mistake("validation.folds", f"{count} folds need {count} training examples, got {n}")]


def split_by(setup: Setup) -> Iterator[Mistake]:
    """Groups or a time that the dataset was not split by when it was uploaded."""
    for name in ("groups", "time"):
        asked, has = getattr(setup, name), getattr(setup.facts, name)
        if asked is None or asked == has:
            continue
        how = (
            f"{setup.dataset!r} was split by {name}={has}"
            if has
            else (f"{setup.dataset!r} was not split by {name} when it was uploaded")
        )
        yield Mistake(
            f"validation.{name}",
            f"{how}, and that decides what is sealed: upload again with {name}={asked}",
        )


def weight(setup: Setup) -> list[Mistake]:
    """A weight that is not the one of the dataset, or a metric that takes none."""
    asked, known = setup.weight, setup.facts.weight
    if asked is None:
        return []
    if asked != known:
        has = f"whose weight column is {known!r}" if known else "which has no weight column"
        message = (
            f"{asked!r} is no weight of {setup.dataset!r}, {has}: upload again with weight={asked}"
        )
        return [Mistake("weight", f"{message}, or leave weight out")]
    if METRICS[setup.objective].takes_weights:
        return []
    take = _listed(
        [n for n in fitting(setup.facts.task, setup.facts.classes) if METRICS[n].takes_weights]
    )
    return [
        Mistake("objective", f"{setup.objective} takes no weights: take {take}, or weight null")
    ]


def inputs(setup: Setup, model: ModelSpec) -> list[Mistake]:
    """A scaling or a number of levels that the dataset has no use for."""
    mistakes = []
    if setup.facts.image:
        scalings = {"model": model.scaling != "auto", "space": "scaling" in setup.space}
        mistakes += [
            Mistake(f"{place}.scaling", f"{setup.dataset!r} holds images, which have one scale; drop it")
            for place, given in scalings.items()
            if given
        ]  # fmt: skip
    categories = any(column.kind == "category" for column in setup.facts.columns)
    if "max_levels" in setup.space and not categories:
        mistakes.append(
            Mistake("space.max_levels", f"{setup.dataset!r} has no categories; drop it")
        )
    return mistakes


def task(setup: Setup, model: ModelSpec) -> list[Mistake]:
    """A metric, a loss or a weight of classes for a dataset that has not the targets for it."""
    here = setup.facts.task
    mistakes = [*_objective(setup), *_loss(setup, model)]
    if here != "classification":
        weights = {"model": model.class_weight is not None, "space": "class_weight" in setup.space}
        mistakes += [
            Mistake(f"{place}.class_weight", f"{setup.dataset!r} has no classes; drop it")
            for place, given in weights.items()
            if given
        ]
    return mistakes


def _objective(setup: Setup) -> Iterator[Mistake]:
    metric, facts = METRICS[setup.objective], setup.facts
    names = fitting(facts.task, facts.classes)
    if setup.objective in names:
        return
    if metric.task != facts.task:
        why = (
            f"{setup.objective} is a metric of {metric.task}; {setup.dataset!r} is for {facts.task}"
        )
    else:
        why = (
            f"{setup.objective} speaks of the positive one of two classes; {setup.dataset!r} has "
            f"{facts.classes}"
        )
    yield Mistake("objective", f"{why}: take {_listed(names)}")


def _loss(setup: Setup, model: ModelSpec) -> Iterator[Mistake]:
    searched = setup.space.get("loss")
    asked = [("model.loss", model.loss)]
    if isinstance(searched, Choices):
        levels = enumerate(searched.choices)
        asked += [(f"space.loss.choices[{i}]", str(level)) for i, level in levels]
    here = setup.facts.task
    fit = [name for name, loss in nn.LOSSES.items() if loss.task == here]
    for path, name in asked:
        if name is not None and name not in fit:
            why = f"{name} is a loss of {nn.LOSSES[name].task}; {setup.dataset!r} is for {here}"
            yield Mistake(path, f"{why}: take {_listed(fit)}")


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
