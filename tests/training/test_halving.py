"""Who goes on after a rung, and cohorts in lockstep: nothing but the plan may change a result."""

from __future__ import annotations

import itertools
import math
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.errors import Fenced
from hpsearch.spec import schedule
from hpsearch.spec.halving import RungScore, survivors
from hpsearch.training import Task, Trainer
from hpsearch.trials import JobOrder, TrialReport, TrialState

from .conftest import PARAMS, RUNGS, halved, order, part_of, picky

MANY = [
    {"learning_rate": rate, "dropout": 0.1, "activation": kind, "optimizer": optimizer}
    for rate in (0.003, 0.02, 0.1, 0.3, 1.0, 5e3)
    for kind in ("relu", "tanh")
    for optimizer in ("sgd", "adam")
]
few = st.integers(0, 3).map(float)
rung_scores = st.dictionaries(st.integers(0, 99), st.builds(RungScore, few, few), max_size=20)


@given(rung_scores, st.integers(0, 25))
def test_the_best_go_on_as_many_as_there_are_places(found: dict, places: int) -> None:
    best = survivors(found, places)
    assert len(best) == min(places, len(found))
    assert best <= found.keys()
    for inside, outside in itertools.product(best, found.keys() - best):
        a, b = found[inside], found[outside]
        assert (-a.score, a.loss, inside) < (-b.score, b.loss, outside)


@given(rung_scores, st.integers(0, 25), st.randoms())
def test_the_order_of_the_trials_does_not_matter(found: dict, places: int, random) -> None:
    shuffled = list(found.items())
    random.shuffle(shuffled)
    assert survivors(dict(shuffled), places) == survivors(found, places)


@given(rung_scores, st.integers(0, 24))
def test_one_more_place_sends_nobody_home(found: dict, places: int) -> None:
    assert survivors(found, places) <= survivors(found, places + 1)


@given(rung_scores, st.integers(1, 25), st.integers(100, 200), few)
def test_a_better_trial_takes_the_last_place_alone(found, places, index, loss) -> None:
    """And without it, which is what a fault amounts to, the next one in line has it."""
    with_it = survivors({**found, index: RungScore(9.0, loss)}, places)
    assert with_it - {index} <= survivors(found, places)
    assert len(survivors(found, places) - with_it) <= 1


@pytest.fixture(scope="module")
def full(files: DatasetStore, info: DatasetInfo) -> dict[int, TrialReport]:
    """Every trial trained to the end, each by itself."""
    whole = order(info, MANY, rungs=(RUNGS[-1],))
    found = Trainer(files, stack_size=1).run(whole).trials
    assert {t.state for t in found} == {TrialState.COMPLETED, TrialState.DIVERGED}
    return {t.index: t for t in found}


def run(files: DatasetStore, *orders: JobOrder, stack_size: int = 0) -> dict[int, TrialReport]:
    trainer = Trainer(files, stack_size=stack_size)
    return {t.index: t for job in orders for t in trainer.run(job).trials}


def expected(full, cohorts, failing=None) -> dict[int, TrialReport]:
    members = [[i for i, c in enumerate(cohorts) if c == number] for number in set(cohorts)]
    return {k: v for m in members for k, v in halved(full, m, RUNGS, failing).items()}


numbers = st.lists(st.integers(0, 4), min_size=len(MANY), max_size=len(MANY))


waiting = st.sampled_from([0.0, 3e3, 1e9])  # bytes: no network waits in memory, some do, all do


