"""Whole searches on rows that belong to groups or have a time: honest scores, and what is shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from growth.service import Ended, Service, service
from rich.console import Console
from support import visits

from hpsearch import nn
from hpsearch.cli import datasets as commands
from hpsearch.cli import result_output
from hpsearch.report.views import DatasetView, ResultView


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("visits")) as made:
        yield made


@pytest.fixture(scope="module")
def stored(running: Service) -> Mapping[str, Any]:
    return running.upload("visits", visits.table(), "text/csv", "?groups=person&drop=day")


@pytest.fixture(scope="module")
def ended(running: Service, stored: Mapping[str, Any]) -> Ended:
    return running.complete({**visits.SPEC, "validation": {"folds": 3, "groups": "person"}})


def test_the_upload_shows_the_groups(
    stored: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert stored["groups"] == {"column": "person", "n_train": 48, "n_test": 12, "rows_without": 0}
    assert stored["time"] is None
    assert (stored["n_train"], stored["n_test"]) == (240, 60)
    kinds = {one["name"]: one["kind"] for one in stored["left_out"]}
    assert kinds == {"person": "groups", "day": "dropped"}
    commands._show(DatasetView.model_validate(stored), as_json=False)
    assert "person: 48 train, 12 are sealed" in capsys.readouterr().out


def test_the_seal_holds_on_people_that_were_held_back(
    running: Service, ended: Ended, tmp_path: Path
) -> None:
    """By groups the sealed score is that on other people; by chance it promises far more."""
    running.upload("by-chance", visits.table(), "text/csv", "?drop=person,day")
    fooled = running.complete({**visits.SPEC, "dataset": "by-chance"})
    sealed, promised = (one.result["test"]["accuracy"] for one in (ended, fooled))
    others = list(csv.DictReader(io.StringIO(visits.table(people=400, seed=6))))
    truth = np.array([row["ill"] for row in others])
    x = np.array([[row[name] for name in ("a", "b", "c", "d", "sign")] for row in others], float)
    held_back = []
    for one in (ended, fooled):
        file = tmp_path / "model.npz"
        file.write_bytes(running.raw("GET", f"/api/v1/searches/{one.id}/model").data)
        held_back.append(float(np.mean(nn.Model.load(file).predict(x) == truth)))
    low, high = ended.result["test"]["metrics"]["accuracy"]["ci95"]
    error = (high - low) / 3.92
    assert abs(sealed - held_back[0]) < 2 * error
    assert promised - held_back[1] > 0.2  # the excess of a split by chance
    assert promised > high


def test_intervals_are_by_whole_groups(ended: Ended) -> None:
    test = ended.result["test"]
    assert test["ci95"] is None
    assert "Wilson" in test["ci95_note"]
    for name, score in test["metrics"].items():
        low, high = score["ci95"]
        assert low <= score["value"] <= high, name
    low, high = test["metrics"]["accuracy"]["ci95"]
    assert high - low > 0.25  # Wilson's for 60 examples is .24 wide
    console = Console(width=200, file=io.StringIO())
    console.print(result_output.result(ResultView.model_validate(ended.result)))
    assert f"{low:.4f} to {high:.4f}" in console.file.getvalue()
    assert test["ci95_note"] in console.file.getvalue()
    (note,) = [one for one in ended.health if one["code"] == "split_by_groups"]
    assert "48 train, 12 are sealed" in note["message"]


def test_examples_of_groups_are_not_paired(running: Service, stored: Mapping[str, Any]) -> None:
    ended = running.complete({**visits.SPEC, "finalists": {"rounds": 1}})
    finalists = ended.result["finalists"]
    assert len(finalists) > 1
    assert not any(one["paired"] for one in finalists)
    assert ended.result["recommended"]["validation_accuracy"] is not None


def test_a_replay_agrees(running: Service, ended: Ended) -> None:
    assert ended.result["digest"]
    assert running.replayed(ended.id, training=True) == []


def test_by_time_the_future_stays_out(running: Service) -> None:
    stored = running.upload("dated", visits.table(), "text/csv", "?time=day&drop=person")
    assert stored["time"]["column"] == "day"
    first, last = stored["time"]["train"]
    assert (first, stored["time"]["cut"]) == ("0", stored["time"]["test"][0])
    assert int(last) + 1 == int(stored["time"]["cut"])
    ended = running.complete(
        {**visits.SPEC, "dataset": "dated", "validation": {"folds": 2, "time": "day"}}
    )
    assert ended.result["test"]["ci95"] is not None  # rows are still taken one by one
    assert running.replayed(ended.id, training=True) == []


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"validation": {"groups": "a"}}, "validation.groups", "was split by groups=person"),
        ({"validation": {"time": "day"}}, "validation.time", "upload again with time=day"),
        ({"dataset": "blobs", "validation": {"groups": "a"}}, "validation.groups",
         "was not split by groups when it was uploaded, and that decides what is sealed: upload again with groups=a"),
        ({"dataset": "few", "validation": {"folds": 5}}, "validation.folds",
         "takes 5 groups, and the training part has 3: name fewer splits"),
        ({"dataset": "few", "validation": {"repeats": 9}}, "validation.repeats",
         "different ways and no more"),
        ({"dataset": "late", "validation": {"folds": 3}}, "validation.folds",
         "split by time, the training part of split 3 of 3 has no row of class 'yes': take fewer folds"),
        ({"dataset": "late", "objective": "balanced_accuracy", "validation_fraction": 0.05},
         "dataset",
         "the validation part of split 1 of 1 has no row of class 'yes': take an objective that does not compare"),
    ],
)  # fmt: skip
def test_specs_that_the_rows_do_not_allow(
    running: Service, stored: Mapping[str, Any], changes: dict[str, Any], path: str, said: str
) -> None:
    few = visits.rows(5)
    running.upload("few", visits.HEADER + "".join(few), "text/csv", "?groups=person&drop=day")
    late = [f"{i},{i % 7},{'yes' if 30 <= i < 76 or i > 95 else 'no'}\n" for i in range(100)]
    running.upload("late", "t,x,y\n" + "".join(late), "text/csv", "?time=t")
    answer = running.raw(
        "POST", "/api/v1/searches", json={**visits.SPEC, "model": {"batch_size": 4}, **changes}
    )
    assert answer.status_code == 422
    mistakes = json.loads(answer.text)["errors"]
    assert [one["path"] for one in mistakes] == [path]
    assert said in mistakes[0]["message"]


def test_a_dry_run_shows_the_parts_and_a_refusal_stores_nothing(running: Service) -> None:
    path = "/api/v1/datasets/never"
    headers = {"Content-Type": "text/csv"}
    body = visits.table().encode()
    shown = running.raw(
        "PUT", f"{path}?groups=person&time=day&dry_run=true", data=body, headers=headers
    )
    assert shown.status_code == 200
    assert shown.json["groups"]["n_train"] + shown.json["groups"]["n_test"] < 61
    assert "rows_set_aside" in {note["code"] for note in shown.json["notes"]}
    for query, field in (
        ("groups=nobody", "groups"),
        ("groups=ill", "groups"),
        ("time=person", "time"),
    ):
        refused = running.raw("PUT", f"{path}?{query}", data=body, headers=headers)
        assert refused.status_code == 422, query
        assert [one["path"] for one in refused.json["errors"]] == [field]
    assert running.raw("GET", path).status_code == 404
