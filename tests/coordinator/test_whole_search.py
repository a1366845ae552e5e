"""Whole searches without training: a formula or a table says how well a trial did.

Everything is seeded, so a failure is a change of behaviour, never bad luck.
"""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.builders import resolve, search

from hpsearch.reasons import words
from hpsearch.space import Params, inside
from hpsearch.trials import FinalPlan, Verdict

SEEDS = range(12)
# The boundary trap of the textbook: the best learning rate lies a decade above its range.
TRAP = {
    "learning_rate": {"low": 1e-6, "high": 1e-2, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-4, "scale": "log"},
}
BEST_RATE = 0.1
NOISE = 0.01


def trapped(params: Params, epochs: int) -> float | None:
    """Accuracy with its top at a rate of 0.1; weight decay has no effect; 10 diverges."""
    rate = math.log10(float(params["learning_rate"]))  # type: ignore[arg-type]
    if rate > 1:
        return None
    return 0.95 - 0.08 * abs(rate - math.log10(BEST_RATE)) - 0.1 / epochs


@cache  # three tests look at the same searches
def searched(seed: int):
    return search(resolve(space=TRAP, seed=seed), trapped, noise=NOISE)


def test_an_optimum_outside_the_asked_range_is_reached():
    reached = recommended = 0
    for seed in SEEDS:
        rounds, _, final = searched(seed)
        assert isinstance(final, FinalPlan)
        assert rounds[0].box["learning_rate"].high == 1e-2
        reached += final.box["learning_rate"].contains(BEST_RATE)
        away = math.log10(final.recommended.best.params["learning_rate"] / BEST_RATE)
        recommended += abs(away) < 0.5
    assert reached >= 0.9 * len(SEEDS)
    assert recommended >= 0.9 * len(SEEDS)


def test_a_range_that_may_not_expand_says_that_it_is_open():
    space = {**TRAP, "learning_rate": {**TRAP["learning_rate"], "hard_high": 1e-2}}
    for seed in range(4):
        resolved = resolve(space=space, seed=seed)
        rounds, _, final = search(resolved, trapped, noise=NOISE)
        assert all(r.box["learning_rate"].high == 1e-2 for r in rounds)
        said = [d for r in [*rounds[1:], final] for d in r.decisions if d.name == "learning_rate"]
        assert Verdict.OPEN_HIGH in {d.verdict for d in said}
        assert any("beyond which nothing was tried" in words(d.reason) for d in said)


def test_an_irrelevant_dimension_is_mostly_unidentified():
    verdicts = []
    for seed in SEEDS:
        rounds, _, final = searched(seed)
        for plan in [*rounds[1:], final]:
            verdicts += [d.verdict for d in plan.decisions if d.name == "weight_decay"]
    share = verdicts.count(Verdict.UNIDENTIFIED) / len(verdicts)
    assert share >= 0.75, f"{share:.0%} of {len(verdicts)} decisions"


def test_a_relevant_dimension_is_mostly_identified():
    verdicts = []
    for seed in SEEDS:
        rounds, _, _ = searched(seed)
        verdicts += [d.verdict for d in rounds[1].decisions if d.name == "learning_rate"]
    assert verdicts.count(Verdict.OPEN_HIGH) >= 0.9 * len(verdicts)


def test_a_round_that_diverges_lowers_the_learning_rate():
    space = {"learning_rate": {"low": 10.0, "high": 1000.0, "scale": "log"}}
    for seed in range(4):
        resolved = resolve(space=space, seed=seed, rounds=6)
        rounds, seen, final = search(resolved, trapped, noise=NOISE)
        assert not any(o.finite for o in seen if o.round == 1)
        before, after = (r.box["learning_rate"] for r in rounds[:2])
        assert after.low < before.low
        assert after.high < before.high
        assert "all 32 trials of the round diverged" in words(rounds[1].decisions[0].reason)
        assert isinstance(final, FinalPlan)
        assert final.recommended.best.finite


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_a_search_is_the_same_every_time_and_for_every_job_size(sampler):
    for seed in range(3):
        one = search(resolve(space=TRAP, seed=seed, sampler=sampler), trapped, noise=NOISE)
        two = search(
            resolve(space=TRAP, seed=seed, sampler=sampler), trapped, noise=NOISE, job_size=5
        )
        assert [r.trials for r in one[0]] == [r.trials for r in two[0]]
        assert one[1:] == two[1:]