@settings(max_examples=25)
@given(numbers, st.sampled_from([0, 1, 2, 3, 7]), st.integers(1, 5), waiting)
def test_cohorts_are_halved_the_same_in_any_jobs_and_stacks(
    files, info, full, cohorts, stack_size, jobs, waiting
) -> None:
    """Jobs hold whole cohorts; how many, in which stacks and memory, changes no bit of a report."""
    whole = order(info, MANY, rungs=RUNGS, cohorts=cohorts)
    cut = [
        part_of(whole, [p for p, c in enumerate(cohorts) if c % jobs == job]) for job in range(jobs)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpsearch.training.successive_halving.WAITING_BYTES", waiting)
        found = run(files, *(job for job in cut if job.indices), stack_size=stack_size)
    assert found == expected(full, cohorts)


@settings(max_examples=25)
@given(cohorts=numbers, random=st.randoms(), shuffled=st.permutations(range(len(MANY))))
def test_positions_in_a_job_do_not_matter(files, info, full, cohorts, random, shuffled) -> None:
    whole = order(info, MANY, rungs=RUNGS, cohorts=cohorts)
    assert run(files, part_of(whole, shuffled)) == expected(full, cohorts)


@settings(max_examples=25)
@given(
    cohorts=numbers,
    stack_size=st.sampled_from([0, 1, 2, 7]),
    culprit=st.integers(0, len(MANY) - 1),
    after=st.integers(0, RUNGS[-1] - 1),
    waiting=waiting,
)
def test_a_culprit_falls_out_and_nobody_else_notices(
    files, info, full, cohorts, stack_size, culprit, after, waiting
) -> None:
    """It fails where it raises, if it gets there; the next in line has its place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpsearch.training.successive_halving.WAITING_BYTES", waiting)
        patch.setattr(nn, "Training", picky(culprit, after))
        found = run(files, order(info, MANY, rungs=RUNGS, cohorts=cohorts), stack_size=stack_size)
    assert found == expected(full, cohorts, {culprit: after})


def test_a_fault_of_the_company_changes_nothing(files, info, full, monkeypatch) -> None:
    """Whatever raised in the stacks does not when each trial is by itself."""

    class Shy(nn.Training):
        def run_to(self, epoch):
            if len(self.live) > 1 and epoch > 1:
                raise FloatingPointError("too many")
            return super().run_to(epoch)

    monkeypatch.setattr(nn, "Training", Shy)
    cohorts = [0] * len(MANY)
    assert run(files, order(info, MANY, rungs=RUNGS)) == expected(full, cohorts)


@pytest.mark.parametrize("size", range(1, 13))
def test_as_many_train_as_the_plan_counts(files, info, size) -> None:
    params = [{**PARAMS[0], "learning_rate": 0.01 * (1 + i)} for i in range(size)]
    found = run(files, order(info, params, rungs=RUNGS))
    planned = schedule.cohort_sizes(size, RUNGS)
    assert tuple(sum(t.epochs >= rung for t in found.values()) for rung in RUNGS) == planned
    assert sum(t.epochs for t in found.values()) == schedule.cohort_epochs(size, RUNGS)
    assert all(
        t.state is (TrialState.COMPLETED if t.epochs == RUNGS[-1] else TrialState.STOPPED)
        for t in found.values()
    )


def test_diverged_trials_take_nobody_s_place(files, info) -> None:
    """Of 8, 4 go on; where 5 diverge, all 3 others do, and then 2 of them."""
    hot = [{**PARAMS[0], "learning_rate": 5e3}] * 5
    fine = [{**PARAMS[0], "learning_rate": rate} for rate in (0.01, 0.02, 0.03)]
    found = run(files, order(info, hot + fine, rungs=(2, 4, 8)))
    states = [found[i].state for i in range(8)]
    assert states[:5] == [TrialState.DIVERGED] * 5
    assert sorted(found[i].epochs for i in range(5, 8)) == [4, 8, 8]


def test_everybody_may_diverge(files, info) -> None:
    found = run(files, order(info, [PARAMS[12]] * 4, rungs=RUNGS))
    assert {t.state for t in found.values()} == {TrialState.DIVERGED}
    assert {t.score for t in found.values()} == {None}


def test_the_training_stops_when_asked(files, info) -> None:
    asked = itertools.count()
    with pytest.raises(Fenced):
        Trainer(files).run(order(info, MANY, rungs=RUNGS), stopped=lambda: next(asked) > 5)
    assert next(asked) == 7


def test_cohorts_that_do_not_fit_the_memory_train_one_after_another(
    files, info, full, monkeypatch
) -> None:
    cohorts = [i % 3 for i in range(len(MANY))]
    monkeypatch.setattr("hpsearch.training._TOGETHER_BYTES", 1.0)
    made = []
    train = nn.Training
    monkeypatch.setattr(nn, "Training", lambda *a, **k: made.append(len(a[1])) or train(*a, **k))
    found = run(files, order(info, MANY, rungs=RUNGS, cohorts=cohorts))
    assert found == expected(full, cohorts)
    assert made == [2] * (3 * 4)


def test_networks_that_do_not_fit_the_memory_train_again(files, info, full, monkeypatch) -> None:
    """What waits has its bound, beside the stack that trains; the rest starts again."""
    whole = order(info, MANY, rungs=RUNGS)
    stack = 6 * nn.resident_bytes(Task.of(whole).shape(1))  # of Adam, the larger ones
    monkeypatch.setattr("hpsearch.training.successive_halving.WAITING_BYTES", stack / 2)
    made, held = weakref.WeakSet[nn.Training](), list[int]()
    starts = itertools.count()

    class Counted(nn.Training):
        def __init__(self, shape, *args, **options) -> None:
            super().__init__(shape, *args, **options)
            self.bytes = nn.resident_bytes(shape)
            made.add(self)
            next(starts)

        def run_to(self, epoch):
            held.append(sum(len(each.live) * each.bytes for each in made))
            return super().run_to(epoch)

    monkeypatch.setattr(nn, "Training", Counted)
    assert run(files, whole) == expected(full, [0] * len(MANY))
    assert stack <= max(held) <= 1.5 * stack
    assert next(starts) > 4


def test_joined_cohorts_share_stacks(files, info, monkeypatch) -> None:
    made = []
    train = nn.Training
    monkeypatch.setattr(nn, "Training", lambda *a, **k: made.append(len(a[1])) or train(*a, **k))
    run(files, order(info, MANY, rungs=RUNGS, cohorts=[i % 3 for i in range(len(MANY))]))
    assert made == [6] * 4


@pytest.mark.parametrize("objective", ["accuracy", "balanced_accuracy", "log_loss"])
def test_the_objective_decides_who_goes_on(files, info, objective) -> None:
    whole = order(info, MANY, rungs=(RUNGS[-1],), objective=objective)
    full = {t.index: t for t in Trainer(files, stack_size=1).run(whole).trials}
    for t in full.values():
        assert all(math.isfinite(row[3]) for row in t.curve)
        assert t.score == (t.curve[-1][3] if t.state is TrialState.COMPLETED else None)
        if objective == "accuracy" and t.examples:
            assert t.curve[-1][3] == t.correct / t.examples
        if objective == "log_loss" and t.curve:
            assert t.curve[-1][3] == -t.loss
    found = run(files, order(info, MANY, rungs=RUNGS, objective=objective))
    assert found == halved(full, range(len(MANY)), RUNGS)
