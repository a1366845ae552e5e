"""Jobs in this process: stacks, culprits, the final test, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.environment import ONE_THREAD
from hpsearch.errors import Corrupt, Fenced, Misconfigured, Unavailable
from hpsearch.training import Task, Trainer, final, numerics
from hpsearch.training.final import run_final
from hpsearch.trials import Role, RoundKind, TrialState

from .conftest import PARAMS, order, part_of, picky

FINAL = [Role.RECOMMENDED, Role.DRAWN, Role.DRAWN, Role.OPTIMISM]


def final_order(info, params=None, **changes):
    chosen = params or [PARAMS[0], PARAMS[4], PARAMS[5], PARAMS[0]]
    return order(info, chosen, kind=RoundKind.FINAL, roles=FINAL, **changes)


def test_the_stack_size_and_the_company_change_no_report(files, info):
    together = Trainer(files).run(order(info))
    for size in (1, 3):
        assert Trainer(files, stack_size=size).run(order(info)).trials == together.trials
    by_index = {t.index: t for t in together.trials}
    alone = Trainer(files).run(part_of(order(info), [5])).trials
    assert alone == [by_index[5]]
    assert {t.state for t in together.trials} == {TrialState.COMPLETED, TrialState.DIVERGED}
    assert all(len(t.curve) == t.epochs for t in together.trials)


def test_stacks_hold_one_shape_each(files, info):
    task = Task.of(order(info))
    stacks = task.stacks(range(len(PARAMS)), 3)
    assert sorted(p for stack in stacks for p in stack) == list(range(len(PARAMS)))
    for stack in stacks:
        assert len(stack) <= 3
        assert len({task.shape(p) for p in stack}) == 1


def test_null_among_choices_trains_as_it_does_for_all(files, info):
    """No clipping and no class weight beside trials that have them: the bits are those of a spec without."""
    choices = [
        {"learning_rate": 0.1, "clip_norm": clip, "class_weight": weight}
        for clip in (None, 0.1)
        for weight in (None, "balanced")
    ]
    space = {
        "learning_rate": {"low": 0.01, "high": 1.0},
        "clip_norm": {"choices": [None, 0.1]},
        "class_weight": {"choices": [None, "balanced"]},
    }
    model = {"hidden_sizes": [6], "batch_size": 16}
    # The classes of the bundled set are of one size: a weight would change nothing.
    uneven = order(info, choices, space=space, model=model, validation_fraction=0.5)
    mixed = {t.index: t for t in Trainer(files).run(uneven).trials}
    assert len({t.loss for t in mixed.values()}) == 4
    for index, one in enumerate(choices):
        fixed = {name: value for name, value in one.items() if name != "learning_rate"}
        spec = {"space": {"learning_rate": space["learning_rate"]}, "model": {**model, **fixed}}
        alone = order(info, [{"learning_rate": 0.1}] * 4, validation_fraction=0.5, **spec)
        assert Trainer(files).run(part_of(alone, [index])).trials == [mixed[index]]


def test_a_trial_that_raises_fails_alone(files, info, monkeypatch):
    """The stack is trained again trial by trial, and 15 of 16 come out as they would have."""
    honest = {t.index: t for t in Trainer(files).run(order(info)).trials}
    monkeypatch.setattr(nn, "Training", picky(5))
    reports = {t.index: t for t in Trainer(files).run(order(info)).trials}
    failed = reports.pop(5)
    assert (failed.state, failed.error) == (TrialState.FAILED, "FloatingPointError: no")
    honest.pop(5)
    assert reports == honest


def test_thirty_one_neighbours_of_a_culprit_live(files, info, monkeypatch):
    """One stack of 32; whichever rung the culprit raises at, the others' bits are the same."""
    whole = order(info, [PARAMS[0]] * 32)
    honest = {t.index: t for t in Trainer(files, stack_size=32).run(whole).trials}
    assert len({t.loss for t in honest.values()}) == 32
    monkeypatch.setattr(nn, "Training", picky(17))
    reports = {t.index: t for t in Trainer(files, stack_size=32).run(whole).trials}
    assert reports.pop(17).state is TrialState.FAILED
    honest.pop(17)
    assert reports == honest


