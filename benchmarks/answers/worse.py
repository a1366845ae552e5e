"""A search against a baseline, and Optuna's in the same run: the worth of both settings on rows held back."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import listed
from benchmarks.answers.judge import judged
from benchmarks.answers.searches import Search, tpe
from benchmarks.answers.statistics import paired
from benchmarks.answers.tables import Tables
from hpsearch.records.chosen import same

MODELS = 5  # trainings of a setting that is judged
DIGITS = 6


def searched(tables: Tables, table: str, seed: int) -> dict[str, Any]:
    """The row of a table and a seed."""
    info = tables.split(table, seed)
    asked = {
        **listed.SEARCH, "space": listed.SPACE, "seed": seed,
        "baseline": listed.BASELINES[listed.baseline_of(seed)],
    }  # fmt: skip
    search = Search.of(tables.files, info, asked)
    plan = search.run()
    ours, base = plan.recommended.best.params, search.baseline
    theirs = tpe(search, epochs=search.epochs, seed=seed)
    scores = judged(
        tables.files, info, search.resolved, [base, ours, theirs], models=MODELS
    )  # fmt: skip
    row: dict[str, Any] = {
        "table": table, "seed": seed, "baseline": listed.baseline_of(seed), "train": info.n_train,
        "held_back": info.n_test, "epochs": search.epochs, "base": _short(scores[0].mean()),
    }  # fmt: skip
    for name, setting, values in (("ours", ours, scores[1]), ("tpe", theirs, scores[2])):
        gain = paired(values, scores[0])
        row[name] = {
            "gain": _short(gain.value), "error": _short(gain.error), "same": same(setting, base),
            "params": {key: float(f"{float(value):.4g}") for key, value in setting.items()},  # type: ignore[arg-type]  # all are numbers
        }  # fmt: skip
    row["ours"]["kept"] = list(plan.recommended.kept)
    return row


def _short(value: float) -> float:
    return round(float(value), DIGITS)
