"""Asking what an edit would do, which is then what comes."""

from __future__ import annotations

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


class TestDryRun:
    def test_before_the_first_round(self, client: httpx.Client, search: str) -> None:
        tag = client.get(search).headers["ETag"]
        change = {"space": {"learning_rate": {"high": 0.5}}, "trials_per_round": 16}
        plan = client.patch(search, json=change, params={"dry_run": True}).json()
        assert plan["dry_run"] is True
        assert (plan["round"], plan["kind"], plan["trials"]) == (1, "explore", 16)
        assert plan["ranges"]["learning_rate"]["high"] == 0.5
        assert (plan["rungs"], plan["epochs"]) == ([2, 4, 8], 8)
        assert plan["epochs_planned"] == 2 * (8 * 2 + 4 * 2 + 2 * 4)
        assert (plan["decisions"], plan["preliminary"], plan["open_trials"]) == ({}, False, 0)
        status = client.get(search)
        assert status.headers["ETag"] == tag
        assert status.json()["edits"] == []

    def test_it_is_what_comes_then(
        self, client: httpx.Client, search: str, until_round: Any, work: Table
    ) -> None:
        until_round(search, 2)
        while client.get(search).json()["trials"]["pending"]:
            for hint in work.services.jobs.hints():
                order = work.services.jobs.claim(hint, worker_run="table")
                if order is not None:
                    work.services.jobs.finish(hint, work.report(order), worker_run="table")
        change = {"space": {"learning_rate": {"high": 0.5}}}
        plan = client.patch(search, json=change, params={"dry_run": True}).json()
        assert (plan["round"], plan["preliminary"]) == (3, False)
        assert plan["decisions"]["learning_rate"]["before"]["high"] == 0.5
        client.patch(search, json=change)
        until_round(search, 3)
        rounds = client.get(f"{search}/rounds").json()["items"]
        assert rounds[2]["ranges"] == plan["ranges"]
        assert rounds[2]["rungs"] == plan["rungs"]
        assert rounds[2]["epochs_planned"] == plan["epochs_planned"]
        assert rounds[1]["decisions"] == plan["decisions"]

    def test_while_the_first_round_has_told_nothing(
        self, client: httpx.Client, search: str, until_round: Any
    ) -> None:
        until_round(search, 1)
        plan = client.patch(search, json={"rounds": 5}, params={"dry_run": True}).json()
        assert (plan["round"], plan["kind"], plan["trials"]) == (2, "explore", 8)
        assert (plan["preliminary"], plan["open_trials"]) == (True, 8)
        for rounds, kind in [(1, "final"), (3, "explore")]:
            plan = client.patch(search, json={"rounds": rounds}, params={"dry_run": True}).json()
            assert plan["kind"] == kind

    def test_while_a_round_runs_it_says_that_it_is_preliminary(
        self, client: httpx.Client, services: Services, spec: dict[str, Any], until_round: Any,
        eventually: Any,
    ) -> None:  # fmt: skip
        # Without halving every trial is a cohort of its own, and a round is four jobs.
        coarse = {**spec, "epochs": {"first": 2, "last": 8, "halving": False}}
        search = client.post(SEARCHES, json=coarse).headers["Location"]
        until_round(search, 2)
        one = Table(services, jobs=1)

        def begun() -> bool:
            one()
            return bool(client.get(search).json()["trials"]["pending"] < 8)

        eventually(begun)
        left = client.get(search).json()["trials"]["pending"]
        assert 0 < left < 8
        plan = client.patch(search, json={"rounds": 7}, params={"dry_run": True}).json()
        assert (plan["round"], plan["preliminary"], plan["open_trials"]) == (3, True, left)
        assert set(plan["decisions"]) == {"learning_rate", "weight_decay"}

    def test_an_empty_edit_shows_what_comes_anyway(self, client: httpx.Client, search: str) -> None:
        plan = client.patch(search, json={}, params={"dry_run": True}).json()
        assert (plan["round"], plan["trials"]) == (1, 8)

    def test_the_query_is_checked(self, client: httpx.Client, search: str) -> None:
        assert client.patch(search, json={}, params={"dry_run": "maybe"}).status_code == 400
        assert client.patch(search, json={}, params={"dryrun": True}).status_code == 400