def test_a_stack_that_cannot_be_made_costs_its_culprit_alone(files, info, monkeypatch):
    honest = {t.index: t for t in Trainer(files).run(order(info)).trials}
    train = nn.Training

    def refuse(shape, members, *args, **options):
        if any(m.init_key[3] == 5 for m in members):
            raise FloatingPointError("no")
        return train(shape, members, *args, **options)

    monkeypatch.setattr(nn, "Training", refuse)
    reports = {t.index: t for t in Trainer(files).run(order(info)).trials}
    assert reports.pop(5).state is TrialState.FAILED
    honest.pop(5)
    assert reports == honest


@pytest.mark.parametrize("error", [MemoryError(), OSError("disk"), Unavailable("store")])
def test_a_fault_of_the_machine_is_no_trial_s_fault(files, info, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(nn, "Training", fail)
    with pytest.raises(type(error)):
        Trainer(files).run(order(info))


def test_a_fault_while_trial_by_trial_is_no_trial_s_fault_either(files, info, monkeypatch):
    def fail(shape, members, *_, **__):
        raise FloatingPointError if len(members) > 1 else OSError("disk")

    monkeypatch.setattr(nn, "Training", fail)
    with pytest.raises(OSError, match="disk"):
        Trainer(files).run(order(info))


def test_work_that_was_taken_away_stops(files, info):
    with pytest.raises(Fenced):
        Trainer(files).run(order(info), stopped=lambda: True)


@pytest.mark.parametrize("train_on", ["train+validation", "train"])
def test_the_final_scores_what_was_frozen(files, info, train_on):
    spec = {"final": {"epochs": 3, "models": 3, "train_on": train_on}}
    opened = []
    report = run_final(
        Trainer(files), final_order(info, **spec), open_test=lambda: opened.append(1) or True
    )
    assert opened == [1]
    assert [t.index for t in report.trials] == [0, 1, 2, 3]
    assert all(t.test_examples == info.n_test for t in report.trials)
    assert [t.examples > 0 for t in report.trials] == [False, False, False, True]
    assert report.ensemble_correct is not None
    again = run_final(
        Trainer(files, stack_size=1), final_order(info, **spec), open_test=lambda: True
    )
    assert again.trials == report.trials
    assert again.ensemble_correct == report.ensemble_correct


@pytest.mark.parametrize("train_on", ["train+validation", "train"])
def test_the_kept_model_has_the_stored_test_score(files, info, train_on, tmp_path):
    """What the file says of the test part is what was scored, and stacks do not change its bits."""
    spec = {"final": {"epochs": 3, "models": 3, "train_on": train_on}}
    whole = final_order(info, **spec)
    report = run_final(Trainer(files), whole, open_test=lambda: True)
    file = tmp_path / "model.npz"
    file.write_bytes(report.model)
    model = nn.Model.load(file)
    test = final.sealed.open_test(files, info)
    right = sum(
        model.classes[y] == said for y, said in zip(test.y, model.predict(test.x), strict=True)
    )
    assert right == report.trials[0].test_correct
    assert model.about["test"] == {"correct": right, "examples": info.n_test}
    assert model.about["params"] == PARAMS[0]
    again = run_final(Trainer(files, stack_size=1), whole, open_test=lambda: True)
    assert again.model == report.model


def several(info, hot=()):
    """A final order of three networks for the recommended model; the positions in `hot` diverge."""
    roles = [Role.RECOMMENDED, Role.DRAWN, Role.OPTIMISM, Role.NETWORK, Role.NETWORK]
    params = [PARAMS[0], PARAMS[4], PARAMS[0], PARAMS[0], PARAMS[0]]
    params = [{**p, "learning_rate": 1e4} if i in hot else p for i, p in enumerate(params)]
    final = {"epochs": 3, "models": 2, "networks": 3}
    return order(info, params, kind=RoundKind.FINAL, roles=roles, final=final)


def test_several_networks_are_scored_as_the_model_that_they_are(files, info, tmp_path):
    report = run_final(Trainer(files), several(info), open_test=lambda: True)
    file = tmp_path / "model.npz"
    file.write_bytes(report.model)
    model, test = nn.Model.load(file), final.sealed.open_test(files, info)
    assert len(model.weights) == 3
    values = model.predict_proba(test.x)
    right = int((values.argmax(axis=1) == test.y).sum())
    assert model.about["test"] == {"correct": right, "examples": info.n_test}
    assert report.trials[0].test_correct == right
    assert report.test.metrics["accuracy"].value == right / info.n_test
    told = -np.log(values[np.arange(len(test.y)), test.y].astype(np.float64)).mean()
    assert report.test.metrics["log_loss"].value == pytest.approx(told, rel=1e-6)
    assert [one is None for one in report.test.models] == [False, False, False, True, True]
    again = run_final(Trainer(files, stack_size=1), several(info), open_test=lambda: True)
    assert (again.model, again.trials, again.test) == (report.model, report.trials, report.test)
    singles = [t.test_correct for t in report.trials[3:]]
    assert None not in singles


def test_a_network_that_diverges_is_left_out_of_the_mean(files, info, tmp_path):
    report = run_final(Trainer(files), several(info, hot=[4]), open_test=lambda: True)
    assert report.trials[4].state is TrialState.DIVERGED
    file = tmp_path / "model.npz"
    file.write_bytes(report.model)
    assert len(nn.Model.load(file).weights) == 2
    report = run_final(Trainer(files), several(info, hot=[0]), open_test=lambda: True)
    assert (report.trials[0].state, report.model) == (TrialState.DIVERGED, None)


def test_a_network_whose_answers_are_not_finite_is_left_out_of_the_mean(
    files, info, tmp_path, monkeypatch
):
    """Its weights are finite, so only the test part shows that it has diverged."""
    predicted = nn.predict_values

    def one_broken(*args):
        values = predicted(*args)
        values[0, 0] = np.nan
        return values

    monkeypatch.setattr(final.nn, "predict_values", one_broken)
    report = run_final(Trainer(files), several(info), open_test=lambda: True)
    assert report.trials[0].state is TrialState.COMPLETED
    file = tmp_path / "model.npz"
    file.write_bytes(report.model)
    model = nn.Model.load(file)
    assert len(model.weights) == 2
    values = model.predict_proba(final.sealed.open_test(files, info).x)
    right = int((values.argmax(axis=1) == final.sealed.open_test(files, info).y).sum())
    assert report.trials[0].test_correct == right


def test_a_final_model_that_diverges_has_no_score(files, info):
    hot = {**PARAMS[0], "learning_rate": 1e4}
    report = run_final(
        Trainer(files), final_order(info, [hot, PARAMS[4], hot, hot]), open_test=lambda: True
    )
    states = [t.state for t in report.trials]
    assert states == [
        TrialState.DIVERGED, TrialState.COMPLETED, TrialState.DIVERGED, TrialState.DIVERGED,
    ]  # fmt: skip
    assert [t.test_correct is None for t in report.trials] == [True, False, True, True]
    assert report.model is None
    assert report.ensemble_correct == report.trials[1].test_correct


def test_no_ensemble_of_nobody(files, info):
    hot = {**PARAMS[0], "learning_rate": 1e4}
    report = run_final(Trainer(files), final_order(info, [hot] * 4), open_test=lambda: True)
    assert report.ensemble_correct is None


def test_probabilities_that_are_not_finite_are_divergence(files, info, monkeypatch):
    """The last update may break a model whose last loss was still finite."""
    evaluate = nn.evaluate

    def broken(*args, **needs):
        scores = evaluate(*args, **needs)
        scores.inputs["values"][:] = np.nan
        return scores

    monkeypatch.setattr(final.nn, "evaluate", broken)
    report = run_final(Trainer(files), final_order(info), open_test=lambda: True)
    assert {t.state for t in report.trials} == {TrialState.DIVERGED}
    assert report.test.metrics == {}
    assert report.test.models == [None] * 4
    assert report.test.confusion is None
    assert sum(report.test.class_counts) == info.n_test


@pytest.mark.parametrize("objective", ["accuracy", "balanced_accuracy", "log_loss"])
def test_the_final_scores_the_objective_and_counts_the_classes(files, info, objective):
    order = final_order(info, objective=objective)
    report = run_final(Trainer(files), order, open_test=lambda: True)
    scores, first = report.test, report.trials[0]
    test = final.sealed.open_test(files, info)
    assert scores.class_counts == np.bincount(test.y).tolist()
    assert [sum(row) for row in scores.confusion] == scores.class_counts
    assert sum(row[i] for i, row in enumerate(scores.confusion)) == first.test_correct
    assert scores.metrics["accuracy"].value == first.test_correct / info.n_test
    assert scores.metrics["accuracy"].baseline == max(scores.class_counts) / info.n_test
    assert scores.models[0] == scores.metrics[objective].value
    recalls = [row[i] / sum(row) for i, row in enumerate(scores.confusion)]
    assert scores.metrics["balanced_accuracy"].value == pytest.approx(np.mean(recalls))
    low, high = scores.metrics["log_loss"].ci95
    assert low < scores.metrics["log_loss"].value < high


def test_a_fenced_final_opens_nothing(files, info, monkeypatch):
    def never(*_):
        raise AssertionError("the test part was opened")

    monkeypatch.setattr(final.sealed, "open_test", never)
    with pytest.raises(Fenced):
        run_final(Trainer(files), final_order(info), open_test=lambda: False)


def test_a_final_that_was_taken_away_stops_and_opens_nothing(files, info, monkeypatch):
    def never(*_):
        raise AssertionError("the test part was opened")

    monkeypatch.setattr(final.sealed, "open_test", never)
    with pytest.raises(Fenced, match="final"):
        run_final(Trainer(files), final_order(info), open_test=lambda: True, stopped=lambda: True)


def test_a_tampered_test_part_is_not_scored(tmp_path):
    files = DatasetStore(str(tmp_path / "data"), tmp_path / "cache")
    info = files.ingest_builtin("iris")
    path = tmp_path / "data" / info.digest / "sealed" / "test_y.npy"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    with pytest.raises(Corrupt, match="test_y"):
        run_final(Trainer(files), final_order(info), open_test=lambda: True)


def test_the_fingerprint_names_what_decides_the_last_bits():
    found = numerics.fingerprint()
    assert set(found) == {"machine", "numpy", "scipy", "blas", "simd", "probe"}
    assert found["numpy"] == np.__version__
    assert found["blas"].count("openblas") == 2, "that of NumPy and that of SciPy"


def test_more_than_one_thread_is_refused(monkeypatch):
    pools = [{"user_api": "blas", "num_threads": 4, "internal_api": "openblas"}]
    monkeypatch.setattr(numerics, "threadpool_info", lambda: pools)
    with pytest.raises(Misconfigured, match="4 threads"):
        numerics.fingerprint.__wrapped__()


def test_linear_algebra_that_cannot_be_asked_is_bounded_by_every_name(monkeypatch):
    """Apple's Accelerate, or BLIS behind libblas.so.3: threadpoolctl sees neither."""
    built = {"Build Dependencies": {"blas": {"name": "accelerate", "version": "unknown"}}}
    monkeypatch.setattr(numerics, "threadpool_info", list)
    monkeypatch.setattr(np, "show_config", lambda mode: {**built, "SIMD Extensions": {}})
    for name in ONE_THREAD:
        monkeypatch.setenv(name, "1")
    assert numerics.fingerprint.__wrapped__()["blas"] == "accelerate unknown"
    monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", "8")
    monkeypatch.delenv("BLIS_NUM_THREADS")
    with pytest.raises(Misconfigured, match="set BLIS_NUM_THREADS, VECLIB_MAXIMUM_THREADS to 1"):
        numerics.fingerprint.__wrapped__()


def test_a_dataset_description_is_read_back(info):
    assert Task.of(order(info)).info == DatasetInfo.from_json(info.to_json())
