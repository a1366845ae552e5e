"""The list: who is compared, told what, on which searches, in which order.

It was fixed before its figures were seen; the loops alone had been tried, on one task, up to 500
epochs. Every peer that was started stands in the table
with the number of its searches; what cannot be run is in `ABSENT` with the reason. Whoever
adds a peer adds it here first, and commits that, and then computes its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.search import hpobench, lcbench

NOISE = 0.5  # accuracy points on LCBench
DEFAULTS, BEST = "defaults", "best settings"
LCBENCH, HPOBENCH = "lcbench", "hpobench"


@dataclass(frozen=True)
class Peer:
    """A package, its loop (`adapters`), and what it is told beside ranges, direction and seed.

    key
        The name of its file of rows.
    venv, package
        Its virtual environment and distribution; None for what needs no package.
    said
        The arguments in words, for the table.
    by_epoch
        True where its trials train for a part of the epochs: no contender where there is but one.
    seeds
        Searches for each task of a problem.
    """

    key: str
    name: str
    group: str
    venv: str | None
    package: str | None
    adapter: str
    said: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    by_epoch: bool = False
    noises: Sequence[float] = (NOISE, 0.0)
    seeds: Mapping[str, int] = field(default_factory=lambda: {LCBENCH: 5, HPOBENCH: 20})


SLOW = {"noises": (NOISE,), "seeds": {LCBENCH: 3, HPOBENCH: 3}}

PEERS: Sequence[Peer] = (
    Peer("random", "random", DEFAULTS, None, None, "by_chance", "full trainings"),
    Peer(
        "one-epoch", "one epoch each", DEFAULTS, None, None, "by_chance",
        "random draws, each trained for one epoch; the best of them", {"epochs": 1}, by_epoch=True,
    ),
    Peer(
        "optuna-tpe", "Optuna TPE", DEFAULTS, "optuna", "optuna", "optuna",
        "`TPESampler(seed)`", {"sampler": "TPESampler"},
    ),
    Peer("rustuna-tpe", "Rustuna TPE", DEFAULTS, "rustuna", "rustuna", "rustuna", "`TPESampler(seed)`"),
    Peer(
        "optuna-gp", "Optuna GPSampler", DEFAULTS, "optuna-gp", "optuna", "optuna_gp",
        "`GPSampler(seed)`", {"sampler": "GPSampler"},
    ),
    Peer(
        "smac", "SMAC3", DEFAULTS, "smac", "smac", "smac",
        "`HyperparameterOptimizationFacade`, `n_trials=76`",
        {"facade": "HyperparameterOptimizationFacade", "n_trials": 76},
    ),
    Peer("ax", "Ax", DEFAULTS, "ax", "ax-platform", "ax", "`Client(random_seed)`", **SLOW),
    Peer("hebo", "HEBO", DEFAULTS, "hebo", "HEBO", "hebo", "`HEBO(space, scramble_seed)`", **SLOW),
    Peer(
        "optuna-hyperband", "Optuna TPE + Hyperband", BEST, "optuna", "optuna", "optuna_hyperband",
        "`HyperbandPruner(1, 52, 3)`, looked at after 1, 3, 9, 27 and 52 epochs", by_epoch=True,
    ),
    Peer(
        "optuna-gp-exact", "Optuna GPSampler, told of no noise", BEST, "optuna-gp", "optuna",
        "optuna_gp", "`GPSampler(seed, deterministic_objective=True)`",
        {"sampler": "GPSampler", "deterministic_objective": True}, noises=(0.0,),
    ),
    Peer(
        "bayes-opt-sdr", "bayesian-optimization, domain reduction", BEST, "bayesian-optimization",
        "bayesian-optimization", "domain_reduction",
        "`SequentialDomainReductionTransformer()`, 5 random starts",
    ),
    Peer(
        "smac-once", "SMAC3, each configuration once", BEST, "smac", "smac", "smac",
        "`HyperparameterOptimizationFacade`, `n_trials=76, deterministic=True`",
        {"facade": "HyperparameterOptimizationFacade", "n_trials": 76, "deterministic": True},
    ),
    Peer(
        "smac-mf", "SMAC3, multi-fidelity", BEST, "smac", "smac", "smac",
        "`MultiFidelityFacade`, `n_trials=76, min_budget=2, max_budget=52` (its rungs are 6, 17, 52)",
        {"facade": "MultiFidelityFacade", "budgets": True, "n_trials": 76, "min_budget": 2},
        by_epoch=True,
    ),
    Peer(
        "bohb", "Syne Tune BOHB on ASHA", BEST, "syne-tune", "syne-tune", "syne_tune",
        "`BOHB(max_t=52)`, told of every epoch", {"scheduler": "BOHB"}, by_epoch=True,
    ),
    Peer(
        "cqr", "Syne Tune CQR on ASHA", BEST, "syne-tune", "syne-tune", "syne_tune",
        "`ASHACQR(max_t=52)`, told of every epoch", {"scheduler": "ASHACQR"}, by_epoch=True, **SLOW,
    ),
)  # fmt: skip
BY_KEY = {peer.key: peer for peer in PEERS}
ABSENT = {
    "optuna-hpf 0.1.0": "it advises on ranges after a search and proposes no trials; on a logarithmic "
    "range it measures the distance to an edge on the linear scale, and advises bounds below "
    "zero that Optuna refuses",
}

OURS_DEFAULT, OURS_BEST, OURS_LITERAL = "ours-default", "ours-best", "ours-literal"
OURS = (OURS_DEFAULT, OURS_BEST, OURS_LITERAL)


@dataclass(frozen=True)
class Job:
    """One search of a contender: `task` is an id of LCBench, or a name of HPOBench."""

    contender: str
    problem: str
    noise: float
    task: int | str
    seed: int


def tasks_of(problem: str) -> Sequence[int | str]:
    """The tasks of a problem, in their order."""
    return lcbench.tasks() if problem == LCBENCH else hpobench.tasks()


def planned(contender: str) -> list[Job]:
    """Every search of a contender that the list asks for, seed by seed."""
    ours = contender in OURS
    peer = None if ours else BY_KEY[contender]
    literal = contender == OURS_LITERAL
    jobs = []
    for problem in (LCBENCH, HPOBENCH):
        if problem == HPOBENCH and (literal or (peer is not None and peer.by_epoch)):
            continue
        noises = (NOISE, 0.0) if peer is None else peer.noises
        if problem == HPOBENCH:
            noises = tuple(noise for noise in noises if noise)  # its tables are noisy in themselves
        seeds = {LCBENCH: 5, HPOBENCH: 20} if peer is None else peer.seeds
        jobs += [
            Job(contender, problem, noise, task, seed)
            for seed in range(1 if literal else seeds[problem])
            for noise in (noises[:1] if literal else noises)
            for task in tasks_of(problem)
        ]
    return jobs


FAST = (OURS_DEFAULT, OURS_BEST, "random", "one-epoch", "optuna-tpe", "rustuna-tpe")
MIDDLE = (
    "bayes-opt-sdr", "bohb", "optuna-hyperband", "optuna-gp", "smac", "smac-once", "smac-mf",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Searches that are run together; `tasks` are the first and the last, by their place."""

    contenders: Sequence[str]
    tasks: tuple[int, int]
    seeds: Sequence[int] = (0,)
    noise: float = NOISE
    problem: str = LCBENCH


