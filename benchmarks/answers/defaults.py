"""A search with every default beside Optuna's TPE: the worth of both answers on rows held back."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import listed
from benchmarks.answers.judge import judged
from benchmarks.answers.searches import Search, tpe
from benchmarks.answers.statistics import paired
from benchmarks.answers.tables import Tables

MODELS = 5  # trainings of a setting that is judged
DIGITS = 6


def searched(tables: Tables, table: str, seed: int) -> dict[str, Any]:
    """The row of a table and a seed.

    TPE has the whole budget of the plan, in full trainings of its length, where ours may end before.
    """
    info = tables.split(table, seed)
    search = Search.of(tables.files, info, {**listed.DEFAULTS, "seed": seed})
    ours = search.run().recommended
    budget = search.resolved.epochs_planned
    theirs = tpe(search, epochs=budget, seed=seed)
    scores = judged(tables.files, info, search.resolved, [ours.best.params, theirs], models=MODELS)
    ahead = paired(scores[0], scores[1])
    return {
        "table": table, "seed": seed, "train": info.n_train, "held_back": info.n_test,
        "budget": budget, "epochs": search.epochs, "trials": len(search.seen),
        "ours": _short(scores[0].mean()), "tpe": _short(scores[1].mean()),
        "ahead": _short(ahead.value), "error": _short(ahead.error),
        "params": {name: float(f"{float(value):.4g}") for name, value in ours.best.params.items()},  # type: ignore[arg-type]  # all are numbers
    }  # fmt: skip


def _short(value: float) -> float:
    return round(float(value), DIGITS)
