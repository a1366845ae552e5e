"""Editing a running search, and asking beforehand what an edit would do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support.table import Table

from hpsearch.service import Services

SEARCHES = "/api/v1/searches"
RATE = {"low": 1e-4, "high": 1.0, "scale": "log"}


@pytest.fixture
def spec() -> dict[str, Any]:
    return {
        "dataset": "digits",
        "space": {"learning_rate": RATE, "weight_decay": {**RATE, "low": 1e-8, "high": 1e-2}},
        "rounds": 6,
        "trials_per_round": 8,
        "epochs": {"first": 2, "last": 8},
        "stop_early": False,
        "final": {"epochs": 4, "models": 2},
    }


def mistakes(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {m["path"]: m["message"] for m in answer.json()["errors"]}


def test_an_edit_shows_in_status_and_spec(client: httpx.Client, search: str) -> None:
    before = client.get(search)
    change = {
        "rounds": 7, "space": {"learning_rate": {"high": 0.5}}, "epochs": {"last": 16},
        "trials_per_round": {"last": 4},
    }  # fmt: skip
    after = client.patch(search, json=change)
    assert after.status_code == 200, after.text
    status = after.json()
    assert status["revision"] == before.json()["revision"] + 1
    assert after.headers["ETag"] == f'"{status["revision"]}"'
    assert status["rounds"]["planned"] == 7
    assert status["ranges"]["learning_rate"]["high"] == 0.5
    (edit,) = status["edits"]
    assert edit["after_round"] == 0
    assert edit["changes"]["space"] == {
        "learning_rate": {**RATE, "high": 0.5, "hard_high": 0.5, "integer": False}
    }
    assert status["limits"]["learning_rate"]["high"] == 0.5
    spec = client.get(f"{search}/spec").json()
    assert spec["epochs"] == {"first": 2, "last": 16, "halving": True}
    assert spec["trials_per_round"] == {"first": 8, "last": 4}
    assert spec["space"]["learning_rate"]["scale"] == "log"
    assert "learning_rate" not in spec["model"]
    assert client.post(SEARCHES, json=spec).status_code == 201


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        ({"high": 0.3}, (1e-7, 0.3)),
        ({"low": 0.01}, (0.01, 1000.0)),
        ({"low": 0.01, "high": 0.3}, (0.01, 0.3)),
        ({"high": 0.3, "hard_high": None}, (1e-7, 300.0)),
        ({"high": 0.3, "hard_high": 0.7}, (1e-7, 0.7)),
        ({"low": 0.01, "high": 0.3, "hard_low": None}, (1e-5, 0.3)),
        ({"hard_high": 2.0}, (1e-7, 2.0)),
        ({"scale": "log"}, (1e-7, 1000.0)),
    ],
)
def test_an_edge_that_is_edited_alone_is_a_wall(
    client: httpx.Client, search: str, change: Any, limits: Any
) -> None:
    path, body = search, {"space": {"learning_rate": change}}
    plan = client.patch(path, json=body, params={"dry_run": True}).json()
    status = client.patch(path, json=body).json()
    for shown in (plan["limits"], status["limits"]):
        reach = shown["learning_rate"]
        assert (reach["low"], reach["high"]) == pytest.approx(limits)
    # A later edit of something else leaves the wall where it is.
    later = client.patch(path, json={"rounds": 7}).json()["limits"]["learning_rate"]
    assert (later["low"], later["high"]) == pytest.approx(limits)


def test_edits_of_one_round_are_merged_in_order(client: httpx.Client, search: str) -> None:
    client.patch(search, json={"space": {"learning_rate": {"high": 0.5}}, "rounds": 7})
    client.patch(search, json={"space": {"learning_rate": {"low": 1e-3}}})
    client.patch(search, json={"rounds": 5})
    spec = client.get(f"{search}/spec").json()
    rate = spec["space"]["learning_rate"]
    assert (rate["low"], rate["high"], spec["rounds"]) == (1e-3, 0.5, 5)
    assert len(client.get(search).json()["edits"]) == 3


def test_an_edit_takes_effect_after_the_round_that_runs(
    client: httpx.Client, search: str, until_round: Any
) -> None:
    until_round(search, 2)
    assert client.get(search).json()["state"] == "running"
    change = {
        "space": {"learning_rate": {"high": 0.05, "hard_high": None}}, "trials_per_round": 12,
    }  # fmt: skip
    assert client.patch(search, json=change).json()["edits"][0]["after_round"] == 2
    drawn = client.get(f"{search}/rounds").json()["items"][1]
    assert drawn["ranges"]["learning_rate"]["high"] > 0.05
    until_round(search, 3)
    rounds = client.get(f"{search}/rounds").json()["items"]
    assert rounds[1]["trials"]["planned"] == 8
    assert rounds[2]["trials"]["planned"] == 12
    assert rounds[1]["decisions"]["learning_rate"]["before"]["high"] == 0.05


def test_an_edited_search_ends_as_it_was_edited_and_can_be_replayed(
    client: httpx.Client, search: str, until_round: Any, work: Table, services: Services,
    eventually: Any,
) -> None:  # fmt: skip
    until_round(search, 1)
    client.patch(search, json={"rounds": 3, "space": {"weight_decay": {"low": 1e-5}}})

    def completed() -> bool:
        work()
        return bool(client.get(search).json()["state"] == "completed")

    eventually(completed, seconds=120)
    status = client.get(search).json()
    kinds = [r["kind"] for r in client.get(f"{search}/rounds").json()["items"]]
    assert kinds == ["explore", "explore", "repeat", "final"]
    assert status["rounds"] == {"planned": 3, "completed": 3, "kind": "final"}
    assert status["trials"]["planned"] == 24
    assert status["epochs"]["planned"] == status["epochs"]["trained"]
    result = client.get(f"{search}/result").json()
    assert result["ranges"]["weight_decay"]["asked"]["low"] == 1e-5

    from hpsearch.service import replay

    assert replay.decisions(services, status["id"]).differences == []


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        ({"name": "x"}, "name", "cannot be edited"),
        ({"seed": 1}, "seed", "cannot be edited"),
        ({"space": {"momentum": RATE}}, "space.momentum", "is not searched here"),
        ({"space": {"learning_rate": {"low": 2.0}}}, "space.learning_rate", "low must be below"),
        ({"space": {"learning_rate": {"step": 1}}}, "space.learning_rate.step", "unknown field"),
        ({"space": {"learning_rate": None}}, "space.learning_rate", "give"),
        ({"space": {"learning_rate": {"high": 1e9}}}, "space.learning_rate.high", "outside"),
        ({"space": []}, "space", "got []"),
        ({"rounds": 0}, "rounds", "greater than or equal to 1"),
        ({"rounds": "3"}, "rounds", "valid integer"),
        ({"rounds": None}, "rounds", "valid integer"),
        ({"rounds": 10_000}, "rounds", "cap"),
        ({"epochs": {"first": 9}}, "epochs", "first must not exceed last"),
        ({"epochs": {"middle": 9}}, "epochs.middle", "unknown field"),
        ({"epochs": 3}, "epochs", "got 3"),
        ({"trials_per_round": {"first": 0}}, "trials_per_round.first", "greater than"),
        ({"trials_per_round": 10**7}, "trials_per_round", "cap"),
    ],
)
@pytest.mark.parametrize("dry", [False, True])
def test_what_cannot_be_edited_is_named(
    client: httpx.Client, search: str, change: Any, path: str, said: str, dry: bool
) -> None:
    tag = client.get(search).headers["ETag"]
    told = mistakes(client.patch(search, json=change, params={"dry_run": dry}))
    assert said in told[path]
    assert client.get(search).headers["ETag"] == tag


def test_every_mistake_is_told_at_once(client: httpx.Client, search: str) -> None:
    change = {
        "name": "x", "rounds": 0, "space": {"momentum": RATE, "learning_rate": {"low": "a"}},
    }  # fmt: skip
    told = mistakes(client.patch(search, json=change))
    assert set(told) == {"name", "rounds", "space.momentum", "space.learning_rate.low"}


def test_rounds_that_have_begun_stay(client: httpx.Client, search: str, until_round: Any) -> None:
    until_round(search, 3)
    assert "3 rounds have begun" in mistakes(client.patch(search, json={"rounds": 2}))["rounds"]
    assert client.patch(search, json={"rounds": 3}).status_code == 200


@pytest.mark.parametrize("body", [b"[]", b"3", b'"rounds"', b"null"])
def test_an_edit_is_an_object(client: httpx.Client, search: str, body: bytes) -> None:
    answer = client.patch(search, content=body, headers={"Content-Type": "application/json"})
    assert mistakes(answer) == {"": "expected an object"}
    assert client.patch(search, content=body).status_code == 415


def test_an_empty_edit_changes_nothing(client: httpx.Client, search: str) -> None:
    tag = client.get(search).headers["ETag"]
    answer = client.patch(search, json={})
    assert (answer.status_code, answer.headers["ETag"]) == (200, tag)
    assert answer.json()["edits"] == []


def test_if_match_guards_an_edit(client: httpx.Client, search: str) -> None:
    tag = client.get(search).headers["ETag"]
    for params in ({}, {"dry_run": True}):
        stale = client.patch(
            search, json={"rounds": 7}, headers={"If-Match": '"99"'}, params=params
        )
        assert stale.status_code == 412
    fresh = client.patch(search, json={"rounds": 7}, headers={"If-Match": tag})
    assert fresh.status_code == 200
    again = client.patch(search, json={"rounds": 8}, headers={"If-Match": tag})
    assert again.status_code == 412


def test_edits_at_the_same_time_are_all_made(client: httpx.Client, search: str) -> None:
    def edit(rounds: int) -> int:
        return client.patch(search, json={"rounds": rounds}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(edit, range(4, 20))) == {200}
    made = [edit["changes"]["rounds"] for edit in client.get(search).json()["edits"]]
    assert sorted(made) == list(range(4, 20))
    assert client.get(f"{search}/spec").json()["rounds"] == made[-1]


def test_an_edit_needs_the_scope_submit(clients: Any, client: httpx.Client, search: str) -> None:
    assert clients("read").patch(search, json={"rounds": 7}).status_code == 403


def test_a_search_that_has_ended_is_not_edited(client: httpx.Client, search: str) -> None:
    client.post(f"{search}/cancel")
    for params in ({}, {"dry_run": True}):
        answer = client.patch(search, json={"rounds": 7}, params=params)
        assert answer.status_code == 409
        assert "cancelled" in answer.json()["detail"]


def test_a_search_that_finalizes_is_not_edited(
    client: httpx.Client, spec: dict[str, Any], until_round: Any
) -> None:
    search = client.post(SEARCHES, json={**spec, "rounds": 1}).headers["Location"]
    until_round(search, 2)
    assert client.get(search).json()["state"] == "finalizing"
    answer = client.patch(search, json={"rounds": 7})
    assert answer.status_code == 409
    assert "its choice is frozen" in answer.json()["detail"]


def test_a_paused_search_is_edited(client: httpx.Client, search: str) -> None:
    client.post(f"{search}/pause")
    assert client.patch(search, json={"rounds": 7}).json()["state"] == "paused"


def test_what_was_trained_keeps_a_place_in_the_ranges(
    client: httpx.Client, spec: dict[str, Any], until_round: Any
) -> None:
    """Zero has none on a log range, where a trial has it."""
    space = {"learning_rate": RATE, "weight_decay": {"choices": [0.0, 1e-3]}}
    search = client.post(SEARCHES, json={**spec, "space": space}).headers["Location"]
    change = {"space": {"weight_decay": {"low": 1e-6, "high": 1e-2, "scale": "log"}}}
    assert client.patch(search, json=change, params={"dry_run": True}).status_code == 200
    until_round(search, 2)
    for params in ({}, {"dry_run": True}):
        found = mistakes(client.patch(search, json=change, params=params))
        assert "no place for 0, which" in found["space.weight_decay"]
    assert client.get(search).json()["edits"] == []
    change["space"]["weight_decay"]["scale"] = "linear"
    assert client.patch(search, json=change).status_code == 200


def test_ranges_that_no_round_would_look_at_are_refused(
    client: httpx.Client, search: str, until_round: Any
) -> None:
    until_round(search, 2)
    change: dict[str, Any] = {"space": {"learning_rate": {"high": 0.5}}, "rounds": 2}
    told = mistakes(client.patch(search, json=change))
    assert (
        'no round would look there; ask for more as well, for example "rounds": 3'
        in (told["space"])
    )
    assert client.patch(search, json={**change, "rounds": 3}).status_code == 200