def test_narrowing_finds_better_ranges_than_the_asked_ones():
    """What a random point of the best range scores, against one of the asked range."""
    gains = []
    for seed in SEEDS:
        resolved = resolve(space={"learning_rate": {"low": 1e-6, "high": 1.0, "scale": "log"}},
                           seed=seed)  # fmt: skip
        _, _, final = search(resolved, trapped, noise=NOISE)
        units = (np.arange(100) + 0.5) / 100
        scores = [
            np.mean([trapped({"learning_rate": d.from_unit(u)}, 20) for u in units])
            for d in (final.box["learning_rate"], resolved.box["learning_rate"])
        ]
        gains.append(scores[0] - scores[1])
    assert np.median(gains) > 0.1
    assert min(gains) > 0


# --- the surrogate of LCBench ----------------------------------------------------------------


def _lcbench() -> tuple[ModuleType, Path]:
    """The surrogate's module and weights, from HPSEARCH_BENCH_DATA or beside the project."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("HPSEARCH_BENCH_DATA", beside)) / "lcbench"
    if not (folder / "lcbench.py").exists():
        pytest.skip("LCBench is missing: set HPSEARCH_BENCH_DATA to the benchmark data")
    spec = importlib.util.spec_from_file_location("lcbench", folder / "lcbench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, folder / "lcbench_weights.npz"


LC_SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log", "hard_low": 1e-4,
                      "hard_high": 1e-1},
    "weight_decay": {"low": 1e-5, "high": 1e-1, "scale": "log", "hard_low": 1e-5,
                     "hard_high": 1e-1},
}  # fmt: skip


@pytest.fixture(scope="module")
def tasks() -> dict[int, Callable[[Sequence[Params], int], np.ndarray]]:
    """Accuracies of networks by learning rate and weight decay, for each task."""
    module, weights = _lcbench()
    with np.load(weights) as stored:
        ids = [int(t) for t in stored["task_ids"]]

    def task(number: int) -> Callable[[Sequence[Params], int], np.ndarray]:
        table = module.LCBench(weights, number)

        def accuracies(trials: Sequence[Params], epochs: int) -> np.ndarray:
            rows = [[min(epochs, 52), 128, p["learning_rate"], 0.9, p["weight_decay"], 3, 256, 0.2]
                    for p in trials]  # fmt: skip
            return table(rows)[:, 1] / 100

        return accuracies

    return {number: task(number) for number in ids}


@pytest.mark.data
def test_lcbench_ranges_keep_what_is_good_and_leave_what_is_not(tasks):
    """16 tasks, 4 rounds of 32: the pick is good, and so is the range around it."""
    regrets, gains, lost = [], [], 0
    for seed, (_, accuracies) in enumerate(sorted(tasks.items())):

        def accuracy(params, epochs, accuracies=accuracies):
            return float(accuracies([params], epochs)[0])

        resolved = resolve(space=LC_SPACE, seed=seed, epochs={"first": 52, "last": 52})
        _, _, final = search(resolved, accuracy, noise=0.005)
        assert isinstance(final, FinalPlan)
        draws = np.random.default_rng(seed).random((400, 2))

        def points(box, draws=draws):
            names = sorted(box)
            return [{n: box[n].from_unit(u) for n, u in zip(names, d, strict=True)} for d in draws]

        everywhere = points(resolved.box)
        scores = accuracies(everywhere, 52)
        regrets.append(scores.max() - accuracy(final.recommended.best.params, 52))
        inner = accuracies(points(final.box), 52)
        gains.append(float(np.median(inner) - np.median(scores)))
        lost += max(inner) < scores.max() - 0.01
        assert inside(final.box, final.recommended.best.params)
    assert np.median(regrets) < 0.01
    assert np.median(gains) > 0
    assert lost <= 2


def test_null_wins_where_it_is_best_and_is_named_as_such():
    """The sampler draws it, the surrogate models it, narrowing keeps it and words it."""

    def truth(params: Params, epochs: int) -> float | None:
        lost = 0.0 if params["clip_norm"] is None else 0.15
        lost += 0.1 if params["class_weight"] is None else 0.0
        return 0.9 - lost - 0.1 / epochs

    space = {
        "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
        "clip_norm": {"choices": [None, 0.5, 5.0]},
        "class_weight": {"choices": ["balanced", None]},
    }
    rounds, _, final = search(resolve(space=space, trials_per_round=32), truth, noise=0.005)
    assert isinstance(final, FinalPlan)
    drawn = {(p["clip_norm"], p["class_weight"]) for p in rounds[0].trials}
    assert len(drawn) == 6
    best = final.recommended.best.params
    assert (best["clip_norm"], best["class_weight"]) == (None, "balanced")
    said = [words(d.reason) for plan in (*rounds, final) for d in plan.decisions]
    assert any(s.startswith("dropped null: after") for s in said), said
    assert not any("None" in s for s in said)
