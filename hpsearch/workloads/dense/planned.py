"""The network of a planned search: what its user does not name of the model, by dataset and space.

    optimizer, schedule   adam, its rate falling along a cosine, where the learning rate is searched from
                          below `ADAM_FROM`: a range that begins above is meant for SGD, and so is a
                          rate that is fixed. A named optimizer keeps its constant rate
    hidden_sizes          a layer of `UNITS`, where that leaves the trainings as long and as many
    dropout               `DROPOUT` where a table's rows have classes; with these units alone
    layers                waves of a table's numbers (`hpsearch.nn.waves`), of `NUMBERS_OF_WAVES` at the most,
                          and faster ones of the days of its dates, of `DATES_OF_WAVES` at the most; from
                          `ROWS_OF_WAVES` training rows on; with these units alone
    max_levels            as many as the largest category has, up to `LEVELS`

Of a table of up to `ROWS_OF_NETWORKS` training rows the recommended model is made of `NETWORKS` networks.

What the user names, or searches, stays as it is. The figures behind these numbers are in docs/search.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from hpsearch import nn
from hpsearch.metrics import Task
from hpsearch.space import Choices, Dimension
from hpsearch.workloads.base import DatasetFacts, Setup
from hpsearch.workloads.dense.model import ModelSpec

ADAM_FROM = 0.01
UNITS = 128
DROPOUT = 0.15
LEVELS, LEVELS_USUAL = 256, 32
ROWS_OF_WAVES: Mapping[Task, int] = {"regression": 500, "classification": 750}
NUMBERS_OF_WAVES = 32
WAVES: Mapping[str, Any] = {"count": 4, "base": 1.0, "fade": 0.75}
DATES_OF_WAVES = 4
FASTER: Mapping[str, Any] = {"count": 3, "base": 16.0, "fade": 0.75}  # begin where `WAVES` end
NETWORKS, ROWS_OF_NETWORKS = 5, 2500
FIELDS = ("optimizer", "schedule", "hidden_sizes", "dropout", "max_levels", "layers")
_OTHER_SIZES = frozenset({"hidden_units", "hidden_layers"})


def network(
    setup: Setup, named: Collection[str], fits: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any]:
    """Fields of the model, as JSON has them, that its user neither names nor searches.

    Parameters
    ----------
    named
        Fields that the user's model has.
    fits
        Tells whether networks with these fields are within the caps, and cost no search a part of its
        trainings.
    """
    taken = {*named, *setup.space}
    if _OTHER_SIZES & taken:
        taken.add("hidden_sizes")
    fields: dict[str, Any] = {}
    for field, value in _wished(setup, taken).items():
        if field in taken:
            continue
        # Of several layers the first alone where all are too many.
        for wish in (value, value[:1]) if field == "layers" else (value,):
            if fits({**fields, field: wish}):
                fields[field] = wish
                break
    return fields


def networks(facts: DatasetFacts) -> int:
    """Networks of the recommended model, whose answers are averaged: one where rows are many, or images."""
    small = not facts.image and facts.n_train <= ROWS_OF_NETWORKS
    return NETWORKS if small else 1


def network_fields(model: ModelSpec, taken: Collection[str]) -> dict[str, Any]:
    """Those fields of a model, as JSON has them, that a plan chooses and nobody has taken."""
    values = {field: getattr(model, field) for field in FIELDS}
    values["hidden_sizes"] = list(model.hidden_sizes)
    values["layers"] = [nn.layer_to_json(layer) for layer in values["layers"]]
    without = {*taken, *(("hidden_sizes",) if _OTHER_SIZES & {*taken} else ())}
    return {field: value for field, value in values.items() if field not in without}


def _wished(setup: Setup, taken: Collection[str]) -> dict[str, Any]:
    """Fields that would be planned if nobody had named them, and if they fit."""
    facts, wished = setup.facts, dict[str, Any]()
    if "optimizer" not in taken and _suits_adam(setup.space.get("learning_rate")):
        wished |= {"optimizer": "adam", "schedule": "cosine"}
    levels = max((len(c.levels) for c in facts.columns if c.kind == "category"), default=0)
    if levels > LEVELS_USUAL:
        wished["max_levels"] = min(levels, LEVELS)
    if "hidden_sizes" in taken:
        return wished
    wished["hidden_sizes"] = [UNITS]
    if facts.image:
        return wished
    if facts.task == "classification":
        wished["dropout"] = DROPOUT
    if setup.n_training >= ROWS_OF_WAVES[facts.task] and (layers := _waves(facts)):
        wished["layers"] = layers
    return wished


def _waves(facts: DatasetFacts) -> list[dict[str, Any]]:
    """Layers of waves: slow ones of all numbers, and fast ones of days, for a day is one of thousands."""
    numbers = [c for c in facts.columns if c.kind in ("number", "ordered")]
    count = len(numbers) if facts.columns else facts.features
    if not 1 <= count <= NUMBERS_OF_WAVES:
        return []
    days = [place for place, column in enumerate(numbers) if column.part == "days"]
    fast = [{"first": place, "numbers": 1, **FASTER} for place in days[:DATES_OF_WAVES]]
    return [{"kind": "waves", **one} for one in ({"numbers": count, **WAVES}, *fast)]


def _suits_adam(rate: Dimension | None) -> bool:
    """Tell whether a learning rate is searched where rates suit Adam."""
    if rate is None:
        return False
    least = min(rate.choices, key=float) if isinstance(rate, Choices) else rate.low  # type: ignore[arg-type]  # numbers, by the table
    return float(least) < ADAM_FROM  # type: ignore[arg-type]  # likewise
