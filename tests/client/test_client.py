from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hpsearch import errors
from hpsearch.client import Client, is_loopback
from hpsearch.trials import SearchState

BY_STATUS = [
    (400, "Invalid request", errors.InvalidRequest),
    (401, "Authentication required", errors.Unauthenticated),
    (403, "Not allowed", errors.Forbidden),
    (404, "Not found", errors.NotFound),
    (405, "Method Not Allowed", errors.InvalidRequest),
    (409, "Conflict", errors.Conflict),
    (412, "Precondition failed", errors.Stale),
    (413, "Too large", errors.TooLarge),
    (415, "Unsupported content type", errors.UnsupportedType),
    (422, "Invalid search spec", errors.InvalidSpec),
    (422, "Invalid dataset", errors.InvalidDataset),
    (422, "", errors.InvalidSpec),
    (429, "Too many requests", errors.TooMany),
    (500, "Internal error", errors.SystemFault),
    (502, "Bad Gateway", errors.Unavailable),
    (503, "Unavailable", errors.Unavailable),
]


@pytest.fixture
def client(contract):
    with Client(contract.url, "k" * 40, timeout=5, patience=2) as made:
        yield made


@pytest.mark.parametrize(("status", "title", "kind"), BY_STATUS)
def test_a_problem_is_the_error_it_was_made_from(contract, status, title, kind):
    contract.problem(status, title, "what to do about it")
    with (
        Client(contract.url, "k" * 40, timeout=5, patience=0) as client,
        pytest.raises(kind, match=r"^what to do about it$") as caught,
    ):
        client.result("s1")
    assert type(caught.value) is kind


def test_every_mistake_comes_back_with_its_path(contract, client):
    mistakes = [{"path": "space.learning_rate.low", "message": "must be positive"}, "odd"]
    contract.problem(422, "Invalid search spec", "1 mistake", errors=mistakes)
    with pytest.raises(errors.InvalidSpec) as caught:
        client.submit({})
    assert caught.value.mistakes == (errors.Mistake("space.learning_rate.low", "must be positive"),)


def test_another_program_at_the_address_is_named_as_such(contract, client):
    contract.answer(404, b"<html>nginx</html>")
    with pytest.raises(errors.NotFound, match="perhaps it is not an hpsearch service: <html>"):
        client.status("s1")


def test_a_redirect_is_not_followed_with_the_key(contract, client):
    contract.answer(308, b"", Location="http://elsewhere.example/api")
    with pytest.raises(errors.InvalidRequest, match=r"moved to http://elsewhere\.example/api"):
        client.status("s1")
    assert len(contract.asked) == 1


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"id": 1}'])
def test_an_answer_that_is_no_status_is_a_fault(contract, client, body):
    contract.answer(200, body)
    with pytest.raises(errors.SystemFault, match="same version"):
        client.status("s1")


@pytest.mark.parametrize("body", [b"[]", b'{"items": 3}'])
def test_an_answer_that_is_no_page_is_a_fault(contract, client, body):
    contract.answer(200, body)
    with pytest.raises(errors.SystemFault, match="no page of items"):
        list(client.rounds("s1"))


def test_nothing_at_the_address_is_unavailable(unused_url):
    with Client(unused_url) as client, pytest.raises(errors.Unavailable, match="hpsearch serve"):
        client.ready()


@pytest.fixture
def unused_url():
    import socket

    with socket.socket() as taken:  # bound, not listening: refuses, and nobody else gets it
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_silent_service_is_unavailable(contract):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.2) as client, pytest.raises(errors.Unavailable, match="in time"):
            client.ready()


def test_a_submission_is_repeated_under_one_key(contract, client, status):
    contract.problem(503, "Unavailable", "starting")
    contract.answer(0)
    contract.answer(201, status)
    assert client.submit({"dataset": "digits"}).id == "s1"
    sent = [(headers["Idempotency-Key"], body) for _, _, headers, body in contract.asked]
    assert len(sent) == 3
    assert len(set(sent)) == 1


def test_two_submissions_have_two_keys(contract, client, status):
    contract.answer(201, status)
    client.submit({})
    client.submit(b"{}")
    first, second = (headers["Idempotency-Key"] for _, _, headers, _ in contract.asked)
    assert first != second


def test_a_submission_gives_up_when_patience_ends(contract):
    contract.problem(503, "Unavailable", "down for long")
    started = time.monotonic()
    with (
        Client(contract.url, patience=0.5) as client,
        pytest.raises(errors.Unavailable, match="down for long"),
    ):
        client.submit({})
    assert time.monotonic() - started < 10
    assert len(contract.asked) >= 2


