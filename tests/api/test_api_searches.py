"""One search through the API: submitted, watched, steered, read, removed."""

from __future__ import annotations

import csv
import io
import threading
import time
from typing import Any

import httpx
import pytest

from api.trials_csv import _cell
from hpsearch.service import Services

SEARCHES = "/api/v1/searches"


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert problem["title"]
    assert problem["detail"]
    return dict(problem)


def test_submitting_answers_201_with_location_etag_and_status(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    made = client.post(SEARCHES, json={**spec, "name": "über 漢字 <b>"})

    assert made.status_code == 201
    status = made.json()
    assert made.headers["Location"] == f"{SEARCHES}/{status['id']}"
    assert made.headers["ETag"] == f'"{status["revision"]}"'
    assert status["state"] == "queued"
    assert status["name"] == "über 漢字 <b>"
    assert status["trials"]["planned"] == 8
    assert client.get(made.headers["Location"]).json()["id"] == status["id"]


def test_an_idempotency_key_makes_a_repetition_harmless(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "one"}
    first = client.post(SEARCHES, json=spec, headers=key)
    again = client.post(SEARCHES, json=spec, headers=key)
    other = client.post(SEARCHES, json={**spec, "seed": 1}, headers=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    is_problem(other, 409)
    assert len(client.get(SEARCHES).json()["items"]) == 1


def test_two_owners_may_use_the_same_idempotency_key(clients: Any, spec: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "the-same"}
    codes = [clients().post(SEARCHES, json=spec, headers=key).status_code for _ in range(2)]
    assert codes == [201, 201]


def test_the_list_is_newest_first_by_page_and_by_state(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    ids = [client.post(SEARCHES, json=spec).json()["id"] for _ in range(5)]
    client.post(f"{SEARCHES}/{ids[2]}/cancel")

    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = client.get(SEARCHES, params=query).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ids[::-1]
    assert cursor is None
    cancelled = client.get(SEARCHES, params={"state": "cancelled"}).json()["items"]
    assert [item["id"] for item in cancelled] == [ids[2]]


def test_a_known_revision_is_answered_with_304(client: httpx.Client, search: str) -> None:
    tag = client.get(search).headers["ETag"]
    same = client.get(search, headers={"If-None-Match": tag})
    weak = client.get(search, headers={"If-None-Match": f'"77", W/{tag}'})
    older = client.get(search, headers={"If-None-Match": '"77"'})

    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert weak.status_code == 304
    assert older.status_code == 200


def test_a_long_poll_ends_with_the_change(client: httpx.Client, search: str) -> None:
    tag = client.get(search).headers["ETag"]
    timer = threading.Timer(0.5, lambda: client.post(f"{search}/pause"))
    timer.start()
    started = time.monotonic()
    news = client.get(search, params={"wait": 20}, headers={"If-None-Match": tag})
    timer.join()

    assert news.status_code == 200
    assert news.json()["state"] == "paused"
    assert 0.3 < time.monotonic() - started < 18


def test_a_long_poll_without_news_ends_with_its_time(client: httpx.Client, search: str) -> None:
    tag = client.get(search).headers["ETag"]
    started = time.monotonic()
    assert client.get(search, params={"wait": 0.4}).status_code == 200
    quiet = client.get(search, params={"wait": 0.4}, headers={"If-None-Match": tag})
    assert quiet.status_code == 304
    assert 0.7 < time.monotonic() - started < 10


def test_a_long_poll_from_an_older_revision_answers_at_once(
    client: httpx.Client, search: str
) -> None:
    started = time.monotonic()
    assert client.get(search, params={"wait": 30}, headers={"If-None-Match": '"0"'}).json()
    assert time.monotonic() - started < 25


def test_many_waiting_clients_leave_room_for_others(clients: Any, spec: dict[str, Any]) -> None:
    waiting = clients()
    search = waiting.post(SEARCHES, json=spec).headers["Location"]
    waiting.get(search)
    answered: list[float] = []

    def wait() -> None:
        started = time.monotonic()
        httpx.get(
            waiting.base_url.join(search),
            params={"wait": 4},
            headers=waiting.headers,
            timeout=30,
        )
        answered.append(time.monotonic() - started)

    threads = [threading.Thread(target=wait) for _ in range(30)]
    for thread in threads:
        thread.start()
    # Those beyond the limit are answered at once, which also says that the others wait.
    deadline = time.monotonic() + 10
    while len(answered) < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert waiting.get(SEARCHES).status_code == 200
    assert len(answered) < 30
    for thread in threads:
        thread.join()
    assert len(answered) == 30


def test_pause_resume_cancel_delete(client: httpx.Client, search: str) -> None:
    assert client.post(f"{search}/pause").json()["state"] == "paused"
    is_problem(client.post(f"{search}/pause"), 409)
    assert client.post(f"{search}/resume").json()["state"] == "queued"
    is_problem(client.delete(search), 409)
    assert client.post(f"{search}/cancel").json()["state"] == "cancelled"
    is_problem(client.post(f"{search}/resume"), 409)
    gone = client.delete(search)
    assert (gone.status_code, gone.content) == (204, b"")
    is_problem(client.get(search), 404)
    is_problem(client.delete(search), 404)


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_if_match_guards_a_change(client: httpx.Client, search: str, action: str) -> None:
    tag = client.get(search).headers["ETag"]
    for stale in ('"99"', '"nonsense"', f"W/{tag}", '"1", "2"', ""):
        problem = is_problem(client.post(f"{search}/{action}", headers={"If-Match": stale}), 412)
        assert problem["type"] == "/problems/stale"
    assert client.get(search).headers["ETag"] == tag
    assert client.post(f"{search}/{action}", headers={"If-Match": tag}).status_code == 200


def test_if_match_guards_resume_and_delete(client: httpx.Client, search: str) -> None:
    first = client.get(search).headers["ETag"]
    client.post(f"{search}/pause")
    is_problem(client.post(f"{search}/resume", headers={"If-Match": first}), 412)
    last = client.post(f"{search}/cancel", headers={"If-Match": "*"}).headers["ETag"]
    is_problem(client.delete(search, headers={"If-Match": first}), 412)
    assert client.delete(search, headers={"If-Match": last}).status_code == 204


def test_the_result_waits_for_the_end(client: httpx.Client, search: str) -> None:
    problem = is_problem(client.get(f"{search}/result"), 409)
    assert "queued" in problem["detail"]


def test_a_completed_search_shows_rounds_trials_and_result(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    status = complete(client, spec)
    assert status["state"] == "completed"
    here = f"{SEARCHES}/{status['id']}"

    rounds = client.get(f"{here}/rounds").json()["items"]
    assert [r["kind"] for r in rounds] == ["explore", "explore", "final"]
    assert set(rounds[0]["decisions"]) == {"learning_rate"}
    trials = client.get(f"{here}/trials").json()["items"]
    assert {t["round"] for t in trials} >= {1, 2}
    result = client.get(f"{here}/result").json()
    assert result["ranges"]["learning_rate"]["verdict"]
    assert 0 < result["test"]["accuracy"] <= 1
    assert client.get(f"{here}/result", headers={"Accept": "text/csv"}).json() == result
    assert rounds[0]["rungs"] == [1, 2]
    assert rounds[0]["epochs_trained"] == rounds[0]["epochs_planned"] == 4 + 2
    assert rounds[0]["evidence"]["epochs"] == 2
    assert [i["name"] for i in rounds[0]["evidence"]["importance"]] == ["learning_rate"]
    assert status["epochs"]["planned"] == status["epochs"]["trained"]
    assert result["recommended"]["trainings"] >= 1
    assert result["importance"][0]["low"] <= result["importance"][0]["high"]
    assert result["objective"] == "accuracy"


def test_trials_with_their_learning_curves(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    large = {**spec, "trials_per_round": 60, "rounds": 2, "stop_early": False}
    here = f"{SEARCHES}/{complete(client, large)['id']}/trials"
    page = client.get(here, params={"curve": True, "limit": 1000}).json()
    assert len(page["items"]) == 100  # with curves a page is no larger
    rest = client.get(here, params={"curve": True, "cursor": page["next"]}).json()["items"]
    for trial in [*page["items"], *rest]:
        assert [point[0] for point in trial["curve"]] == list(range(1, trial["epochs"] + 1))
        if trial["role"] is None:
            _, loss, accuracy, score = trial["curve"][-1]
            assert (loss, accuracy) == (trial["validation_loss"], trial["validation_accuracy"])
            assert score == trial["score"]
    assert {t["state"] for t in page["items"]} == {"completed", "stopped"}
    assert {t["cohort"] for t in page["items"] if t["round"] == 1} == {0, 1, 2, 3}
    plain = client.get(here, params={"limit": 1}).json()["items"][0]
    assert plain["curve"] is None


def test_trials_by_page_round_state_and_accuracy(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    here = f"{SEARCHES}/{complete(client, spec)['id']}/trials"
    everything = client.get(here).json()["items"]
    paged, cursor = [], None
    while True:
        query = {"limit": 3} | ({} if cursor is None else {"cursor": cursor})
        page = client.get(here, params=query).json()
        paged += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert paged == everything
    second = client.get(here, params={"round": 2}).json()["items"]
    assert [t["round"] for t in second] == [2] * 4
    assert client.get(here, params={"state": "diverged"}).json()["items"] == []
    best = client.get(here, params={"sort": "-validation_accuracy", "round": 1}).json()["items"]
    scores = [t["validation_accuracy"] for t in best]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 4


def test_trials_as_csv_are_all_of_them(
    client: httpx.Client, spec: dict[str, Any], complete: Any
) -> None:
    spec["space"]["activation"] = {"choices": ["relu", "tanh"]}
    large = {**spec, "trials_per_round": 600, "stop_early": False}
    here = f"{SEARCHES}/{complete(client, large)['id']}/trials"
    answer = client.get(here, params={"limit": 1}, headers={"Accept": "text/csv"})

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    items = client.get(here, params={"limit": 1000}).json()["items"]
    # More than one page of the service's own: 1,200 trials and the final test's.
    assert len(rows) > 1200 > len(items)
    assert [row["id"] for row in rows[:1000]] == [item["id"] for item in items]
    assert float(rows[0]["learning_rate"]) == items[0]["params"]["learning_rate"]
    assert rows[0]["activation"] == items[0]["params"]["activation"]
    assert rows[0]["error"] == ""
    is_problem(client.get(f"{SEARCHES}/nobody/trials", headers={"Accept": "text/csv"}), 404)


def test_columns_of_hyperparameters_have_names_of_their_own(
    client: httpx.Client, services: Services
) -> None:
    """External ones may be called like a trial's own facts; the role is a column where asked for."""
    names = ("epochs", "error", "role", "param.id", "id", "lr")
    space = {name: {"choices": [None, True, 1, "null"]} for name in names}
    spec = {"objective": "external", "space": space, "rounds": 1, "trials_per_round": 8}
    here = client.post(SEARCHES, json=spec).json()["links"]["trials"]
    services.jobs.advance_due()
    items = client.get(here).json()["items"]
    assert len(items) == 8
    plain, with_role = (
        list(
            csv.reader(io.StringIO(client.get(here, params=p, headers={"Accept": "text/csv"}).text))
        )
        for p in ({}, {"role": "true"})
    )
    own = ["id", "round", "index", "state", "epochs", "validation_accuracy", "validation_loss",
           "score", "cohort", "error"]  # fmt: skip
    assert plain[0] == [
        *own,
        "param.epochs",
        "param.error",
        "param.id",
        "lr",
        "param.param.id",
        "role",
    ]
    assert with_role[0] == [*own[:-1], "role", "error", *plain[0][len(own) : -1], "param.role"]
    for row, item in zip(plain[1:], items, strict=True):
        assert row[:5] == [item["id"], "1", str(item["index"]), "pending", "0"]
        wanted = [item["params"][name] for name in sorted(names)]
        assert row[len(own) :] == ["null" if v is None else _cell(v) for v in wanted]


def test_csv_cells_are_never_formulas() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=x"):
        assert _cell(text).startswith("'")
    # Where the comma is the decimal sign, spreadsheets part cells at semicolons.
    assert _cell("x;=1+1;-y,+z") == "x;'=1+1;'-y,'+z"
    assert _cell("relu") == "relu"
    assert _cell(None) == ""
    assert float(_cell(-1e-5)) == -1e-5
    assert _cell(True) == "true"
    assert _cell((50, 20)) == "[50, 20]"


def test_another_owners_search_does_not_exist(
    clients: Any, search: str, spec: dict[str, Any]
) -> None:
    stranger = clients()
    for method, path in [
        ("GET", ""),
        ("GET", "/rounds"),
        ("GET", "/trials"),
        ("GET", "/result"),
        ("GET", "/health"),
        ("GET", "/spec"),
        ("PATCH", ""),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ]:
        body = {"json": {"rounds": 3}} if method == "PATCH" else {}
        is_problem(stranger.request(method, search + path, **body), 404)
    assert stranger.get(SEARCHES).json() == {"items": [], "next": None}


def test_nobody_waits_for_a_search_that_has_ended(client: Any, spec: dict[str, Any]) -> None:
    """No change will come: the answer must, at once and without turning in circles."""
    search = client.post(SEARCHES, json=spec).headers["Location"]
    tag = client.post(f"{search}/cancel").headers["ETag"]
    started = time.monotonic()
    assert client.get(search, params={"wait": 30}).status_code == 200
    known = client.get(search, params={"wait": 30}, headers={"If-None-Match": tag})
    assert known.status_code == 304
    assert time.monotonic() - started < 25


def test_several_tags_select_searches_of_ones_own_that_have_all(
    clients: Any, client: httpx.Client, spec: dict[str, Any]
) -> None:
    for name, tags in (("one", ["a", "b"]), ("two", ["a"])):
        assert client.post(SEARCHES, json={**spec, "name": name, "tags": tags}).status_code == 201

    def named(caller: httpx.Client, **asked: Any) -> set[str]:
        return {one["name"] for one in caller.get(SEARCHES, params=asked).json()["items"]}

    assert named(client, tag=["a", "b"]) == {"one"}
    assert named(client, tag="a") == {"one", "two"}
    assert named(clients(), tag=["a", "b"]) == named(clients(), q="a") == set()
    for wrong in (
        {"q": ["a", "b"]},
        {"q": "a\0"},
        {"q": "\n"},
        {"tag": "a\nb"},
        {"tag": ["a", "\0"]},
    ):
        assert client.get(SEARCHES, params=wrong).status_code == 400, wrong
    assert named(client, q="é") == named(client, tag="é ü") == set()
