"""Numbers as targets: a metric of the test's own, from the spec to the reports."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.metrics import METRICS, Metric, mean_measured
from hpsearch.settings import load
from hpsearch.spec import ResolvedSpec, parse
from hpsearch.training import Task
from hpsearch.training import final as final_test
from hpsearch.training.data_splits import DataSplit, splits
from hpsearch.training.successive_halving import SuccessiveHalving
from hpsearch.trials import RoundKind, TrialReport, TrialState
from hpsearch.workloads import DatasetFacts

from .conftest import order

FACTS = DatasetFacts("d" * 64, 60, 4, 0, "regression")
ERROR = Metric(
    title="absolute error",
    task="regression",
    direction="minimise",
    unit="number",
    low=0.0,
    high=np.inf,
    pooled=mean_measured,
    compute=lambda predicted, targets: float(np.mean(np.abs(predicted - targets))),
)
SPEC = {
    "dataset": "prices", "objective": "absolute_error", "model": {"hidden_sizes": [8], "optimizer": "sgd"},
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}}, "seed": 5,
}  # fmt: skip
RATES = (0.001, 0.01, 0.05, 0.1, 1e4)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with METRICS.registered("absolute_error", ERROR):
        yield


def prices(rows: np.ndarray) -> nn.Examples:
    x = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 0.5, 0.0])).astype(np.float32)
    return nn.Examples(x, y, rows, np.zeros(4, np.float32), np.ones(4, np.float32))


def trained(info, kind: RoundKind = RoundKind.EXPLORE) -> tuple[Task, list[TrialReport]]:
    resolved: ResolvedSpec = parse(SPEC, FACTS, load())
    params = [{"learning_rate": rate} for rate in RATES]
    task = Task(order(info, params, kind=kind, rungs=(2, 8)), resolved, info)
    parts = [
        DataSplit(prices(rows.train), prices(rows.validation))
        for rows in splits(prices(np.arange(60)).y, seed=5, fraction=0.25, folds=None, repeats=2)
    ]
    run = SuccessiveHalving(task, parts, [range(5)], stack_size=0, stopped=lambda: False)
    return task, run.run()


def test_trials_are_ranked_by_the_negative_error(info) -> None:
    task, reports = trained(info)
    assert task.shape(0).loss == "squared_error"
    assert task.shape(0).outputs == 1
    *finite, hot = reports
    assert hot.state is TrialState.DIVERGED
    stopped = {r.index for r in finite if r.state is TrialState.STOPPED}
    at_rung = {r.index: r.curve[1][3] for r in finite}
    assert stopped == set(sorted(at_rung, key=at_rung.__getitem__)[: len(stopped)])
    best = max(finite, key=lambda r: r.score)
    assert -1.2 < best.score < 0  # the mean alone is off by 1.8
    assert {(r.correct, r.examples) for r in finite} == {(0, 0)}  # nothing is counted


def test_repeats_have_no_mask_where_nothing_is_classified(info) -> None:
    _, reports = trained(info, RoundKind.REPEAT)
    assert {r.correct_mask for r in reports} == {None}


def test_the_test_part_is_scored_by_the_metric(info) -> None:
    task, _ = trained(info)
    train, test = prices(np.arange(40)), prices(np.arange(40, 60))
    training = task.training([1], train, None, stopped=lambda: False, keep_weights=True)
    training.run_to(8)
    (outcome,) = training.outcomes()
    report, answers = final_test._score(task, 1, task.shape(1), outcome, test)
    assert report.score == -np.mean(np.abs(answers.predicted - test.targets))
    assert (report.test_correct, report.test_examples) == (None, 20)


def test_targets_that_are_numbers_are_split_by_chance() -> None:
    y = np.linspace(0, 1, 40)
    (one,) = splits(y, seed=1, fraction=0.25, folds=None, repeats=1)
    assert sorted([*one.train, *one.validation]) == list(range(40))
    assert len(one.validation) == 10
    assert len(splits(y, seed=1, fraction=0.25, folds=4, repeats=1)) == 4
