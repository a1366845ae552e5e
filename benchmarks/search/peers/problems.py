"""The objective of one search: trainings that are counted, and scores that every contender shares.

The noise of a score belongs to (task, seed, number of the trial, epoch): the first trial of every
contender has the same luck, and so has the second. What is compared are the places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from benchmarks.search import hpobench, lcbench
from benchmarks.search.axes import Axis
from benchmarks.search.lcbench import Reference
from hpsearch.arrays import Floats, Ints

lcbench_task = cache(lcbench.Task)
hpobench_table = cache(hpobench.Table)


class Objective(Protocol):
    """The objective of a search."""

    axes: Sequence[Axis]
    full: int  # epochs of a full training
    budgets: Sequence[int]  # epochs after which a recommendation is asked for

    def scores(self, values: Floats, epochs: int, trials: Ints) -> Floats:
        """Noisy scores (n,) of trials (n,), numbered in order, at values (n, axes)."""

    def truth(self, values: Floats) -> Floats:
        """Values (n,) of full trainings without noise."""

    def reference(self) -> Reference:
        """The scale of regrets."""


@dataclass(frozen=True)
class LCBench:
    """A task of LCBench; scores in percent, with `noise` of so many points."""

    task: int
    seed: int
    noise: float
    axes: Sequence[Axis] = lcbench.AXES
    full: int = lcbench.FULL
    budgets: Sequence[int] = (250, 500, 1000, 2000, 4000)

    def scores(self, values: Floats, epochs: int, trials: Ints) -> Floats:
        """Noisy scores (n,) of trials (n,)."""
        exact = lcbench_task(self.task).at_values(values, epochs)
        if not self.noise:
            return exact
        luck = [_luck(self.task, self.seed, int(trial))[epochs - 1] for trial in trials]
        return exact + self.noise * np.array(luck)

    def truth(self, values: Floats) -> Floats:
        """Values (n,) of full trainings without noise."""
        return lcbench_task(self.task).at_values(values, self.full)

    def reference(self) -> Reference:
        """Best and median of random full trainings."""
        return _lcbench_reference(self.task)


@cache
def _lcbench_reference(task: int) -> Reference:
    return lcbench_task(task).reference()


@cache
def _luck(task: int, seed: int, trial: int) -> Floats:
    return np.random.default_rng([task, seed, trial]).standard_normal(lcbench.FULL)


@dataclass(frozen=True)
class HPOBench:
    """A task of HPOBench's tables: an evaluation is one of five trainings with other seeds."""

    task: str
    seed: int
    axes: Sequence[Axis] = hpobench.AXES
    full: int = 1
    budgets: Sequence[int] = (128,)

    def scores(self, values: Floats, epochs: int, trials: Ints) -> Floats:  # noqa: ARG002
        """Noisy scores (n,) of trials (n,)."""
        table = hpobench_table(self.task)
        keys = [[*self.task.encode(), self.seed, int(trial)] for trial in trials]
        drawn = [int(np.random.default_rng(key).integers(table.seeds)) for key in keys]
        return table.values[(*self._levels(values).T, drawn)]

    def truth(self, values: Floats) -> Floats:
        """The mean (n,) of all trainings of each configuration."""
        return hpobench_table(self.task).true(self._levels(values))

    def reference(self) -> Reference:
        """Best and median of the true means of all configurations."""
        return hpobench_table(self.task).reference()

    def _levels(self, values: Floats) -> Floats:
        units = [axis.units(values[:, k]) for k, axis in enumerate(self.axes)]
        return hpobench.levels_at(np.stack(units, axis=1))


def start_of(task: int | str, seed: int) -> int:
    """The seed that a contender is given."""
    key = list(task.encode()) if isinstance(task, str) else [task]
    return int(np.random.SeedSequence([*key, seed]).generate_state(1)[0])


class Spent(Exception):  # the usual end of a search
    """The budget does not hold the training that was asked for."""


class Ledger:
    """Epochs that a search has spent, and what it recommended at each budget.

    `recommended` returns values (axes,); it is asked just before a budget would be exceeded.
    """

    def __init__(self, objective: Objective, recommended: Callable[[], Floats]) -> None:
        self.objective, self.recommended = objective, recommended
        self.trained: dict[str, tuple[int, int]] = {}  # trial -> its number, its epochs
        self.spent = 0
        self.picks: list[float] = []  # true values

    def score(self, trial: str, values: Floats, epochs: int) -> float:
        """The score of a trial after `epochs` in all; only those that it lacks are trained."""
        number, before = self.trained.get(trial, (len(self.trained), 0))
        self.advance(max(0, epochs - before))
        self.trained[trial] = number, max(epochs, before)
        return float(self.objective.scores(values[None], epochs, np.array([number]))[0])

    def advance(self, cost: int) -> None:
        """Spend `cost` epochs; Spent where the last budget does not hold them."""
        after = self.spent + cost
        while len(self.picks) < len(self.budgets) and after > self.budgets[len(self.picks)]:
            self.picks.append(float(self.objective.truth(self.recommended()[None])[0]))
        if len(self.picks) == len(self.budgets):
            raise Spent
        self.spent = after

    @property
    def budgets(self) -> Sequence[int]:
        """Those of the objective."""
        return self.objective.budgets
