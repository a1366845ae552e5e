"""The health report of whole searches: what is planted is found, and a clean one has no findings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from support.table import hill

SEARCHES = "/api/v1/searches"
SPEC: dict[str, Any] = {
    "dataset": "digits",
    "space": {"learning_rate": {"low": 1e-4, "high": 5.0, "scale": "log"}},
    "rounds": 4,
    "trials_per_round": 24,
    "epochs": {"first": 2, "last": 8},
    "final": {"epochs": 8, "models": 3},
    "validation_fraction": 0.4,
    "stop_early": False,
}


def rate_of(params: Mapping[str, Any]) -> float:
    return math.log10(params["learning_rate"])


def ridge(params: Mapping[str, Any], epochs: int) -> float | None:
    """A sharp top at 0.1, so that neighbours are clearly worse."""
    return 0.97 - 0.35 * min(1.0, abs(rate_of(params) + 1)) - 0.02 / epochs


@pytest.fixture
def examined(client: httpx.Client, complete: Any) -> Any:
    """examined(spec, **table): the notes by code of a completed search."""

    def run(spec: Mapping[str, Any], **table: Any) -> dict[str, Any]:
        status = complete(client, {**SPEC, **spec}, **table)
        assert status["state"] == "completed", status
        here = f"{SEARCHES}/{status['id']}"
        report = client.get(f"{here}/health").json()
        assert (report["id"], report["state"]) == (status["id"], "completed")
        result = client.get(f"{here}/result").json()
        assert result["health"] == [f"{n['message']}; {n['advice']}" for n in report["notes"]]
        return {note["code"]: note for note in report["notes"]}

    return run


def test_a_clean_search_has_no_findings(examined: Any) -> None:
    assert examined({}, truth=ridge, noise=0.0005) == {}


def test_an_optimum_beyond_the_limit_is_found_open(examined: Any) -> None:
    rate = {"low": 1e-5, "high": 1e-3, "scale": "log", "hard_high": 1e-3}
    found = examined({"space": {"learning_rate": rate}})
    note = found.get("open_range") or found["best_at_edge"]
    assert note["severity"] == "warning"
    assert note["numbers"]["edge"] == pytest.approx(1e-3)


def test_a_flat_dimension_is_unidentified(examined: Any) -> None:
    decay = {"low": 1e-8, "high": 1e-4, "scale": "log"}
    space = {**SPEC["space"], "weight_decay": decay}
    found = examined({"space": space}, noise=0.01)
    assert found["unidentified"]["numbers"]["hyperparameter"] == "weight_decay"


def test_divergence_has_its_frontier(examined: Any) -> None:
    rate = {"low": 1e-2, "high": 1e4, "scale": "log"}
    found = examined({"space": {"learning_rate": rate}})
    assert 3 < found["divergence"]["numbers"]["edge"] < 30


def test_few_examples_are_said_before_anything_ran(client: httpx.Client) -> None:
    made = client.post(SEARCHES, json={**SPEC, "dataset": "iris"})
    notes = client.get(f"{made.headers['Location']}/health").json()["notes"]
    assert [note["code"] for note in notes] == ["few_validation_examples", "equal_rows"]
    assert notes[0]["numbers"]["examples"] == 48
    client.post(f"{made.headers['Location']}/cancel")


def test_candidates_alike_are_counted(examined: Any) -> None:
    found = examined({"validation_fraction": 0.2}, noise=0.012)
    numbers = found["candidates_alike"]["numbers"]
    assert numbers["alike"] >= 1
    assert 0 < numbers["sd"] < 0.02


def test_short_epochs_that_mislead_are_found_out(examined: Any) -> None:
    def crossing(params: Mapping[str, Any], epochs: int) -> float | None:
        top = -1.0 if epochs < 6 else -2.5
        return 0.95 - 0.06 * (rate_of(params) - top) ** 2

    found = examined({"epochs": {"first": 2, "last": 8, "halving": True}}, truth=crossing)
    note = found["short_epoch_bias"]
    assert note["numbers"]["learning_rate_shift"] < 0
    assert "lower learning rate" in note["message"]


def test_optimism_and_diverged_models(examined: Any, client: httpx.Client) -> None:
    found = examined({}, truth=ridge, noise=0.0005, loss_on_test=0.15)
    assert found["optimism"]["numbers"]["gap"] == pytest.approx(0.15, abs=0.02)

    def later(params: Mapping[str, Any], epochs: int) -> float | None:
        return None if epochs > 8 else hill(params, epochs)

    gone = examined({"final": {"epochs": 20, "models": 3}}, truth=later)
    assert gone["final_diverged"]["numbers"] == {"diverged": 3, "models": 3, "epochs": 20}


def test_an_earlier_search_of_another_landscape_disagrees(
    client: httpx.Client, complete: Any, examined: Any
) -> None:
    def other(params: Mapping[str, Any], epochs: int) -> float | None:
        return 0.5 + 0.4 * math.sin(9 * rate_of(params)) - 0.05 / epochs

    first = complete(client, SPEC, truth=other)
    found = examined({"warm_start": [first["id"]]}, truth=ridge)
    assert found["warm_start_disagrees"]["numbers"]["search"] == first["id"]
    assert found["warm_start_disagrees"]["numbers"]["correlation"] < 0.5


def test_health_is_there_in_any_state(client: httpx.Client) -> None:
    search = client.post(SEARCHES, json=SPEC).headers["Location"]
    for action, state in [("pause", "paused"), ("cancel", "cancelled")]:
        client.post(f"{search}/{action}")
        report = client.get(f"{search}/health").json()
        assert (report["state"], report["notes"]) == (state, [])