def test_a_refused_submission_is_not_repeated(contract, client):
    contract.problem(409, "Conflict", "same key, other body")
    with pytest.raises(errors.Conflict):
        client.submit({})
    assert len(contract.asked) == 1


def test_a_wait_names_the_revision_that_is_known(contract, client, status):
    contract.answer(200, status)
    contract.answer(304)
    seen = client.status("s1")
    assert client.status("s1", wait=7.5, after=seen) is seen
    _, path, headers, _ = contract.asked[1]
    assert path == "/api/v1/searches/s1?wait=7.5"
    assert headers["If-None-Match"] == '"3"'


def test_lists_are_read_to_their_last_page(contract, client, status):
    contract.answer(200, {"items": [status, {**status, "id": "s2"}], "next": "c1"})
    contract.answer(200, {"items": [{**status, "id": "s3"}], "next": None})
    assert [view.id for view in client.list(state="running")] == ["s1", "s2", "s3"]
    assert contract.asked[0][1] == "/api/v1/searches?state=running&limit=200"
    assert contract.asked[1][1].endswith("&cursor=c1")


def test_a_limited_list_asks_for_no_more(contract, client, status):
    contract.answer(200, {"items": [status, {**status, "id": "s2"}], "next": "c1"})
    assert [view.id for view in client.list(limit=2)] == ["s1", "s2"]
    assert [path for _, path, _, _ in contract.asked] == ["/api/v1/searches?limit=2"]


def test_every_route_is_asked_as_the_contract_has_it(contract, client, status, tmp_path):
    dataset = {
        "name": "mine",
        "digest": "d" * 64,
        "kind": "tabular",
        "shape": [4],
        "features": 4,
        "n_train": 90,
        "n_test": 10,
        "classes": ["a", "b"],
        "test_split": "made",
        "licence": "",
        "source": "",
        "builtin": False,
    }
    trial = {
        "id": "t1",
        "round": 1,
        "index": 0,
        "state": "completed",
        "params": {},
        "epochs": 2,
        "validation_accuracy": 0.5,
        "validation_loss": 1.0,
    }
    page = {"items": [], "next": None}
    file = tmp_path / "mine.CSV"
    file.write_bytes(b"a,b\n" * 100_000)
    contract.answer(200, status)
    assert client.pause("s1").state is SearchState.RUNNING
    client.resume("s1")
    client.cancel("s1")
    contract.answers[:] = []
    contract.answer(204)
    client.delete("s1")
    client.delete_dataset("mine")
    contract.answers[:] = []
    contract.answer(201, dataset)
    assert client.put_dataset("mine", file, label="b").n_train == 90
    assert client.dataset("mine").classes == ["a", "b"]
    contract.answers[:] = []
    contract.answer(200, {"items": [trial], "next": None})
    assert [found.id for found in client.trials("s1", round=1, sort="-validation_accuracy")]
    contract.answers[:] = []
    contract.answer(200, page)
    assert not [*client.rounds("s1"), *client.datasets()]
    contract.answers[:] = []
    contract.answer(200, {"status": "ready"})
    assert client.ready() == {"status": "ready"}
    api = "/api/v1"
    assert [(method, path) for method, path, _, _ in contract.asked] == [
        ("POST", f"{api}/searches/s1/pause"),
        ("POST", f"{api}/searches/s1/resume"),
        ("POST", f"{api}/searches/s1/cancel"),
        ("DELETE", f"{api}/searches/s1"),
        ("DELETE", f"{api}/datasets/mine"),
        ("PUT", f"{api}/datasets/mine?label=b"),
        ("GET", f"{api}/datasets/mine"),
        ("GET", f"{api}/searches/s1/trials?round=1&sort=-validation_accuracy&limit=200"),
        ("GET", f"{api}/searches/s1/rounds?limit=200"),
        ("GET", f"{api}/datasets?limit=200"),
        ("GET", "/readyz"),
    ]
    assert {headers["Authorization"] for _, _, headers, _ in contract.asked} == {
        "Bearer " + "k" * 40
    }
    _, _, headers, body = contract.asked[5]
    assert headers["Content-Type"] == "text/csv"
    assert body == file.read_bytes()


PLAN = {
    "round": 2, "kind": "explore", "ranges": {}, "trials": 8, "rungs": [2, 4, 8], "epochs": 8,
    "epochs_planned": 64, "decisions": {}, "reason": None, "preliminary": False,
    "open_trials": 0, "dry_run": True,
}  # fmt: skip


