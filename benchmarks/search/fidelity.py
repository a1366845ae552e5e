"""The fidelity benchmark: regret of the pick after so many epochs of training, on LCBench.

The pick of a peer is made by the better of two rules, chosen for each peer by its own mean:
the best value seen at the highest rung reached, or the best value seen at any rung. Ours is
the coordinator's recommendation after the last round within the budget. A pick is scored by
its noise-free value after a full training.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache, partial

import numpy as np

from benchmarks.search import lcbench, markdown, product
from benchmarks.search.cache import Cache, Row
from benchmarks.search.fidelity_peers import PEERS
from benchmarks.search.lcbench import AXES, FULL, Reference
from benchmarks.search.options import OURS, Options
from benchmarks.search.trainer import Seen, SpentError, Trainer
from hpsearch.arrays import Floats

BUDGETS = (250, 500, 1000, 2000, 4000)
NOISE = 0.5  # accuracy points
RULES = ("highest rung", "any rung")
EXAMPLES = 1000  # of the validation part that hpsearch is told of
SPEC = {
    "rounds": 24,
    "trials_per_round": {"first": 32, "last": 4},
    "cohort": 32,
    "epochs": {"first": 2, "last": FULL, "budget": max(BUDGETS)},
    "sampler": "gp",
    "finalists": {"rounds": 0},
    "stop_early": False,
}
Search = tuple[str, float, int, int]  # contender, noise, task, seed

task_of = cache(lcbench.Task)


def picks(log: Sequence[Seen], budget: int) -> list[int | None]:
    """Trial that each of `RULES` picks from what was seen within `budget`; None: nothing yet."""
    seen = [s for s in log if s.spent <= budget]
    if not seen:
        return [None, None]
    top = max(s.epochs for s in seen)
    highest = max((s for s in seen if s.epochs == top), key=lambda s: s.value)
    anywhere = max(seen, key=lambda s: s.value)
    return [highest.trial, anywhere.trial]


def run_peer(name: str, task_id: int, seed: int, noise: float) -> Row:
    """Run a search of a peer: true values of its picks, (rules, budgets)."""
    task = task_of(task_id)
    rng = np.random.default_rng([task_id, seed, int(1000 * noise)])
    trainer = Trainer(task.truth, len(AXES), noise, max(BUDGETS), rng)
    start = int(np.random.SeedSequence([task_id, seed]).generate_state(1)[0])
    try:
        PEERS[name](trainer, start)
    except SpentError:
        pass  # how every search ends
    chosen = np.array([picks(trainer.log, b) for b in BUDGETS]).T
    values = task.truth(np.stack(trainer.places), np.full(len(trainer.places), float(FULL)))
    return {
        "values": [[float(values[k]) for k in row] for row in chosen],
        "trials": len({s.trial for s in trainer.log}),
    }


def run_ours(task_id: int, seed: int, noise: float) -> Row:
    """Run a search of hpsearch: true values of its recommendation at every budget."""
    task = task_of(task_id)
    rng = np.random.default_rng([task_id, seed, int(1000 * noise), 1])

    def scores(values: Floats, epochs: int) -> Floats:
        exact = task.at_values(values, epochs)
        return (exact + noise * rng.standard_normal(len(values))) / 100

    start = int(np.random.SeedSequence([task_id, seed]).generate_state(1)[0])
    resolved = product.spec(AXES, examples=EXAMPLES, seed=start, **SPEC)
    search = product.Search(resolved, scores, EXAMPLES).run(anytime=True)
    picks = []
    for budget in BUDGETS:
        within = [pick for spent, pick in search.picks if spent <= budget]
        picks.append((within or [search.picks[0][1]])[-1])
    return {
        "values": [task.at_values(np.stack(picks), FULL).tolist()],
        "trials": len(search.seen),
        "epochs": search.spent,
        "rounds": [spent for spent, _ in search.picks],
        "seconds": search.seconds,
    }


def peer_rows(store: Cache, seeds: int) -> dict[Search, Row]:
    """Every peer's searches, the cheap peers first, seed by seed."""
    rows = {}
    for name in PEERS:
        for seed, noise, task in itertools.product(range(seeds), (0.0, NOISE), lcbench.tasks()):
            key = f"{name}/{task}/{seed}/{noise}"
            rows[name, noise, task, seed] = store.get(
                key, partial(run_peer, name, task, seed, noise)
            )
    return rows


