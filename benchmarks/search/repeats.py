"""The tables' benchmark: the true mean of what a search recommends after 128 noisy evaluations.

Every peer is scored twice from one search: by its best value of 128, and with *the repeats
trick*: the first 96 evaluations, then four more of each of its eight best configurations, and
the best mean of five. Ours runs in rounds and recommends by posterior mean.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache, partial

import numpy as np

from benchmarks.search import hpobench, markdown, product
from benchmarks.search.cache import Cache, Row
from benchmarks.search.hpobench import AXES, Table, levels_at
from benchmarks.search.options import OURS, Options
from benchmarks.search.repeats_peers import PEERS
from hpsearch.arrays import Floats, Ints

EVALUATIONS = 128
REPEATED = 8
REPEATS = 4
EXAMPLES = 200  # of the validation part that hpsearch is told of
SPEC = {
    "rounds": 8,
    "trials_per_round": 16,
    "epochs": {"first": 1, "last": 1},
    "sampler": "gp",
    "stop_early": False,
}
TRICK = ", repeats"
Search = tuple[str, str, int]  # contender, task, seed

table_of = cache(Table)


def run_peer(name: str, task: str, seed: int) -> Row:
    """Run a search of a peer: true means of its pick, without and with the repeats trick."""
    table = table_of(task)
    sequence = np.random.SeedSequence([*task.encode(), seed])
    start = int(sequence.generate_state(1)[0])
    rng = np.random.default_rng(sequence.spawn(1)[0])
    rows: list[Floats] = []
    seen: list[float] = []

    def evaluate(row: Floats) -> float:
        value = float(table.draw(row[None], rng)[0])
        rows.append(row)
        seen.append(value)
        return value

    PEERS[name](evaluate, EVALUATIONS, start)
    levels, values = np.stack(rows)[:EVALUATIONS], np.array(seen)[:EVALUATIONS]
    plain = levels[int(np.argmax(values))]
    repeated = _best_repeated(table, levels, values, rng)
    return {"values": [float(v) for v in table.true(np.stack([plain, repeated]))]}


def _best_repeated(
    table: Table, levels: Floats, values: Floats, rng: np.random.Generator
) -> Floats:
    """The pick of the repeats trick; evaluations of one configuration are pooled."""
    explored = EVALUATIONS - REPEATED * REPEATS
    pooled: dict[tuple[int, ...], list[float]] = {}
    for row, value in zip(levels[:explored], values[:explored], strict=True):
        pooled.setdefault(tuple(int(k) for k in row), []).append(float(value))
    finalists = sorted(pooled, key=lambda row: -max(pooled[row]))[:REPEATED]
    for row in finalists:
        pooled[row] += table.draw(np.array([row] * REPEATS), rng).tolist()
    return np.array(max(finalists, key=lambda row: float(np.mean(pooled[row]))))


def run_ours(task: str, seed: int) -> Row:
    """Run a search of hpsearch: the true mean of its recommendation."""
    table = table_of(task)
    sequence = np.random.SeedSequence([*task.encode(), seed])
    rng = np.random.default_rng(sequence.spawn(2)[1])

    def levels(values: Floats) -> Floats:
        units = [axis.units(values[:, k]) for k, axis in enumerate(AXES)]
        return levels_at(np.stack(units, axis=1))

    def scores(values: Floats, epochs: int, _: Ints) -> Floats:
        return table.draw(levels(values), rng)

    start = int(sequence.generate_state(1)[0])
    resolved = product.spec(AXES, examples=EXAMPLES, seed=start, **SPEC)
    search = product.Search(resolved, scores, EXAMPLES).run()
    return {
        "values": table.true(levels(search.recommended[None])).tolist(),
        "trials": len(search.seen),
        "seconds": search.seconds,
    }


def peer_rows(store: Cache, seeds: int) -> dict[Search, Row]:
    """Every peer's searches, the cheap peers first, seed by seed."""
    return {
        (name, task, seed): store.get(f"{name}/{task}/{seed}", partial(run_peer, name, task, seed))
        for name, seed, task in itertools.product(PEERS, range(seeds), hpobench.tasks())
    }


def our_rows(store: Cache, seeds: int) -> dict[Search, Row]:
    """The searches of hpsearch."""
    return {
        (OURS, task, seed): store.get(f"{OURS}/{task}/{seed}", partial(run_ours, task, seed))
        for seed, task in itertools.product(range(seeds), hpobench.tasks())
    }


def regrets(rows: Mapping[Search, Row]) -> dict[str, dict[tuple[str, int], float]]:
    """Contender, peers with and without the trick -> (task, seed) -> normalised regret."""
    by_name: dict[str, dict[tuple[str, int], float]] = {}
    for (name, task, seed), row in rows.items():
        scale = table_of(task).reference()
        for value, suffix in zip(row["values"], ("", TRICK), strict=False):
            by_name.setdefault(name + suffix, {})[task, seed] = float(scale.regret(value))
    return by_name


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    seeds = options.seeds or 10
    rows = peer_rows(options.peers("hpobench"), seeds)
    if options.ours:
        rows |= our_rows(options.own("hpobench"), seeds)
    by_name = regrets(rows)
    tasks = hpobench.tasks()
    text = (
        f"## The pick under noise: HPOBench MLP tables, {len(tasks)} tasks, {seeds} seeds\n\n"
        f"{EVALUATIONS} noisy evaluations; (best - f) / (best - median) of the pick's true mean, "
        "mean ± standard error. *repeats*: the last quarter of the evaluations goes to repeats "
        "of the eight best.\n\n"
    )
    text += markdown.table(["", "mean", *tasks], _body(by_name, tasks))
    if OURS in by_name:
        ours = by_name.pop(OURS)
        best = markdown.best_of(by_name)
        text += f"\n- against {best}: {markdown.compared(ours, by_name[best])}\n"
        ratio = np.mean(list(ours.values())) / np.mean(list(by_name[best].values()))
        text += f"- its mean is {ratio:.2f} of that of the best peer\n"
    return text


def _body(
    by_name: Mapping[str, Mapping[tuple[str, int], float]], tasks: list[str]
) -> list[list[str]]:
    names = sorted(by_name, key=lambda name: float(np.mean(list(by_name[name].values()))))
    columns = [[markdown.mean(list(by_name[name].values())) for name in names]]
    for task in tasks:
        means = [float(np.mean([v for k, v in by_name[n].items() if k[0] == task])) for n in names]
        columns.append(markdown.bold([f"{m:.3f}" for m in means], means))
    return [[name, *[column[k] for column in columns]] for k, name in enumerate(names)]
