"""Objectives over conditional spaces: our networks over families of optimizers, and a tree whose best is known.

The luck of a score belongs to problem, seed and number of the trial: the first trial of every
contender has the same, and so has the second. A training that diverges scores 0 for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from benchmarks.answers.judge import judged, order_of
from benchmarks.answers.tables import Tables
from hpsearch.data import DatasetInfo
from hpsearch.settings import load
from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec, parse
from hpsearch.training import Trainer
from hpsearch.workloads import DatasetFacts

Space = Mapping[str, Mapping[str, Any]]
MODELS = 8  # trainings behind the true value of a setting
DRAWS = 200  # random settings of the scale
TRAINED = 600  # rows, half of them for validation
FAMILIES: Space = {
    "optimizer": {"choices": ["sgd", "momentum", "nesterov", "rmsprop", "adam"]},
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-6, "high": 1e-1, "scale": "log"},
    "momentum": {"low": 0.0, "high": 0.99, "when": {"optimizer": ["momentum", "nesterov"]}},
    "rho": {"low": 0.5, "high": 0.999, "when": {"optimizer": ["rmsprop"]}},
    "beta1": {"low": 0.5, "high": 0.99, "when": {"optimizer": ["adam"]}},
    "beta2": {"low": 0.9, "high": 0.9999, "when": {"optimizer": ["adam"]}},
    "eps": {"low": 1e-8, "high": 1e-2, "scale": "log", "when": {"optimizer": ["rmsprop", "adam"]}},
}
NETWORK: Mapping[str, Any] = {
    "model": {"hidden_sizes": [20], "batch_size": 32},
    "rounds": 1,
    "epochs": {"first": 8, "last": 8},
    "validation_fraction": 0.5,
    "final": {"epochs": 8},
}


@dataclass(frozen=True, slots=True)
class Reference:
    """The scale of regrets: 0 is the best value, 1 the median of random settings."""

    best: float
    median: float

    def regret(self, value: float) -> float:
        """The regret of a true value."""
        return (self.best - value) / (self.best - self.median)


class Problem(Protocol):
    """An objective; higher is better."""

    space: Space
    best_values: Mapping[str, float]  # of conditional ranges beside their levels, where known

    def score(self, params: Params, number: int) -> float:
        """The noisy score of trial `number`."""

    def truth(self, params: Params) -> float:
        """The value without luck."""

    @property
    def reference(self) -> Reference:
        """The scale."""


def drawn(space: Space, rng: np.random.Generator) -> Params:
    """A random setting, of active values alone; parents stand before their children."""
    params: dict[str, Any] = {}
    for name, one in space.items():
        unit = rng.random()
        if any(params.get(parent) not in levels for parent, levels in one.get("when", {}).items()):
            continue
        params[name] = _value(one, unit)
    return params


def _value(one: Mapping[str, Any], unit: float) -> Any:
    if "choices" in one:
        return one["choices"][int(unit * len(one["choices"]))]
    low, high = one["low"], one["high"]
    if one.get("integer"):
        return int(low + unit * (high - low + 1))
    return low * (high / low) ** unit if one.get("scale") == "log" else low + unit * (high - low)


@dataclass
class Network:
    """Accuracy of a small network on a real table, over families of optimizers with their constants.

    Every seed has rows of its own. The true value is the mean accuracy of several trainings on
    the rows held back.
    """

    tables: Tables
    table: str
    seed: int

    def __post_init__(self) -> None:
        self.space = FAMILIES
        self.best_values: Mapping[str, float] = {}
        self._info = self.tables.split(self.table, self.seed, trained=TRAINED)
        self._trainer = Trainer(self.tables.files)

    @cached_property
    def _resolved(self) -> ResolvedSpec:
        asked = {**NETWORK, "dataset": "benchmark", "space": self.space, "seed": self.seed}
        return parse(asked, DatasetFacts.from_json(self._info.to_json()), load())

    @property
    def info(self) -> DatasetInfo:
        """The dataset."""
        return self._info

    def score(self, params: Params, number: int) -> float:
        """The validation accuracy of one training."""
        epochs = self._resolved.spec.epochs.last
        order = order_of(self._resolved, self._info, 1, [number], [params], epochs)
        report = self._trainer.run(order).trials[0]
        return 0.0 if report.score is None else report.correct / report.examples

    def truth(self, params: Params) -> float:
        """The mean accuracy on the rows held back."""
        return self._values([params], MODELS)[0]

    @cached_property
    def reference(self) -> Reference:
        """Best and median of random settings; the leaders are trained again, so that none is lucky."""
        rng = np.random.default_rng([self.seed, 23])
        settings = [drawn(self.space, rng) for _ in range(DRAWS)]
        values = self._values(settings, 1)
        leaders = [settings[i] for i in np.argsort(values)[::-1][:MODELS]]
        return Reference(max(self._values(leaders, MODELS)), float(np.median(values)))

    def _values(self, settings: Sequence[Params], models: int) -> list[float]:
        scores = judged(
            self.tables.files, self._info, self._resolved, settings, models=models, whole=False
        )  # fmt: skip
        return [float(one.mean()) for one in scores]


NOISE = 0.01  # standard deviation of a score of the tree
TOPS = (1.0, 0.97, 0.94, 0.9)  # best values of its four leaves
WEIGHTS = {"rate": 0.6}  # of the squared distance in widths; 0.4 of all others
TREE: Space = {
    "kind": {"choices": ["a", "b", "c"]},
    "rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "mode": {"choices": ["p", "q"], "when": {"kind": ["a"]}},
    "share": {"low": 0.0, "high": 1.0, "when": {"kind": ["a"]}},
    "inner": {"low": 0.0, "high": 1.0, "when": {"mode": ["p"]}},
    "size": {"low": 1e-3, "high": 1e3, "scale": "log", "when": {"kind": ["b"]}},
    "shift": {"low": -1.0, "high": 1.0, "when": {"kind": ["b"]}},
    "count": {"low": 1, "high": 20, "integer": True, "when": {"kind": ["c"]}},
}


@dataclass
class Tree:
    """A tree of four leaves with a known best: its top less squared distances from the best place.

    Every seed has other places, and other tops of the leaves. The best rate is another one beside
    each kind; every conditional range has one best value, beside whatever it is active with.
    """

    seed: int

    def __post_init__(self) -> None:
        self.space = TREE
        rng = np.random.default_rng([self.seed, 29])
        self._tops = dict(zip(("ap", "aq", "b", "c"), rng.permutation(TOPS), strict=True))
        self._rates = dict(zip("abc", rng.uniform(0.15, 0.85, 3), strict=True))
        names = [n for n, one in self.space.items() if "when" in one and "choices" not in one]
        self._places = dict(zip(names, rng.uniform(0.15, 0.85, len(names)), strict=True))
        self.best_values = {n: self._best(n) for n in names}

    def _best(self, name: str) -> float:
        one, place = self.space[name], self._places[name]
        if one.get("integer"):
            return float(round(one["low"] + place * (one["high"] - one["low"])))
        return float(_value(one, place))

    def score(self, params: Params, number: int) -> float:
        """The value with the luck of the trial."""
        luck = np.random.default_rng([self.seed, 31, number]).standard_normal()
        return self.truth(params) + NOISE * float(luck)

    def truth(self, params: Params) -> float:
        """The value."""
        kind = str(params["kind"])
        value = float(self._tops[kind + str(params.get("mode", ""))])
        for name, given in params.items():
            one = self.space[name]
            if "choices" not in one:
                best = self._rates[kind] if name == "rate" else self._places[name]
                value -= WEIGHTS.get(name, 0.4) * (_unit(one, float(given)) - best) ** 2  # type: ignore[arg-type]  # a number
        return value

    @cached_property
    def reference(self) -> Reference:
        """The best value there is, and the median of random settings."""
        rng = np.random.default_rng([self.seed, 23])
        values = [self.truth(drawn(self.space, rng)) for _ in range(4096)]
        return Reference(max(TOPS), float(np.median(values)))


def _unit(one: Mapping[str, Any], value: float) -> float:
    if one.get("scale") == "log":
        return math.log(value / one["low"]) / math.log(one["high"] / one["low"])
    return (value - one["low"]) / (one["high"] - one["low"])


def problem_of(tables: Tables, name: str, seed: int) -> Problem:
    """The problem of a name of the list."""
    return Tree(seed) if name == "tree" else Network(tables, name, seed)
