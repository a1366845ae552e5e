"""Gain of a guess that is right, and cost of one that is wrong.

    OMP_NUM_THREADS=1 python -m benchmarks.search.guesses [--seeds 10] [--tasks NAME,...] [--random]

Whole searches by the coordinator, without training: four synthetic functions of which the best place is
known, and tasks of LCBench where its data are (HPSEARCH_BENCH_DATA). Each search is run three times with one
seed: without a guess, with a *right* one for every range (about the best place, half a `SPREAD` off on
average), and with a *wrong* one (the worst of a hundred random places). The regret is that of the
recommendation's true value after so many trials: 0 for the best value, 1 for the median random draw.

Prints a table for docs/search-benchmarks.md.
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search import lcbench, product
from benchmarks.search.axes import Axis, decode
from benchmarks.search.data import folder
from hpsearch.arrays import Floats, Ints
from hpsearch.settings import load
from hpsearch.spec import parse
from hpsearch.workloads import NO_DATASET

LCBENCH = 4  # tasks, the first ones
AFTER = (8, 16, 32, 64)  # trials
NOISE = 0.02  # sd of a training, in units of (best - median)
OFF = 0.05  # of the range: sd of a right guess about the best place
PLACES = 20_000  # random places that best and median are taken from
BAD = 100  # random places, of which the worst is a wrong guess
SPEC = {
    "rounds": 8, "trials_per_round": 8, "epochs": {"first": 52, "last": 52},
    "finalists": {"rounds": 0}, "stop_early": False,
}  # fmt: skip
ARMS = ("none", "right", "wrong")


@dataclass(frozen=True)
class Problem:
    """A task: its axes and true values (n,) at places (n, axes) of the unit cube."""

    name: str
    axes: Sequence[Axis]
    truth: Callable[[Floats], Floats]

    def places(self) -> tuple[Floats, Floats]:
        """`PLACES` random places and their values."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        units = rng.random((PLACES, len(self.axes)))
        return units, self.truth(units)


def _bowl(units: Floats) -> Floats:
    away = units - np.array([0.3, 0.7])
    return -np.sum(np.square(away) * [1.0, 4.0], axis=1)


def _valley(units: Floats) -> Floats:
    x, y = 4.0 * units.T - 2.0
    return -np.log1p((1.0 - x) ** 2 + 20.0 * (y - x**2) ** 2)


def _waves(units: Floats) -> Floats:
    away = units - np.array([0.8, 0.25, 0.6])
    return -np.sum(3.0 * np.square(away) - 0.1 * np.cos(6 * math.pi * away), axis=1)


_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
               [17, 8, 0.05, 10, 0.1, 14]])  # fmt: skip
_P = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                      [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])  # fmt: skip


def _hartmann(units: Floats) -> Floats:
    inner = np.einsum("kj,nkj->nk", _A, np.square(units[:, None, :] - _P))
    return np.exp(-inner) @ np.array([1.0, 1.2, 3.0, 3.2])


def _cube(count: int) -> Sequence[Axis]:
    return [Axis(f"x{i}", f"x{i}", 0.0, 1.0) for i in range(count)]


def problems() -> Iterator[Problem]:
    """The synthetic functions, and the tasks of LCBench that are there."""
    yield Problem("bowl, 2 ranges", _cube(2), _bowl)
    yield Problem("valley, 2 ranges", _cube(2), _valley)
    yield Problem("waves, 3 ranges", _cube(3), _waves)
    yield Problem("Hartmann, 6 ranges", _cube(6), _hartmann)
    try:
        folder("lcbench")
    except SystemExit as error:
        print(error)
        return
    for number in lcbench.tasks()[:LCBENCH]:
        task = lcbench.Task(number)

        def truth(units: Floats, task: lcbench.Task = task) -> Floats:
            return task.truth(units, np.full(len(units), float(lcbench.FULL)))

        yield Problem(f"LCBench {number}, 7 ranges", lcbench.AXES, truth)


def regrets(problem: Problem, arm: str, seed: int, sampler: str) -> Sequence[float]:
    """The regret after each of `AFTER` trials."""
    units, values = problem.places()
    best, median = float(values.max()), float(np.median(values))
    scale = best - median
    rng = np.random.default_rng([seed, 5])
    right = units[values.argmax()] + OFF * rng.standard_normal(len(problem.axes))
    few = rng.integers(PLACES, size=BAD)
    wrong = units[few[values[few].argmin()]]
    at: Mapping[str, Floats] = {"right": np.clip(right, 0, 1), "wrong": wrong}
    resolved = _asked(problem.axes, at.get(arm), seed=seed, sampler=sampler)

    def true_at(rows: Floats) -> Floats:
        columns = [axis.units(rows[:, k]) for k, axis in enumerate(problem.axes)]
        return problem.truth(np.clip(np.stack(columns, axis=1), 0.0, 1.0))

    def scores(rows: Floats, epochs: int, numbers: Ints) -> Floats:  # the interface's
        luck = [np.random.default_rng([seed, 7, int(n)]).standard_normal() for n in numbers]
        return (true_at(rows) - median) / scale + NOISE * np.array(luck)

    search = product.Search(resolved, scores, 0).run(anytime=True)
    picks = [(n // lcbench.FULL, values) for n, values in search.picks]
    shown = []
    for trials in AFTER:
        last = [values for n, values in picks if n <= trials][-1]
        shown.append(float((best - true_at(last[None])[0]) / scale))
    return shown


def _asked(axes: Sequence[Axis], guess: Floats | None, **fields: object) -> product.AskedSpec:
    """The search of a user who trains elsewhere, with a guess for every range or none."""
    plain = product.asked(axes, **SPEC, **fields)
    if guess is None:
        return plain
    at = decode(axes, guess[None])[0]
    space = plain.spec.to_json()["space"]
    for axis, value in zip(axes, at, strict=True):
        space[axis.name]["guess"] = float(value)
    data = {"objective": "external", "space": space, **SPEC, **fields}
    resolved = parse(data, NO_DATASET, load())
    return product.AskedSpec(resolved.spec, resolved.facts, plain.axes)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tasks", default="", help="parts of names, separated by commas")
    parser.add_argument("--random", action="store_true", help="sampler random in place of gp")
    asked = parser.parse_args()
    sampler = "random" if asked.random else "gp"
    heads = [f"{arm}, {n}" for n in AFTER for arm in ARMS]
    print("|".join(["", " task ", *(f" {h} " for h in heads), ""]))
    print("|" + "---|" * (1 + len(heads)))
    whole = []
    for problem in problems():
        if not any(part in problem.name for part in asked.tasks.split(",")):
            continue
        rows = np.array([[regrets(problem, arm, seed, sampler) for arm in ARMS]
                         for seed in range(asked.seeds)])  # (seeds, arms, after)  # fmt: skip
        whole.append(rows)
        print(_line(problem.name, rows.mean(axis=0)), flush=True)
    if whole:
        print(_line("mean", np.concatenate(whole).mean(axis=0)))


def _line(name: str, means: Floats) -> str:
    """A row of the table: means (arms, after)."""
    return "|".join(["", f" {name} ", *(f" {x:.3f} " for x in means.T.ravel()), ""])


if __name__ == "__main__":
    main()
