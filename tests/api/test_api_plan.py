"""A plan before anything runs, in the answer to POST, and a budget that is raised."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

SEARCHES = "/api/v1/searches"
RATE = {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}}
SPEC = {"dataset": "iris", "space": RATE, "budget": {"epochs": 200}, "epochs": {"last": 10}}


@pytest.fixture
def planned(client: httpx.Client) -> dict[str, Any]:
    answer = client.post(SEARCHES, json=SPEC, params={"dry_run": True})
    assert answer.status_code == 200
    return dict(answer.json())


def test_a_dry_run_stores_nothing(client: httpx.Client, planned: dict[str, Any]) -> None:
    assert client.get(SEARCHES).json()["items"] == []
    assert planned["budget"] == {"epochs": 200}
    assert planned["epochs"] == sum(r["epochs"] for r in planned["rounds"]) <= 200
    assert planned["trials"] == sum(r["trials"] for r in planned["rounds"])
    assert {"rounds", "sampler"} <= set(planned["planned"])
    assert "epochs.last" not in planned["planned"]
    assert "by gp" in planned["summary"]


def test_the_plan_is_what_is_submitted(client: httpx.Client, planned: dict[str, Any]) -> None:
    made = client.post(SEARCHES, json=SPEC).json()
    assert made["plan"] == planned
    stored = client.get(f"{SEARCHES}/{made['id']}/spec").json()
    assert stored == planned["spec"]
    assert stored["epochs"]["budget"] == 200
    assert "budget" not in stored
    again = client.post(SEARCHES, json=planned["spec"]).json()["plan"]
    assert (again["rounds"], again["budget"], again["planned"]) == (planned["rounds"], None, [])


def test_a_plan_by_hand_keeps_the_old_defaults(client: httpx.Client) -> None:
    spec = {"dataset": "iris", "space": RATE, "rounds": 3}
    plan = client.post(SEARCHES, json=spec, params={"dry_run": True}).json()
    assert (plan["spec"]["sampler"], plan["budget"], plan["planned"]) == ("sobol", None, [])
    assert [r["trials"] for r in plan["rounds"]] == [32, 32, 32]
    assert plan["rounds"][-1]["kind"] == "repeat"


def test_levels_that_a_plan_cannot_try_are_told_before_it_starts(client: httpx.Client) -> None:
    levels = {"learning_rate": {"choices": [1e-3, 1e-2, 0.1, 0.3, 1.0]}}
    shapes = {"batch_size": {"choices": [4, 8, 16]}}
    notes = {}
    for trials in (4, 100):
        spec = {"dataset": "iris", "space": {**levels, **shapes}, "budget": {"trials": trials}}
        notes[trials] = client.post(SEARCHES, json=spec, params={"dry_run": True}).json()["notes"]
    assert notes[100] == []
    assert "learning_rate has 5 levels, and this plan can try" in " ".join(notes[4])


def test_mistakes_are_those_of_a_submission(client: httpx.Client) -> None:
    spec = {**SPEC, "budget": {"epochs": 9}}
    dry, wet = (client.post(SEARCHES, json=spec, params=p) for p in ({"dry_run": True}, {}))
    assert dry.status_code == wet.status_code == 422
    assert dry.json()["errors"] == wet.json()["errors"]
    assert dry.json()["errors"][0]["path"] == "budget.epochs"
    assert client.post(SEARCHES, json=SPEC, params={"dry_run": "maybe"}).status_code == 400


def test_a_budget_is_raised_from_the_next_round_on(client: httpx.Client) -> None:
    search = client.post(SEARCHES, json=SPEC).headers["Location"]
    before = client.get(f"{search}/spec").json()
    refused = client.patch(search, json={"budget": {"epochs": 200}})
    assert refused.status_code == 422
    assert "it is 200 now" in refused.json()["errors"][0]["message"]
    for epochs in (5, None):
        refused = client.patch(search, json={"budget": {"epochs": 400}, "epochs": epochs})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "epochs")
    assert client.get(f"{search}/spec").json() == before
    edited = client.patch(search, json={"budget": {"epochs": 400}}).json()
    assert edited["edits"][0]["changes"]["epochs"] == {"budget": 400}
    after = client.get(f"{search}/spec").json()
    assert after["epochs"]["budget"] == 400
    assert after["rounds"] > before["rounds"]


def test_a_time_limit_is_raised_by_its_budget_alone(client: httpx.Client) -> None:
    search = client.post(SEARCHES, json={**SPEC, "budget": {"seconds": 60}}).headers["Location"]
    assert client.patch(search, json={"max_seconds": 90}).status_code == 422
    assert client.patch(search, json={"budget": {"seconds": 90}}).status_code == 200
    assert client.get(f"{search}/spec").json()["max_seconds"] == 90
