"""Values as callers have them: taken, or named in a TypeError; and clients that are copied."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.waiting import until

from hpsearch import errors
from hpsearch.client import Client, external
from hpsearch.client.trial_training import Held
from hpsearch.report.views import HealthView, OrderView, StatusView

ORDER: dict[str, Any] = {
    "search": "s1", "trial": "1-0", "kind": "explore", "params": {}, "epochs": 8,
    "rungs": [2, 4, 8], "seed": 1, "attempt": 1, "lease": {"token": "t", "seconds": 30},
}  # fmt: skip


@pytest.fixture
def client(contract: Any) -> Any:
    with Client(contract.url, "k" * 40, timeout=5, patience=0) as made:
        yield made


@pytest.fixture
def order() -> OrderView:
    return OrderView.model_validate(ORDER)


def test_a_spec_of_numpy_s_values_is_plain_json(contract: Any, client: Client, status: Any) -> None:
    contract.answer(201, status)
    view = StatusView.model_validate(status)
    client.submit(
        {
            "space": {"lr": {"low": np.float32(0.5), "high": np.float64(1)},
                      "width": {"choices": np.array([8, 16])}, "depth": {"choices": range(1, 4)}},
            "rounds": np.int64(3), "stop_early": np.bool_(False), "warm_start": (view,),
        }
    )  # fmt: skip
    assert json.loads(contract.asked[0][3]) == {
        "space": {"lr": {"low": 0.5, "high": 1.0}, "width": {"choices": [8, 16]},
                  "depth": {"choices": [1, 2, 3]}},
        "rounds": 3, "stop_early": False, "warm_start": ["s1"],
    }  # fmt: skip


def test_a_status_stands_for_its_id_in_every_method(
    contract: Any, client: Client, status: Any, tmp_path: Any
) -> None:
    contract.answer(200, status)
    view = StatusView.model_validate(status)
    asked: list[Callable[[], Any]] = [
        lambda: client.status(view, wait=np.float64(0.5), after=view),
        lambda: client.pause(view),
        lambda: client.resume(view),
        lambda: client.cancel(view),
        lambda: client.delete(view),
        lambda: client.edit(view, {"rounds": np.int64(6)}, seen=view),
        lambda: client.spec(view),
        lambda: client.continue_(view, rounds=np.int64(2)),
        lambda: client.model(view, str(tmp_path / "a.npz")),
        lambda: client.report_html(view, str(tmp_path / "a.html")),
        lambda: client.trials_csv(view, str(tmp_path / "a.csv")),
    ]
    for call in asked:
        contract.asked.clear()
        call()
        assert contract.asked[0][1].startswith("/api/v1/searches/s1"), contract.asked
    assert (tmp_path / "a.csv").exists()
    page = {"items": [], "next": None}
    contract.answers[:] = []
    contract.answer(200, page)
    assert not [*client.trials(view, round=np.int64(2)), *client.rounds(view)]
    assert contract.asked[-2][1] == "/api/v1/searches/s1/trials?round=2&limit=200"
    health = {"id": "s1", "state": "running", "revision": 3, "notes": []}
    contract.answers[:] = []
    contract.answer(200, health)
    assert client.health(HealthView.model_validate(health)).id == "s1"


def test_a_report_takes_numbers_of_any_library(
    contract: Any, client: Client, order: OrderView
) -> None:
    contract.answer(200, {"trial": "1-0", "stop": False})
    client.report(order, np.float32(0.5), epoch=np.int64(2), loss=np.array(0.25))
    sent = json.loads(contract.asked[0][3])
    assert sent == {"score": 0.5, "epoch": 2, "loss": 0.25, "token": "t"}


BAD: list[tuple[Callable[[Client, OrderView], Any], str]] = [
    (lambda c, _: c.status(7), r"the search is 7 \(int\)"),
    (lambda c, _: c.status(None), "the search is None"),
    (lambda c, _: c.status("s1", wait="soon"), "wait is 'soon'"),
    (lambda c, _: c.status("s1", after="3"), "after is '3'"),
    (lambda c, _: c.wait("s1", timeout="1h"), "timeout is '1h'"),
    (lambda c, _: c.submit(["dataset"]), "spec is .*give a mapping"),
    (
        lambda c, _: c.submit({"space": {"a": {"choices": {1, 2}}}}),
        r"spec\.space\.a\.choices is {1",
    ),
    (lambda c, _: c.submit({"space": {3: {}}}), r"a name in spec\.space is 3"),
    (lambda c, _: c.submit({"seed": [0, object]}), r"spec\.seed\[1\] is <class 'object'>"),
    (lambda c, _: c.edit("s1", "rounds=3"), "the edit is 'rounds=3'"),
    (lambda c, _: c.edit("s1", {}, seen=3), "seen is 3"),
    (lambda c, _: list(c.list(limit=2.5)), "limit is 2.5"),
    (lambda c, _: list(c.trials("s1", round="first")), "round is 'first'"),
    (lambda c, _: c.figure("s1", 3), "is 3"),
    (lambda c, _: c.model("s1", 3), "the file is 3"),
    (lambda c, _: c.put_dataset("d", 3), "the dataset's file or frame is 3"),
    (lambda c, _: c.dataset(3), "the dataset is 3"),
    (lambda c, _: c.trials_csv("s1", io.StringIO()), "open for bytes"),
    (lambda c, _: c.claim("s1", lease="long"), "lease is 'long'"),
    (lambda c, _: c.heartbeat("1-0"), "what `claim` has returned"),
    (lambda c, o: c.report(o, "good"), "score is 'good'"),
    (lambda c, o: c.report(o, True), "score is True"),
    (lambda c, o: c.report(o, np.array([1.0, 2.0])), "score is"),
    (lambda c, o: c.report(o, 1.0, epoch=1.5), "epoch is 1.5"),
    (lambda c, o: c.report(o, state="failed", message=ValueError("no")), "message is ValueError"),
    (lambda c, _: external.run(c, "s1", "train"), "train is 'train'"),
    (lambda c, _: Client(None), "the address of the service is None"),
    (lambda c, _: Client(c.url, timeout="long"), "timeout is 'long'"),
]


@pytest.mark.parametrize(("call", "what"), BAD)
def test_what_cannot_be_sent_is_named(
    contract: Any, client: Client, order: OrderView, call: Any, what: str
) -> None:
    with pytest.raises(TypeError, match=what):
        call(client, order)
    assert not contract.asked


def test_a_key_of_another_type_is_not_shown() -> None:
    with pytest.raises(TypeError, match="the API key is bytes") as caught:
        Client("http://127.0.0.1:1", b"secret")  # type: ignore[arg-type]  # on purpose
    assert "secret" not in str(caught.value)


def test_a_score_that_is_not_finite_names_the_state(client: Client, order: OrderView) -> None:
    for score in (math.nan, np.float32("inf")):
        with pytest.raises(errors.InvalidRequest, match='report state="diverged"'):
            client.report(order, score)
    with pytest.raises(errors.InvalidRequest, match="loss is nan"):
        client.report(order, 1.0, loss=math.nan)


@pytest.mark.parametrize("more", ["/", "/api/v1", "/api/v1/", " \n"])
def test_an_address_may_have_more_at_its_end(contract: Any, status: Any, more: str) -> None:
    contract.answer(200, status)
    with Client(contract.url + more, "k" * 40 + "\n") as client:
        assert client.status("s1").id == "s1"
        assert client.url == contract.url
    _, path, headers, _ = contract.asked[0]
    assert (path, headers["Authorization"]) == ("/api/v1/searches/s1", "Bearer " + "k" * 40)


@pytest.mark.parametrize("url", ["http://h/?key=1", "http://h/#top", "http://h?"])
def test_an_address_with_a_query_is_none(url: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="looks like"):
        Client(url)


def test_a_copy_of_a_client_has_connections_of_its_own(
    contract: Any, client: Client, status: Any
) -> None:
    contract.answer(200, status)
    for made in (pickle.loads(pickle.dumps(client)), copy.deepcopy(client)):  # ours
        with made:
            assert made.status("s1").id == "s1"
    assert client.status("s1").id == "s1"  # closing a copy closes nothing here
    assert {headers["Authorization"] for *_, headers, _ in contract.asked} == {"Bearer " + "k" * 40}


def test_every_error_survives_the_way_out_of_a_pool() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)]
    for kind in kinds:
        error = kind("why")
        if isinstance(error, errors.InvalidSpec | errors.InvalidDataset):
            error = kind("why", [errors.Mistake("space", "no")])
        error.retry_after = 3.0
        back = pickle.loads(pickle.dumps(error))  # our own
        assert (type(back), str(back), back.retry_after) == (kind, str(error), 3.0)
        assert list(back.mistakes) == list(error.mistakes)


def test_an_order_can_be_sent_to_another_process(order: OrderView) -> None:
    assert pickle.loads(pickle.dumps(order)) == order  # our own


def test_a_search_that_nobody_trains_is_followed_though_its_revision_stays(
    contract: Any, client: Client, status: Any
) -> None:
    outside = {**status, "objective": "external", "dataset": None}
    waiting = {"seconds": 40, "trials": 4, "message": "waiting for trainers"}
    contract.answer(200, outside)
    contract.answer(304)
    contract.answer(200, {**outside, "waiting": waiting})
    contract.answer(200, {**outside, "revision": 4, "state": "cancelled"})
    shown = [view.waiting and view.waiting.message for view in client.follow("s1")]
    assert shown == [None, "waiting for trainers", None]


def test_a_heartbeat_that_meets_a_rate_limit_gives_nothing_up(order: OrderView) -> None:
    beaten: list[int] = []

    def heartbeat(_: OrderView) -> None:
        beaten.append(1)
        raise errors.TooMany("slow down")

    quick = order.model_copy(update={"lease": order.lease.model_copy(update={"seconds": 0.03})})
    verdict = types.SimpleNamespace(stop=True)
    fake = types.SimpleNamespace(heartbeat=heartbeat, report=lambda *_, **__: verdict)
    held = Held(fake, quick)  # type: ignore[arg-type]  # all that it asks
    with held.heartbeats():
        until(lambda: len(beaten) > 2)
    assert not held.over