def test_an_edit_may_be_conditional_and_tried_out(contract, client, status):
    contract.answer(200, status)
    seen = client.edit("s1", {"rounds": 6})
    client.edit("s1", {"rounds": 7}, seen=seen)
    contract.answers[:] = []
    contract.answer(200, PLAN)
    assert client.preview("s1", {"rounds": 8}).rungs == [2, 4, 8]
    assert [(m, p, json.loads(b)) for m, p, _, b in contract.asked] == [
        ("PATCH", "/api/v1/searches/s1", {"rounds": 6}),
        ("PATCH", "/api/v1/searches/s1", {"rounds": 7}),
        ("PATCH", "/api/v1/searches/s1?dry_run=true", {"rounds": 8}),
    ]
    tags = [headers.get("If-Match") for _, _, headers, _ in contract.asked]
    assert tags == [None, '"3"', None]


def test_a_search_is_continued_by_its_own_spec(contract, client, status):
    contract.answer(200, {"dataset": "digits", "seed": 4, "rounds": 3})
    contract.answer(201, status)
    assert client.continue_("s0", rounds=5).id == "s1"
    contract.answers.insert(0, (200, {}, b'{"dataset": "digits"}'))
    client.continue_("s0")
    sent = [(method, path) for method, path, _, _ in contract.asked]
    assert sent == [("GET", "/api/v1/searches/s0/spec"), ("POST", "/api/v1/searches")] * 2
    first, second = (json.loads(contract.asked[i][3]) for i in (1, 3))
    assert first == {"dataset": "digits", "seed": 5, "rounds": 5, "warm_start": ["s0"]}
    assert second == {"dataset": "digits", "seed": 1, "warm_start": ["s0"]}


def test_what_a_search_began_with_is_passed_on(contract, client, status):
    """Where it is still there: a deleted search would be a mistake in the new spec."""
    contract.answer(200, {"dataset": "digits", "warm_start": ["gone", "old"]})
    contract.problem(404, "Not found", "no search 'gone'")
    contract.answer(200, status)
    contract.answer(201, status)
    client.continue_("s0")
    paths = [path.removeprefix("/api/v1/searches") for _, path, _, _ in contract.asked]
    assert paths == ["/s0/spec", "/gone", "/old", ""]
    assert json.loads(contract.asked[-1][3])["warm_start"] == ["old", "s0"]


def test_health_spec_and_curves(contract, client):
    note = {
        "code": "optimism", "severity": "warning", "message": "m", "numbers": {"gap": 0.1},
        "advice": "a",
    }  # fmt: skip
    contract.answer(200, {"id": "s1", "state": "running", "revision": 3, "notes": [note]})
    assert client.health("s1").notes[0].sentence == "m; a"
    contract.answers[:] = []
    contract.answer(200, {"items": [], "next": None})
    assert not [*client.trials("s1", curve=True)]
    assert contract.asked[1][1] == "/api/v1/searches/s1/trials?curve=true&limit=200"
    contract.answers[:] = []
    contract.answer(200, [])
    with pytest.raises(errors.SystemFault, match="no spec"):
        client.spec("s1")


def test_what_is_no_dataset_file_is_not_sent(contract, client, tmp_path):
    with pytest.raises(errors.InvalidRequest, match=r"mine\.parquet"):
        client.put_dataset("mine", Path("mine.parquet"))
    with pytest.raises(errors.InvalidRequest, match="No such file"):
        client.put_dataset("mine", tmp_path / "absent.npz")
    assert not contract.asked


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_cannot_lead_to_another_route(contract, client, name):
    with pytest.raises(errors.NotFound):
        client.delete(name)
    assert not contract.asked


def test_a_name_is_quoted(contract, client):
    contract.problem(404, "Not found", "no")
    with pytest.raises(errors.NotFound):
        client.dataset("../searches?x=1#é")
    assert contract.asked[0][1] == "/api/v1/datasets/..%2Fsearches%3Fx%3D1%23%C3%A9"


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://host", "http://", "", "http://h:99999999"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(errors.InvalidRequest, match="looks like http://"):
        Client(url)


def test_a_key_with_a_newline_inside_is_refused():
    with pytest.raises(errors.Misconfigured, match="pasted whole"):
        Client("http://127.0.0.1:1", "abc\ndef")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.8.9.10", True),
        ("http://localhost", True),
        ("http://LOCALHOST:80", True),
        ("http://[::1]:8080", True),
        ("http://api.localhost", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://127.0.0.1@example.com", False),
        ("not a url", False),
        ("http://[broken", False),
    ],
)
def test_loopback_is_this_machine_alone(url, expected):
    assert is_loopback(url) is expected


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(contract, monkeypatch, status):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    contract.answer(200, status)
    with Client(contract.url) as client:
        assert client.status("s1").id == "s1"
