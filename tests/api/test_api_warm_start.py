"""Beginning a search with what earlier ones have seen."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.table import Table

from hpsearch.service import Services, replay, warm
from hpsearch.trials import Observation

SEARCHES = "/api/v1/searches"


@pytest.fixture
def spec() -> dict[str, Any]:
    return {
        "dataset": "digits",
        "model": {"hidden_sizes": [20]},
        "space": {
            "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
            "activation": {"choices": ["relu", "tanh"]},
        },
        "rounds": 3,
        "trials_per_round": 8,
        "epochs": {"first": 2, "last": 8},
        "stop_early": False,
        "final": {"epochs": 4, "models": 2},
    }


def stored(services: Services, search_id: str) -> list[Observation]:
    search = services.store.read(lambda tx: tx.searches.get(search_id))
    assert search is not None
    return list(search.warm_start)


def refused(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {m["path"]: m["message"] for m in answer.json()["errors"]}


def test_a_warm_search_begins_where_the_earlier_one_ended(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Services
) -> None:
    first = complete(client, spec)
    again = complete(client, {**spec, "warm_start": [first["id"]], "seed": 1})
    assert again["warm_start"] == [first["id"]]
    assert again["links"]["warm_start_1"] == f"{SEARCHES}/{first['id']}"
    assert client.get(again["links"]["warm_start_1"]).json()["id"] == first["id"]
    lines = stored(services, again["id"])
    assert len(lines) == first["trials"]["planned"]
    assert {o.source for o in lines} == {1}
    assert {o.state for o in lines} == {"completed", "stopped"}
    assert all(o.curve[-1][0] == o.epochs for o in lines)
    one, *_ = client.get(f"{SEARCHES}/{again['id']}/rounds").json()["items"]
    assert "1" in one["evidence"]["agreement"]
    assert replay.decisions(services, again["id"]).differences == []


def test_a_planned_search_takes_the_network_that_it_begins_with(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    """The plan would choose Adam and 128 units; trials of another network would tell it nothing."""
    first = complete(client, {**spec, "rounds": 1})
    planned = {
        "dataset": "digits", "space": spec["space"], "warm_start": [first["id"]],
        "budget": {"epochs": 100},
    }  # fmt: skip
    answer = client.post(f"{SEARCHES}?dry_run=true", json=planned)
    assert answer.status_code == 200, answer.text
    model = answer.json()["spec"]["model"]
    assert (model["hidden_sizes"], model["optimizer"], model["schedule"]) == (
        [20],
        "sgd",
        "constant",
    )
    named = {**planned, "model": {"hidden_sizes": [30]}}
    refusal = refused(client.post(f"{SEARCHES}?dry_run=true", json=named))
    assert "another model.hidden_sizes: [20], not [30]" in refusal["warm_start[0]"]
    del planned["warm_start"]
    model = client.post(f"{SEARCHES}?dry_run=true", json=planned).json()["spec"]["model"]
    assert (model["hidden_sizes"], model["optimizer"]) == ([128], "adam")


def test_what_it_begins_with_is_frozen(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Services
) -> None:
    first = complete(client, spec)
    warm_spec = {**spec, "warm_start": [first["id"]]}
    made = client.post(SEARCHES, json=warm_spec).json()
    before = stored(services, made["id"])
    assert client.delete(f"{SEARCHES}/{first['id']}").status_code == 204
    assert stored(services, made["id"]) == before
    assert client.get(f"{SEARCHES}/{made['id']}").json()["warm_start"] == [first["id"]]
    told = refused(client.post(SEARCHES, json=warm_spec))
    assert told == {"warm_start[0]": "there is no such search of yours"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "iris"}, "another dataset: 'digits' of "),
        ({"model": {"hidden_sizes": [10]}}, "another model.hidden_sizes: [20], not [10]"),
        ({"model": {"hidden_sizes": [20], "optimizer": "adam"}}, "another model.optimizer: sgd"),
        ({"objective": "log_loss"}, "another objective: accuracy, not log_loss"),
        ({"validation": {"folds": 3}}, "another validation.folds: None, not 3"),
        ({"validation_fraction": 0.3}, "another validation_fraction: 0.2, not 0.3"),
        ({"space": {"learning_rate": {"low": 1e-4, "high": 1.0}}},
         "other hyperparameters: activation, learning_rate, not learning_rate"),
        ({"space": {"learning_rate": {"low": 10.0, "high": 20.0, "hard_low": 10.0},
                    "activation": {"choices": ["relu", "tanh"]}}}, "no trial within the limits"),
    ],
)  # fmt: skip
def test_what_does_not_compare_is_named(
    client: httpx.Client, spec: dict[str, Any], complete: Any, change: Any, said: str
) -> None:
    first = complete(client, {**spec, "rounds": 1})
    told = refused(client.post(SEARCHES, json={**spec, "warm_start": [first["id"]], **change}))
    assert said in told["warm_start[0]"]


def test_every_mistake_has_its_place(
    client: httpx.Client, clients: Any, spec: dict[str, Any], complete: Any
) -> None:
    foreign = complete(clients(), {**spec, "rounds": 1})["id"]
    known = complete(client, {**spec, "rounds": 1})["id"]
    running = client.post(SEARCHES, json=spec).json()["id"]
    told = refused(
        client.post(SEARCHES, json={**spec, "warm_start": [known, running, foreign, known, "-"]})
    )
    assert set(told) == {f"warm_start[{i}]" for i in (1, 2, 3, 4)}
    assert "pause it, or wait for its end" in told["warm_start[1]"]
    assert told["warm_start[2]"] == told["warm_start[4]"] == "there is no such search of yours"
    assert "listed twice" in told["warm_start[3]"]
    assert client.get(SEARCHES).json()["items"][0]["id"] == running


def test_a_paused_or_cancelled_search_is_a_source_too(
    client: httpx.Client, spec: dict[str, Any], work: Table, services: Services
) -> None:
    search = client.post(SEARCHES, json=spec).headers["Location"]
    work()
    client.post(f"{search}/pause")
    search_id = search.rpartition("/")[2]
    for _ in ("paused", "cancelled"):
        made = client.post(SEARCHES, json={**spec, "warm_start": [search_id]})
        assert made.status_code == 201, made.text
        assert len(stored(services, made.json()["id"])) == 8
        client.post(f"{search}/cancel")


def test_a_search_without_trials_says_so(client: httpx.Client, spec: dict[str, Any]) -> None:
    search = client.post(SEARCHES, json=spec).headers["Location"]
    client.post(f"{search}/cancel")
    search_id = search.rpartition("/")[2]
    told = refused(client.post(SEARCHES, json={**spec, "warm_start": [search_id]}))
    assert told == {"warm_start[0]": f"search {search_id} has no trial that has ended"}


def test_values_outside_the_new_limits_are_left_out(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Services
) -> None:
    first = complete(client, {**spec, "trials_per_round": 32})
    rate = {"low": 1e-3, "high": 0.1, "scale": "log", "hard_low": 1e-3, "hard_high": 0.1}
    space = {"learning_rate": rate, "activation": {"choices": ["relu"]}}
    made = client.post(SEARCHES, json={**spec, "space": space, "warm_start": [first["id"]]}).json()
    lines = stored(services, made["id"])
    assert 0 < len(lines) < first["trials"]["planned"]
    assert all(1e-3 <= o.params["learning_rate"] <= 0.1 for o in lines)
    assert {o.params["activation"] for o in lines} == {"relu"}


def test_two_sources_are_told_apart_and_large_ones_are_cut(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ids = [complete(client, {**spec, "rounds": 2, "seed": seed})["id"] for seed in (0, 1)]
    row = services.store.read(lambda tx: tx.searches.get(ids[0]))
    assert row is not None
    new = services.searches.submit({**spec, "warm_start": ids}, owner=row.owner)[0]
    lines = stored(services, new.id)
    assert [o.source for o in lines] == [1] * 16 + [2] * 16
    monkeypatch.setattr(warm, "TRIALS_MOST", 6)
    cut = services.searches.submit({**spec, "warm_start": ids[:1]}, owner=row.owner)[0]
    kept = stored(services, cut.id)
    assert 3 <= len(kept) <= 6
    scores = sorted((o.value for o in lines[:16]), reverse=True)
    assert {scores[0], scores[1], scores[2]} <= {o.value for o in kept}
    assert lines[15].params in [o.params for o in kept]


def test_the_architecture_may_be_searched_in_both(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    units = {"low": 8, "high": 32, "scale": "log"}
    wide = {**spec, "model": {}, "space": {**spec["space"], "hidden_units": units}, "rounds": 1}
    first = complete(client, wide)
    made = client.post(SEARCHES, json={**wide, "warm_start": [first["id"]]})
    assert made.status_code == 201, made.text


def test_observations_come_back_as_they_were(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Services
) -> None:
    sizes = {"choices": [[20], [10, 10]]}
    shaped = {**spec, "model": {}, "space": {**spec["space"], "hidden_sizes": sizes}, "rounds": 1}
    first = complete(client, shaped)
    made = client.post(SEARCHES, json={**shaped, "warm_start": [first["id"]]}).json()
    found = stored(services, made["id"])
    trials = client.get(f"{SEARCHES}/{first['id']}/trials", params={"round": 1}).json()["items"]
    assert [o.index for o in found] == list(range(8))
    assert [o.params["learning_rate"] for o in found] == [
        t["params"]["learning_rate"] for t in trials
    ]
    assert {o.params["hidden_sizes"] for o in found} <= {(20,), (10, 10)}
    assert [o.value for o in found] == [t["score"] for t in trials]


def seen(rate: float, score: float | None, epochs: int = 8, **more: Any) -> dict[str, Any]:
    return {"params": {"learning_rate": rate, "activation": "relu"}, "epochs": epochs,
            "score": score, **more}  # fmt: skip


ELSEWHERE = [
    seen(0.01, 0.8),
    seen(0.1, 0.92, curve=[[2, 0.7], [4, 0.9]]),
    seen(0.3, 0.85, 4, state="stopped"),
    seen(9.0, None, 1, state="diverged"),
    seen(1e-9, 0.1),  # below every limit
]


def test_trials_seen_elsewhere_are_frozen_and_come_back_with_the_spec(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Services
) -> None:
    first = complete(client, {**spec, "rounds": 1})
    warm_start = [{"observations": ELSEWHERE}, first["id"]]
    again = complete(client, {**spec, "warm_start": warm_start, "seed": 1})
    assert again["warm_start"] == [first["id"]]
    assert "warm_start_1" not in again["links"]
    assert again["links"]["warm_start_2"] == f"{SEARCHES}/{first['id']}"
    row = services.store.read(lambda tx: tx.searches.get(again["id"]))
    assert row is not None
    assert row.spec["warm_start"] == [{"observations": []}, first["id"]]
    found = row.warm_start
    assert [o.source for o in found] == [1] * 4 + [2] * 8
    assert [o.value for o in found[:4]] == [0.8, 0.92, 0.85, None]
    assert found[1].curve == ((2, 0.7), (4, 0.9), (8, 0.92))
    assert replay.decisions(services, again["id"]).differences == []
    whole = client.get(f"{SEARCHES}/{again['id']}/spec").json()
    same = client.post(SEARCHES, json=whole)
    assert same.status_code == 201, same.text
    lines = stored(services, same.json()["id"])
    assert lines == stored(services, again["id"])


def test_what_is_wrong_with_a_trial_seen_elsewhere_has_its_place(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    wrong = [
        seen(0.1, 0.9),
        {"params": {"learning_rate": 0.1}, "epochs": 2, "score": 0.5},
        seen(0.1, 1.5),
        seen(0.1, None),
        seen(0.1, 0.5, state="diverged"),
        {**seen(0.1, 0.5), "params": {"learning_rate": "fast", "activation": "relu"}},
        seen(0.1, 0.5, 4, curve=[[3, 0.4], [2, 0.3]]),
    ]
    told = refused(client.post(SEARCHES, json={**spec, "warm_start": [{"observations": wrong}]}))
    at = "warm_start[0].observations"
    assert told == {
        f"{at}[1].params": "other hyperparameters: learning_rate, not activation, learning_rate",
        f"{at}[2].score": "accuracy lies in [0, 1], got 1.5",
        f"{at}[3].score": "missing; null is for diverged",
        f"{at}[4].score": "a diverged trial has none",
        f"{at}[5].params.learning_rate": "a number is wanted, got 'fast'",
        f"{at}[6].curve": "its epochs must grow, to 4 at the most, got [3, 2]",
    }
    for odd, path in (
        ([], at),
        ([{**seen(0.1, 0.9), "epochs": 0}], f"{at}[0].epochs"),
        ([{**seen(0.1, 0.9), "colour": 1}], f"{at}[0].colour"),
        ([{**seen(0.1, 0.9), "params": {"learning_rate": None}}], f"{at}[0].params.learning_rate"),
        ([seen(0.1, 0.9)] * 2001, at),
        ([seen(1e-9, 0.9)], at),
        ("many", at),
    ):
        answer = client.post(SEARCHES, json={**spec, "warm_start": [{"observations": odd}]})
        assert set(refused(answer)) == {path}, odd
    low = {**spec, "objective": "log_loss", "warm_start": [{"observations": [seen(0.1, 0.4)]}]}
    assert (
        "log_loss lies in [-1e+100, 0]"
        in refused(client.post(SEARCHES, json=low))[f"{at}[0].score"]
    )


def test_whoever_gave_other_trials_has_another_digest(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    small = {**spec, "rounds": 1, "final": {"epochs": 1, "models": 1}}
    digests = set()
    for score in (0.8, 0.81):
        given = {**small, "warm_start": [{"observations": [seen(0.01, score)]}]}
        ended = complete(client, given)
        digests.add(client.get(ended["links"]["result"]).json()["digest"])
    assert len(digests) == 2
    assert None not in digests
