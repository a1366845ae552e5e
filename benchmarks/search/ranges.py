"""The range as an answer: what the final box holds, LCBench's learning rate x weight decay.

5 rounds of 20 full trainings with noise; the other hyperparameters stay in the middle of their
ranges. Regret and scores are accuracy points below the best of the task's plane, noise-free.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np

from benchmarks.search import lcbench, markdown, product
from benchmarks.search.cache import Cache, Row
from benchmarks.search.lcbench import AXES, FULL, Task
from benchmarks.search.options import OURS, Options
from benchmarks.search.range_rules import RULES, Round, narrowed, sobol, tpe
from hpsearch.arrays import Floats

ROUNDS, TRIALS = 5, 20
NOISE = 0.5  # accuracy points
LOST = 1.0  # accuracy points that a final box must be able to come within
GRID = 101  # points a side that the best of a plane is taken from
INNER = 21  # points a side that the best inside a box is taken from
POINTS = 200  # random points of a final box
EXAMPLES = 1000  # of the validation part that hpsearch is told of
SPEC = {
    "rounds": ROUNDS,
    "trials_per_round": TRIALS,
    "epochs": {"first": FULL, "last": FULL},
    "sampler": "gp",
    "stop_early": False,
}
PLANE = tuple(k for k, axis in enumerate(AXES) if axis.ours in ("learning_rate", "weight_decay"))
TPE = "Optuna TPE, batches of 20"
PEERS = (*RULES, TPE)
Search = tuple[str, int, int]  # contender, task, seed


class Plane:
    """Learning rate x weight decay of one task, as the unit square."""

    def __init__(self, task: int) -> None:
        self.task = Task(task)
        self.axes = [AXES[k] for k in PLANE]
        self.grid = _mesh(np.zeros(2), np.ones(2), GRID)
        self.grid_values = self.true(self.grid)
        self.best = float(self.grid_values.max())

    def true(self, places: Floats) -> Floats:
        """Noise-free accuracy in percent (n,) at places (n, 2)."""
        units = np.full((len(places), len(AXES)), 0.5)
        units[:, PLANE] = places
        return self.task.truth(units, np.full(len(places), float(FULL)))

    def scored(self, rounds: Sequence[Round], pick: Floats, box: Floats, seed: int) -> Row:
        """The figures of one search: its pick (2,) and its final box (2, 2)."""
        within = np.all((self.grid >= box[0]) & (self.grid <= box[1]), axis=1)
        trained = np.concatenate([r[0] for r in rounds])
        trained = trained[np.all((trained >= box[0]) & (trained <= box[1]), axis=1)]
        inner = np.concatenate([_mesh(*box, INNER), trained])
        reach = max([float(self.true(inner).max()), *self.grid_values[within].tolist()])
        rng = np.random.default_rng([self.task.id, seed, POINTS])
        drawn = box[0] + rng.random((POINTS, 2)) * (box[1] - box[0])
        below = self.best - self.true(drawn)
        return {
            "regret": self.best - float(self.true(pick[None])[0]),
            "reach": self.best - reach,
            "below": np.quantile(below, np.linspace(0.025, 0.975, 20)).round(4).tolist(),
            "width": float(np.prod(box[1] - box[0])),
        }


def _mesh(low: Floats, high: Floats, side: int) -> Floats:
    axes = [np.linspace(a, b, side) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def observer(plane: Plane, seed: Sequence[int]) -> Callable[[Floats], Floats]:
    """Noisy values at places, from one stream of noise for each search."""
    rng = np.random.default_rng([*seed, 1])
    return lambda places: plane.true(places) + NOISE * rng.standard_normal(len(places))


plane_of = cache(Plane)


def run_peer(name: str, task: int, seed: int) -> Row:
    """Run a search of a peer; its pick is its best value seen."""
    plane, key = plane_of(task), [task, seed]
    observe = observer(plane, key)
    if name == TPE:
        rounds, box = tpe(observe, ROUNDS, TRIALS, key)
    elif name == "Sobol":
        rounds, box = sobol(observe, ROUNDS, TRIALS, key)
    else:
        rounds, box = narrowed(RULES[name], observe, ROUNDS, TRIALS, key)
    places = np.concatenate([r[0] for r in rounds])
    values = np.concatenate([r[1] for r in rounds])
    return plane.scored(rounds, places[int(np.argmax(values))], box, seed)


def run_ours(task: int, seed: int) -> Row:
    """Run a search of hpsearch: its recommendation and its final range."""
    plane, key = plane_of(task), [task, seed]
    observe = observer(plane, key)
    axes = plane.axes

    def units(values: Floats) -> Floats:
        return np.stack([axis.units(values[:, k]) for k, axis in enumerate(axes)], axis=1)

    start = int(np.random.SeedSequence(key).generate_state(1)[0])
    resolved = product.spec(axes, examples=EXAMPLES, seed=start, **SPEC)
    search = product.Search(
        resolved, lambda values, *_: observe(units(values)) / 100, EXAMPLES
    ).run()
    trained = units(search.values([o.params for o in search.seen]))
    box = np.clip(units(search.edges), 0.0, 1.0)
    pick = units(search.recommended[None])[0]
    row = plane.scored([(trained, np.zeros(len(trained)))], pick, box, seed)
    return {**row, "trials": len(search.seen), "seconds": search.seconds}


def peer_rows(store: Cache, seeds: int) -> dict[Search, Row]:
    """Every peer's searches."""
    return {
        (name, task, seed): store.get(f"{name}/{task}/{seed}", partial(run_peer, name, task, seed))
        for name, seed, task in itertools.product(PEERS, range(seeds), lcbench.tasks())
    }


def our_rows(store: Cache, seeds: int) -> dict[Search, Row]:
    """The searches of hpsearch."""
    return {
        (OURS, task, seed): store.get(f"{OURS}/{task}/{seed}", partial(run_ours, task, seed))
        for seed, task in itertools.product(range(seeds), lcbench.tasks())
    }


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    seeds = options.seeds or 20
    rows = peer_rows(options.peers("range"), seeds)
    if options.ours:
        rows |= our_rows(options.own("range"), seeds)
    names = list(dict.fromkeys(key[0] for key in rows))
    return (
        f"## The range as an answer: LCBench, learning rate x weight decay, {ROUNDS} x {TRIALS} "
        f"trials, noise sd {NOISE:g} points, {len(rows) // len(names)} searches\n\n"
        "In accuracy points below the best of the plane, noise-free. Regret: of the pick, mean ± "
        f"standard error. Lost: the final box holds nothing within {LOST:g} point of the best. "
        "Random point: of the final box; the median over all searches and points, and the mean "
        "over searches of each one's median. Width: median share of the plane.\n\n"
        + markdown.table(
            ["", "regret", "lost", "random point, median", "mean of medians", "width"],
            [[n, *_figures([r for k, r in rows.items() if k[0] == n])] for n in names],
        )
    )


def _figures(rows: Sequence[Mapping[str, object]]) -> list[str]:
    below = np.array([row["below"] for row in rows], dtype=float)
    reach = np.array([row["reach"] for row in rows], dtype=float)
    return [
        markdown.mean([float(row["regret"]) for row in rows]),  # type: ignore[arg-type]  # a number
        f"{np.mean(reach > LOST):.1%}",
        f"{np.median(below):.2f}",
        f"{np.median(below, axis=1).mean():.2f}",
        f"{np.median([row['width'] for row in rows]):.1%}",  # type: ignore[arg-type]  # a number
    ]