# Not everything may be computed in one go, so every peer gets some tasks before any gets all.
BLOCKS: Sequence[Block] = (
    Block(FAST, (0, 16)),
    Block(MIDDLE, (0, 4)),
    Block(("ax",), (0, 2)),
    Block(("hebo", "cqr"), (0, 1)),
    Block(FAST, (0, 16), seeds=(1,)),
    Block(FAST, (0, 16), noise=0.0),
    Block((OURS_LITERAL,), (0, 16)),
    Block(("optuna-gp-exact",), (0, 4), noise=0.0),
    Block(FAST, (0, 8), problem=HPOBENCH),
    Block(MIDDLE, (4, 8)),
    Block(("ax",), (2, 4)),
    Block(("bayes-opt-sdr", "optuna-gp", "smac"), (0, 8), problem=HPOBENCH),
    Block(FAST, (0, 8), seeds=(1, 2), problem=HPOBENCH),
    Block(FAST, (0, 16), seeds=(2,)),
    Block(MIDDLE, (8, 16)),
    Block(("hebo", "cqr", "ax"), (0, 8)),
)


def ordered() -> Iterator[Job]:
    """Every search of the list, once: the blocks in their order, then all that is left."""
    contenders = (*OURS, *(peer.key for peer in PEERS))
    plan = {job: None for contender in contenders for job in planned(contender)}
    for block in BLOCKS:
        tasks = tasks_of(block.problem)[slice(*block.tasks)]
        for contender in block.contenders:
            for seed in block.seeds:
                for task in tasks:
                    job = Job(contender, block.problem, block.noise, task, seed)
                    if job in plan:
                        del plan[job]
                        yield job
    yield from plan
