"""Jobs on a table with words and gaps: fitted on training rows, the same bits in any company."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import mixed

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore, Preparation, fit_encoding
from hpsearch.data.sealed import open_test
from hpsearch.settings import load
from hpsearch.spec import parse
from hpsearch.training import Task, Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import JobOrder, JobReport, Role, RoundKind
from hpsearch.workloads import DatasetFacts

from .conftest import part_of

SPEC = {
    "dataset": "mixed",
    "model": {"hidden_sizes": [6], "batch_size": 32, "optimizer": "adam"},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"},
        "scaling": {"choices": ["standard", "robust"]},
        "max_levels": {"choices": [2, 5, 32]},
    },
    "final": {"epochs": 3, "models": 2},
    "seed": 5,
}
PARAMS = [
    {"learning_rate": rate, "scaling": scaling, "max_levels": levels}
    for rate in (0.01, 0.03)
    for scaling in ("standard", "robust")
    for levels in (2, 32)
]
FINAL = {
    "kind": RoundKind.FINAL,
    "params": [PARAMS[3], PARAMS[2], PARAMS[3]],
    "roles": [Role.RECOMMENDED, Role.DRAWN, Role.OPTIMISM],
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetStore, DatasetInfo]:
    return mixed.store(tmp_path_factory.mktemp("mixed"))


def order(info: DatasetInfo, *, spec: dict[str, Any] | None = None, **fields: Any) -> JobOrder:
    facts = info.to_json()
    params = fields.pop("params", PARAMS)
    resolved = parse({**SPEC, **(spec or {})}, DatasetFacts.from_json(facts), load()).spec
    values = {
        "search_id": "s", "kind": RoundKind.EXPLORE, "round": 1, "epochs": 3,
        "spec": resolved.to_json(), "dataset": facts, "indices": range(len(params)),
        "params": params, "roles": [None] * len(params), "rungs": (1, 3),
        "cohorts": [0] * len(params),
    }  # fmt: skip
    return JobOrder(**{**values, **fields})


def test_a_trial_is_the_same_in_any_stack_and_job(stored) -> None:
    files, info = stored
    whole = order(info, rungs=(3,))
    together = Trainer(files).run(whole)
    one_by_one = [
        report
        for position in range(len(PARAMS))
        for report in Trainer(files, stack_size=1).run(part_of(whole, [position])).trials
    ]
    assert together.trials == one_by_one
    assert len({t.loss for t in together.trials}) == len(PARAMS)
    assert together.fingerprint["scikit-learn"]


@pytest.mark.parametrize("way", [{"validation": {"folds": 3}}, {"validation": {"repeats": 2}}, {}])
def test_inputs_are_fitted_on_the_training_rows_of_each_split(stored, way) -> None:
    files, info = stored
    task = Task.of(order(info, spec=way))
    parts = Trainer(files).splits.of(task.resolved, task.info)
    seen = set()
    for part in parts:
        for scaling, levels in (("standard", 2), ("robust", 32)):
            preparation = Preparation(scaling, levels)
            split = part.prepared(preparation)
            fitted, encoding = fit_encoding(
                split.train.x, split.train.rows, info.columns, preparation
            )
            np.testing.assert_array_equal(split.train.shift, fitted.shift)
            np.testing.assert_array_equal(split.validation.scale, fitted.scale)
            assert encodings_equal(split.train.encoding, encoding)
            assert split.validation.encoding is split.train.encoding
            assert split.train.features == task.resolved.facts.inputs(levels)
        seen.add(part.train.shift.tobytes())
    assert len(seen) == len(parts)  # each split has its own


def test_neither_validation_nor_test_rows_are_looked_at(stored, tmp_path: Path) -> None:
    """Other values and a level of their own in these rows: training does not change in any bit."""
    files, info = stored
    resolved = Task.of(order(info)).resolved
    (before,) = Trainer(files).splits.of(resolved, info)
    held_out = [*before.validation.rows, *range(mixed.ROWS, mixed.ROWS + mixed.TEST)]

    def planted(request, limits) -> DatasetInfo:
        made, y = mixed.table()
        known = mixed.columns(made, range(mixed.ROWS))
        x = mixed.matrix(made, known)
        x[held_out] = [1e6, -1e6, mixed.CITIES.index("city 11"), np.nan, 1]
        return mixed.write(Path(request.out), x, y, np.arange(len(y)), known)

    other_files, other = mixed.store(tmp_path, planted)
    (after,) = Trainer(other_files).splits.of(resolved, other)
    np.testing.assert_array_equal(before.train.rows, after.train.rows)
    for preparation in (Preparation("standard", 2), Preparation("robust", 32)):
        one, two = (split.prepared(preparation) for split in (before, after))
        np.testing.assert_array_equal(one.train.shift, two.train.shift)
        np.testing.assert_array_equal(one.train.scale, two.train.scale)
        assert encodings_equal(one.train.encoding, two.train.encoding)
        city = two.train.encoding.slots.tolist()
        assert city[mixed.CITIES.index("city 11")] == city[len(mixed.CITIES)]  # as an unknown one


@pytest.mark.parametrize("train_on", ["train", "train+validation"])
def test_the_model_says_of_raw_rows_what_the_final_test_saw(stored, tmp_path, train_on) -> None:
    files, info = stored
    report = final(stored, train_on)
    file = tmp_path / "model.npz"
    file.write_bytes(report.model)
    model = nn.Model.load(file)
    assert model.dump() == report.model
    made, y = mixed.table()
    rows = {name: cells[-mixed.TEST :] for name, cells in made.items()}
    raw = pd.DataFrame(rows)
    proba = model.predict_proba(raw)
    test = open_test(files, info)
    part = nn.Examples(
        test.x, test.y, np.arange(mixed.TEST), model.shift, model.scale, model.encoding
    )
    np.testing.assert_array_equal(proba, nn.predict_values(model.shape, model.weights, part)[0])
    assert int((proba.argmax(axis=1) == y[-mixed.TEST :]).sum()) == report.trials[0].test_correct
    as_dicts = [dict(zip(rows, cells, strict=True)) for cells in zip(*rows.values(), strict=True)]
    as_cells = np.array(list(zip(*rows.values(), strict=True)), object)
    for x in (as_dicts, as_cells, rows, raw.assign(id=1, bought="no")):
        np.testing.assert_array_equal(model.predict_proba(x), proba)


def test_the_final_fits_on_both_parts(stored) -> None:
    files, info = stored
    preparation = Preparation("robust", 32)
    whole, _ = Trainer(files).splits.whole(info, preparation)
    fitted, encoding = fit_encoding(whole.x, np.arange(info.n_train), info.columns, preparation)
    np.testing.assert_array_equal(whole.shift, fitted.shift)
    assert encodings_equal(whole.encoding, encoding)


def test_auto_is_robust_for_words_and_standard_for_numbers(stored) -> None:
    _, info = stored
    plain = replace(info, columns=())
    spec = {"space": {"learning_rate": SPEC["space"]["learning_rate"]}}
    task = Task.of(order(info, spec=spec, params=[{"learning_rate": 0.01}]))
    assert task.preparation(0) == Preparation("robust", 32)
    on_numbers = replace(task, info=plain)
    assert on_numbers.preparation(0) is None


def test_a_table_of_numbers_can_be_scaled_robustly(files, info) -> None:
    spec = {"dataset": "iris", "model": {"scaling": "robust", "hidden_sizes": [6]},
            "space": {"learning_rate": SPEC["space"]["learning_rate"]}}  # fmt: skip
    whole = order(info, spec=spec, params=[{"learning_rate": 0.03}] * 2)
    reports = Trainer(files).run(whole)
    assert "scikit-learn" in reports.fingerprint
    plain = order(info, spec={**spec, "model": {"hidden_sizes": [6]}}, params=whole.params)
    other = Trainer(files).run(plain)
    assert "scikit-learn" not in other.fingerprint
    assert other.trials[0].loss != reports.trials[0].loss
    task = Task.of(whole)
    (split,) = Trainer(files).splits.of(task.resolved, info)
    x = split.prepared(task.preparation(0)).train
    np.testing.assert_allclose(x.shift, np.median(x.x[x.rows], axis=0), rtol=1e-6)


def final(stored, train_on: str) -> JobReport:
    files, info = stored
    spec = {"final": {"epochs": 3, "models": 2, "train_on": train_on}}
    job = order(info, spec=spec, round=4, cohorts=[0] * 3, rungs=(3,), **FINAL)
    return run_final(Trainer(files), job, open_test=lambda: True)


def encodings_equal(one: Any, two: Any) -> bool:
    arrays = two.arrays()
    return all(np.array_equal(a, arrays[name]) for name, a in one.arrays().items())
