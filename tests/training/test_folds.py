"""Folds, repeated splits, objectives, and the bits of repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from hpsearch import nn
from hpsearch.data import fit_scaling, split
from hpsearch.metrics import METRICS
from hpsearch.training import Task, Trainer, networks
from hpsearch.training.data_splits import splits
from hpsearch.training.final import run_final
from hpsearch.training.reports import pooled, report
from hpsearch.trials import Role, RoundKind, TrialReport, TrialState

from .conftest import PARAMS, RUNGS, halved, order, picky

WAYS = [{"folds": 4}, {"repeats": 3}]
FINAL = [Role.RECOMMENDED, Role.DRAWN, Role.DRAWN, Role.OPTIMISM]


@pytest.mark.parametrize("way", WAYS)
def test_a_trial_is_the_sum_of_its_splits(files, info, way) -> None:
    """Each split trained by itself, with its own keys; then pooled by hand."""
    whole = order(info, PARAMS[4:6], validation=way, objective="log_loss")
    reports = Trainer(files).run(whole).trials
    task = Task.of(whole)
    parts = Trainer(files).splits.of(task.resolved, task.info)
    for position, found in enumerate(reports):
        shape, ends = task.shape(position), []
        for fold, part in enumerate(parts):
            ends += nn.train(
                shape, [task.member(position, fold=fold)], part.train, part.validation,
                epochs=3, order=networks.order(5, 1, len(part.train), fold=fold),
                class_weights=nn.balanced_weights(part.train, 3),
            )  # fmt: skip
        last = [end.curve[-1] for end in ends]
        assert found.correct == sum(s.n_correct for s in last)
        assert found.examples == sum(len(part.validation) for part in parts)
        mean = np.average([s.loss for s in last], weights=[s.examples for s in last])
        assert found.loss == pytest.approx(mean, rel=1e-14)
        assert found.score == -found.loss
        assert [row[0] for row in found.curve] == [1, 2, 3]
        assert found.curve[-1] == (3, found.loss, found.correct, found.score)


def test_every_example_validates_once_in_folds(files, info) -> None:
    task = Task.of(order(info, validation={"folds": 4}))
    parts = Trainer(files).splits.of(task.resolved, task.info)
    rows = np.concatenate([part.validation.rows for part in parts])
    assert sorted(rows) == list(range(info.n_train))
    for part in parts:
        assert set(part.train.rows) | set(part.validation.rows) == set(range(info.n_train))
        fitted = fit_scaling(part.train.x, part.train.rows, kind=info.kind)
        assert np.array_equal(part.train.shift, fitted.shift)
        assert np.array_equal(part.validation.scale, fitted.scale)


def test_repeated_splits_differ_and_start_with_the_usual_one() -> None:
    y = np.arange(200) % 4
    found = splits(y, seed=7, fraction=0.25, folds=None, repeats=5)
    assert np.array_equal(found[0].validation, split(y, fraction=0.25, seed=7).validation)
    assert len({tuple(s.validation) for s in found}) == 5
    assert {len(s.validation) for s in found} == {50}


def test_no_two_splits_share_a_key() -> None:
    keys = {
        networks.init_key(seed=1, round=r, index=i, replicate=k, fold=f)
        for r in range(3)
        for i in range(3)
        for k in range(2)
        for f in range(4)
    }
    assert len(keys) == 3 * 3 * 2 * 4
    states = {tuple(np.random.SeedSequence(key).generate_state(4)) for key in keys}
    assert len(states) == len(keys)
    assert networks.init_key(seed=1, round=2, index=3, replicate=0) == (1, 3, 2, 3, 0)
    orders = {tuple(networks.order(1, r, 50, fold=f)(e)) for r, f, e in np.ndindex(3, 3, 3)}
    assert len(orders) == 27


def test_a_repeat_has_other_weights_and_another_order(files, info, monkeypatch) -> None:
    """And the final has its own, the model that measures optimism another one yet."""
    seen = []
    train = nn.Training

    def spy(shape, members, *args, **options):
        seen.append((tuple(options["order"](1)), {m.init_key for m in members}, len(args[0])))
        return train(shape, members, *args, **options)

    monkeypatch.setattr(nn, "Training", spy)
    for number in (1, 2):
        Trainer(files).run(order(info, PARAMS[4:5], round=number))
    final = order(info, PARAMS[4:5] * 4, kind=RoundKind.FINAL, roles=FINAL, round=3,
                  final={"epochs": 3, "models": 3, "train_on": "train"})  # fmt: skip
    run_final(Trainer(files), final, open_test=lambda: True)
    assert len({examples for *_, examples in seen}) == 1
    assert len({first for first, *_ in seen}) == len(seen) == 4
    keys = [key for _, members, _ in seen for key in members]
    assert len(set(keys)) == len(keys) == 6


@pytest.fixture(scope="module")
def trained() -> dict[tuple[str, ...], dict[int, TrialReport]]:
    """What comes of trials trained one by one to the end, by splits and objective."""
    return {}


@settings(max_examples=15)
@given(
    cohorts=st.lists(st.integers(0, 2), min_size=len(PARAMS), max_size=len(PARAMS)),
    stack_size=st.sampled_from([0, 1, 3]),
    way=st.sampled_from(WAYS),
    objective=st.sampled_from(["accuracy", "balanced_accuracy", "log_loss"]),
    culprit=st.one_of(st.none(), st.integers(0, len(PARAMS) - 1)),
    after=st.integers(0, RUNGS[-1] - 1),
    fold=st.integers(0, 2),
)
def test_cohorts_are_halved_by_their_pooled_scores(
    files, info, trained, cohorts, stack_size, way, objective, culprit, after, fold
) -> None:
    """A trial that raises on one of its splits has failed as a whole."""
    changes = {"validation": way, "objective": objective}
    if (case := (*way, objective)) not in trained:
        whole = order(info, rungs=(RUNGS[-1],), **changes)
        trained[case] = {t.index: t for t in Trainer(files, stack_size=1).run(whole).trials}
    full = trained[case]
    with pytest.MonkeyPatch.context() as patch:
        if culprit is not None:
            patch.setattr(nn, "Training", picky(culprit, after, fold))
        found = Trainer(files, stack_size=stack_size).run(
            order(info, rungs=RUNGS, cohorts=cohorts, **changes)
        )
    failing = {} if culprit is None else {culprit: after}
    wanted: dict[int, TrialReport] = {}
    for number in set(cohorts):
        wanted |= halved(full, [i for i, c in enumerate(cohorts) if c == number], RUNGS, failing)
    assert {t.index: t for t in found.trials} == wanted


def outcome(state, *losses) -> nn.Outcome:
    curve = [
        nn.EpochScore(e, None, None, loss, 5, 10, {"metric": 0.5})
        for e, loss in enumerate(losses, 1)
    ]
    return nn.Outcome(state, len(curve), tuple(curve), None, None, None, None)


def test_divergence_on_one_split_is_divergence() -> None:
    whole = outcome("completed", 3.0, 2.0, 1.0)
    for company in ([outcome("diverged", 4.0), whole], [whole, outcome("diverged", 4.0)]):
        found = report(7, company, METRICS["accuracy"])
        assert (found.index, found.state, found.epochs) == (7, TrialState.DIVERGED, 1)
        assert (found.correct, found.examples, found.score) == (10, 20, None)
        assert found.curve == [(1, 3.5, 10, 0.5)]
    found = report(7, [outcome("diverged"), whole], METRICS["accuracy"])
    assert (found.state, found.epochs, found.loss, found.curve) == (
        TrialState.DIVERGED, 0, None, [],
    )  # fmt: skip


scores = st.lists(
    st.builds(
        lambda loss, correct, more, recall: nn.EpochScore(
            1, None, None, loss, correct, correct + more, {"metric": recall}
        ),
        st.floats(0, 1e6),
        st.integers(0, 50),
        st.integers(1, 50),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=6,
)


@given(scores)
def test_pooling_counts_examples(found) -> None:
    examples = sum(s.examples for s in found)
    one, two, three = (
        pooled(found, METRICS[name]) for name in ("accuracy", "balanced_accuracy", "log_loss")
    )
    assert one.score == sum(s.n_correct for s in found) / examples
    assert two.score == pytest.approx(np.mean([s.measures["metric"] for s in found]))
    mean = sum(s.loss * s.examples for s in found) / examples
    assert one.loss == pytest.approx(mean)
    assert three.score == -one.loss
    if len(found) == 1:
        assert one.loss == found[0].loss


def test_balanced_accuracy_is_scikit_learn_s(files, info) -> None:
    whole = order(info, PARAMS[4:8], objective="balanced_accuracy", rungs=(1,))
    task = Task.of(whole)
    (part,) = Trainer(files).splits.of(task.resolved, task.info)
    for position, found in enumerate(Trainer(files).run(whole).trials):
        training = task.training(
            [position], part.train, part.validation, stopped=lambda: False, keep_weights=True
        )
        training.run_to(1)
        (end,) = training.outcomes()
        reference = balanced_accuracy_score(part.validation.targets, end.predicted)
        assert found.score == pytest.approx(reference, rel=1e-14)


@pytest.mark.parametrize("way", [*WAYS, {}])
@pytest.mark.parametrize("kind", [RoundKind.REPEAT, RoundKind.EXPLORE])
def test_repeats_tell_every_example(files, info, way, kind) -> None:
    """The bits add up to the right answers; they are the last epoch's, also of the stopped."""
    hot = {**PARAMS[0], "learning_rate": 1e4, "activation": "relu"}
    whole = order(info, [*PARAMS, hot, hot], kind=kind, validation=way, rungs=(3, 4))
    found = Trainer(files).run(whole).trials
    assert {t.state for t in found} == {
        TrialState.COMPLETED, TrialState.STOPPED, TrialState.DIVERGED,
    }  # fmt: skip
    for t in found:
        if kind is RoundKind.EXPLORE or t.state is TrialState.DIVERGED:
            assert t.correct_mask is None
        else:
            assert len(t.correct_mask) == -(-t.examples // 8)
            bits = np.unpackbits(np.frombuffer(t.correct_mask, np.uint8), count=t.examples)
            assert bits.sum() == t.correct


def test_the_bits_are_in_the_order_of_the_validation_rows(files, info) -> None:
    whole = order(info, PARAMS[4:5], kind=RoundKind.REPEAT, validation={"folds": 3})
    task = Task.of(whole)
    parts = Trainer(files).splits.of(task.resolved, task.info)
    right = []
    for fold, part in enumerate(parts):
        training = task.training([0], part.train, part.validation, stopped=lambda: False, fold=fold)
        training.run_to(3)
        right += list(training.outcomes()[0].predicted == part.validation.targets)
    (found,) = Trainer(files).run(whole).trials
    assert found.correct_mask == np.packbits(right).tobytes()


def test_a_failed_repeat_has_no_bits(files, info, monkeypatch) -> None:
    monkeypatch.setattr(nn, "Training", picky(0))
    whole = order(info, PARAMS[4:6], kind=RoundKind.REPEAT)
    first, second = Trainer(files).run(whole).trials
    assert (first.state, first.correct_mask) == (TrialState.FAILED, None)
    assert second.correct_mask is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("train_on", ["train+validation", "train"])
def test_the_final_of_a_search_with_several_splits(files, info, way, train_on, monkeypatch) -> None:
    """Optimism is measured on the first split, whatever the others are."""
    params = [PARAMS[4], PARAMS[5], PARAMS[6], PARAMS[4]]
    whole = order(
        info, params, kind=RoundKind.FINAL, roles=FINAL, validation=way, objective="log_loss",
        final={"epochs": 3, "models": 3, "train_on": train_on},
    )  # fmt: skip
    scored, train = [], nn.Training

    def spy(shape, members, part, validation, **options):
        scored.append((part.rows, validation and validation.rows))
        return train(shape, members, part, validation, **options)

    with monkeypatch.context() as patch:
        patch.setattr(nn, "Training", spy)
        report = run_final(Trainer(files), whole, open_test=lambda: True)
    task = Task.of(whole)
    first = Trainer(files).splits.of(task.resolved, task.info)[0]
    *tested, gauge = report.trials
    (rows,) = [rows for rows in scored if rows[1] is not None]
    assert np.array_equal(rows[0], first.train.rows)
    assert np.array_equal(rows[1], first.validation.rows)
    assert gauge.examples == len(first.validation)
    assert gauge.score == -gauge.loss
    assert {t.score for t in tested} == {None}
    assert all(t.test_examples == info.n_test for t in report.trials)
    other = run_final(
        Trainer(files),
        replace(whole, spec={**whole.spec, "objective": "accuracy"}),
        open_test=lambda: True,
    )
    assert [t.test_correct for t in other.trials] == [t.test_correct for t in report.trials]
