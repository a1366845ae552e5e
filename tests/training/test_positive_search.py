"""A search by a metric of the positive class, which is the first or the second one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from growth.service import SMALL, Ended, Service, service

from hpsearch.metrics import fitting


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("positive")) as made:
        for name, query in (("ill", ""), ("well", "?positive=no")):
            stored = made.upload(name, table(), "text/csv", query)
            assert stored["positive"] == ("no" if query else "yes")
        yield made


def table() -> str:
    """300 patients, of whom 75 are ill; "no" comes before "yes"."""
    rng = np.random.default_rng(1)
    ill = np.arange(300) % 4 == 0
    x = rng.normal(0, 1, (300, 2)) + 1.2 * ill[:, None]
    lines = [
        f"{a:.4f},{b:.4f},{'yes' if one else 'no'}" for (a, b), one in zip(x, ill, strict=True)
    ]
    return "a,b,ill\n" + "\n".join(lines) + "\n"


def searched(running: Service, dataset: str, objective: str, **more: Any) -> Ended:
    ended = running.complete({**SMALL, "dataset": dataset, "objective": objective, **more})
    scores = [trial["score"] for trial in ended.searched if trial["score"] is not None]
    assert ended.result["best_trial"]["score"] == max(scores)
    assert running.replayed(ended.id, training=True) == []
    return ended


@pytest.mark.parametrize("objective", ["f2", "average_precision", "roc_auc", "macro_f1", "brier"])
def test_any_metric_is_an_objective(running: Service, objective: str) -> None:
    test = searched(running, "ill", objective).result["test"]
    assert set(test["metrics"]) == set(fitting("classification", 2))
    scored = test["metrics"][objective]
    assert test["models"][0]["objective"] == scored["value"]
    for name, one in test["metrics"].items():
        assert one["ci95"] is not None or one["note"], name


def test_which_class_is_positive_is_kept_with_the_dataset(running: Service) -> None:
    """Always saying "no" has a high F1 where "no" is the positive class, and none where "yes" is."""
    one = searched(running, "ill", "f1", validation={"repeats": 2}).result["test"]["metrics"]
    other = searched(running, "well", "f1", validation={"repeats": 2}).result["test"]["metrics"]
    assert one["f1"]["baseline"] == 0.0
    assert other["f1"]["baseline"] == pytest.approx(2 * 0.75 / 1.75)
    assert one["average_precision"]["baseline"] == pytest.approx(0.25)
    assert other["average_precision"]["baseline"] == pytest.approx(0.75)
    assert other["f1"]["value"] > one["f1"]["value"] > 0.4


def test_rows_that_no_metric_of_two_classes_fits(running: Service) -> None:
    spec = {**SMALL, "dataset": "blobs", "objective": "average_precision"}
    assert running.refused(spec) == ["objective"]
