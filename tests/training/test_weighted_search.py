"""Whole searches whose rows count by weights, as their callers see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from growth.service import Ended, Service, service
from support.weighted import SPEC, table

from hpsearch.metrics import fitting


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("weighted")) as made:
        made.upload("weighted", table(), "text/csv", "?weight=w")
        made.upload("numbers", table(numbers=True), "text/csv", "?weight=w&task=regression")
        yield made


@pytest.fixture(scope="module")
def ended(running: Service) -> Ended:
    return running.complete(SPEC)


@pytest.fixture(scope="module")
def plain(running: Service) -> Ended:
    """The same search where every row counts the same."""
    return running.complete({**SPEC, "weight": None})


def view(running: Service, name: str = "weighted") -> Mapping[str, Any]:
    return running.call("GET", f"/datasets/{name}")


def test_the_dataset_tells_its_weights(running: Service) -> None:
    shown = view(running)
    weight = shown["weight"]
    assert weight["column"] == "w"
    assert [one["name"] for one in shown["columns"]] == ["a", "b"]
    for part, n in (("train", shown["n_train"]), ("test", shown["n_test"])):
        here = weight[part]
        assert n - 20 <= here["rows"] < n
        assert here["rows"] < here["sum"] < 10 * here["rows"]
        assert 0.4 * here["rows"] < here["effective_rows"] < 0.7 * here["rows"]
    codes = {note["code"] for note in shown["notes"]}
    assert {"rows_of_weight_0", "uneven_weights"} <= codes


def test_training_follows_the_weight_and_not_the_rows(ended: Ended, plain: Ended) -> None:
    """60 % of the rows say one thing, 87 % of the weight the other."""
    assert ended.result["recommended"]["validation_accuracy"] > 0.7
    assert 0.5 < plain.result["recommended"]["validation_accuracy"] < 0.7
    test = ended.result["test"]
    assert test["accuracy"] > 0.65
    (no, _), (_, yes) = test["confusion"]
    assert (no + yes) / test["examples"] < 0.5  # most of the rows are answered wrongly


def test_accuracies_are_shares_of_the_weight_and_counts_are_rows(
    running: Service, ended: Ended, plain: Ended
) -> None:
    test, dataset = ended.result["test"], view(running)
    counted = dataset["weight"]["test"]
    assert test["examples"] == counted["rows"] == sum(test["class_counts"])
    assert sum(map(sum, test["confusion"])) == counted["rows"]
    assert test["effective_examples"] == pytest.approx(counted["effective_rows"])
    assert test["accuracy"] == test["models"][0]["accuracy"] == test["metrics"]["accuracy"]["value"]
    assert test["mean"] == test["models"][1]["accuracy"] == test["objective_mean"]
    assert test["majority_share"] == pytest.approx(test["metrics"]["accuracy"]["baseline"])
    assert plain.result["test"]["examples"] == dataset["n_test"]
    assert plain.result["test"]["effective_examples"] is None
    for trial in ended.searched:
        assert trial["validation_accuracy"] == trial["score"]
        assert {point[2] for point in trial["curve"]} == {None}


def test_the_interval_stands_with_the_metrics(ended: Ended, plain: Ended) -> None:
    test = ended.result["test"]
    assert test["ci95"] is None
    assert "metrics.accuracy" in test["ci95_note"]
    assert set(test["metrics"]) == set(fitting("classification", 2))
    for name, one in test["metrics"].items():
        assert one["ci95"] is not None or one["note"], name
    low, high = test["metrics"]["accuracy"]["ci95"]
    assert low < test["accuracy"] < high
    assert plain.result["test"]["ci95"] is not None
    assert plain.result["test"]["ci95_note"] is None


def test_the_stored_spec_is_complete(ended: Ended, plain: Ended) -> None:
    assert ended.spec["weight"] == "w"
    assert plain.spec["weight"] is None
    assert ended.result["digest"] != plain.result["digest"]


def test_a_replay_agrees(running: Service, ended: Ended) -> None:
    assert running.replayed(ended.id, training=True) == []


def test_the_digest_holds_what_ranks_a_trial(running: Service, ended: Ended) -> None:
    """Correct rows alone would not tell two weighted scores apart."""
    again = running.complete({**SPEC, "weight": "w"})
    assert again.result["digest"] == ended.result["digest"]


@pytest.mark.parametrize("objective", ["roc_auc", "log_loss", "balanced_accuracy"])
def test_other_objectives_over_folds(running: Service, objective: str) -> None:
    ended = running.complete(
        {**SPEC, "objective": objective, "rounds": 1, "validation": {"folds": 3}}
    )
    best = ended.result["best_trial"]["score"]
    assert best == max(t["score"] for t in ended.searched if t["score"] is not None)
    test = ended.result["test"]
    assert test["models"][0]["objective"] == test["metrics"][objective]["value"]


def test_a_regression(running: Service) -> None:
    spec = {**SPEC, "dataset": "numbers", "rounds": 1}
    weighted, plain = running.complete(spec), running.complete({**spec, "weight": None})
    test = weighted.result["test"]
    assert test["metrics"]["r2"]["value"] > plain.result["test"]["metrics"]["r2"]["value"] + 0.1
    assert test["metrics"]["rmse"]["ci95"] is not None
    assert test["effective_examples"] < test["examples"]
    assert (test["accuracy"], test["ci95_note"]) == (None, None)
    assert running.replayed(weighted.id, training=True) == []


def test_a_weight_that_the_dataset_has_not(running: Service) -> None:
    answer = running.raw("POST", "/api/v1/searches", json={**SPEC, "weight": "a"})
    (mistake,) = answer.json["errors"]
    assert (answer.status_code, mistake["path"]) == (422, "weight")
    assert "upload again with weight=a" in mistake["message"]
    assert "'w'" in mistake["message"]


def test_an_earlier_search_with_other_weights_is_no_start(running: Service, plain: Ended) -> None:
    answer = running.raw("POST", "/api/v1/searches", json={**SPEC, "warm_start": [plain.id]})
    (mistake,) = answer.json["errors"]
    assert (answer.status_code, mistake["path"]) == (422, "warm_start[0]")
    assert "another weight: None, not w" in mistake["message"]