def our_rows(store: Cache, seeds: int) -> dict[Search, Row]:
    """The searches of hpsearch."""
    return {
        (OURS, noise, task, seed): store.get(
            f"{OURS}/{task}/{seed}/{noise}", partial(run_ours, task, seed, noise)
        )
        for seed, noise, task in itertools.product(range(seeds), (0.0, NOISE), lcbench.tasks())
    }


def regrets(rows: Mapping[Search, Row], noise: float) -> dict[str, dict[tuple[int, int], Floats]]:
    """Contender -> (task, seed) -> normalised regret at every budget, by its better rule."""
    scale = references(rows)
    by_name: dict[str, dict[tuple[int, int], Floats]] = {}
    for name in dict.fromkeys(key[0] for key in rows):
        mine = {k[2:]: row for k, row in rows.items() if k[:2] == (name, noise)}
        scored = {k: scale[k[0]].regret(np.array(row["values"])) for k, row in mine.items()}
        if not scored:
            continue
        means = np.mean(list(scored.values()), axis=(0, 2))
        rule = int(np.argmin(means))
        by_name[name] = {k: values[rule] for k, values in scored.items()}
    return by_name


def references(rows: Mapping[Search, Row]) -> dict[int, Reference]:
    """The scale of every task that was searched."""
    return {task: reference(task) for task in dict.fromkeys(key[2] for key in rows)}


@cache
def reference(task: int) -> Reference:
    """The scale of one task."""
    return task_of(task).reference()


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    seeds = options.seeds or 5
    rows = peer_rows(options.peers("lcbench"), seeds)
    if options.ours:
        rows |= our_rows(options.own("lcbench"), seeds)
    parts = [f"## Regret by epochs trained: LCBench, 16 tasks, {len(AXES)} hyperparameters\n"]
    parts.append(
        "(best - f) / (best - median) of the pick's noise-free value after 52 epochs; best and "
        f"median of {lcbench.DRAWS:,} random draws, so that a value below 0 beats them all. Mean "
        "± standard error over tasks and seeds. Peers train one trial after the other; each is "
        "given the better of two rules for its pick.\n"
    )
    for noise in (0.0, NOISE):
        cpu = {n: _cpu(rows, n, noise) for n in dict.fromkeys(key[0] for key in rows)}
        parts.append(_part(regrets(rows, noise), noise, cpu))
    return "\n".join(parts)


def _cpu(rows: Mapping[Search, Row], name: str, noise: float) -> float:
    """Mean CPU seconds of a search; the simulated trainings are a small part of it."""
    return float(np.mean([row["cpu"] for key, row in rows.items() if key[:2] == (name, noise)]))


def _part(
    regret: Mapping[str, Mapping[tuple[int, int], Floats]], noise: float, cpu: Mapping[str, float]
) -> str:
    names = list(regret)
    columns = np.array([np.mean(list(regret[n].values()), axis=0) for n in names])
    cells = [
        markdown.bold(
            [markdown.mean([v[b] for v in regret[n].values()]) for n in names],
            columns[:, b].tolist(),
        )
        for b in range(len(BUDGETS))
    ]
    body = [
        [n, *[column[k] for column in cells], str(len(regret[n])), f"{cpu[n]:.1f}"]
        for k, n in enumerate(names)
    ]
    title = f"### Noise sd {noise:g} points\n" if noise else "### Without noise\n"
    text = title + "\n" + markdown.table(["", *map(str, BUDGETS), "searches", "CPU s"], body)
    if OURS in regret:
        text += "\n" + "\n".join(_against_best(regret, b) for b in range(len(BUDGETS))) + "\n"
    return text


def _against_best(regret: Mapping[str, Mapping[tuple[int, int], Floats]], budget: int) -> str:
    at = {n: {k: float(v[budget]) for k, v in rows.items()} for n, rows in regret.items()}
    ours = at.pop(OURS)
    best = markdown.best_of(at)
    return f"- {BUDGETS[budget]}: against {best} {markdown.compared(ours, at[best])}"
