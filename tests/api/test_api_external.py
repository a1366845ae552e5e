"""Training elsewhere, over a socket: trainers side by side, one that dies, the examples."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.absent import absent
from support.outside import SPEC
from support.waiting import until

from hpsearch.client import Client, external
from hpsearch.errors import Conflict, InvalidRequest, NotFound
from hpsearch.report.views import OrderView, StatusView
from hpsearch.service import Services

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = {**SPEC, "rounds": 2, "trials_per_round": 8, "epochs": {"first": 1, "last": 2}}


def train(order: OrderView) -> Iterator[float]:
    """Scores by formula; some alphas diverge, and some depths cannot be trained at all."""
    away = math.log10(float(order.params["alpha"])) + 2  # type: ignore[arg-type]  # a number
    if order.params["depth"] in (3, 12) and order.kind != "final":
        raise MemoryError("too deep")
    for epoch in range(1, order.epochs + 1):
        yield math.nan if away > 1.8 else -(away**2) - 1 / epoch + order.seed % 100 / 1e4


def trained(clients: list[Client], search: str) -> StatusView:
    with ThreadPoolExecutor(len(clients)) as pool:
        ends = list(pool.map(lambda c: external.run(c, search, train, wait=1), clients))
    assert {end.state for end in ends} == {"completed"}, ends[0].reason
    return ends[0]


@pytest.mark.usefixtures("loop")
def test_two_trainers_and_a_dead_one_find_what_one_finds(connect: Callable[[], Client]) -> None:
    user = connect()
    search = user.submit(SMALL).id
    dead = until(lambda: user.claim(search, wait=5, lease=1), what="a first trial")
    user.report(dead, -3.0, epoch=1)
    status = trained([connect(), connect()], search)
    assert (status.trials.failed, status.trials.diverged) > (0, 0)
    assert (status.trials.pending, status.trials.running) == (0, 0)
    with pytest.raises(Conflict, match="somebody else has trained it"):
        user.report(dead, -3.0, epoch=2)
    with pytest.raises(Conflict, match="completed"):
        user.claim(search)
    failed = next(user.trials(search, state="failed"))
    assert failed.error == "MemoryError: too deep"
    result = user.result(search)
    assert result.digest is not None
    assert not result.test.sealed
    alone = user.submit(SMALL).id
    trained([connect()], alone)
    assert user.result(alone).digest == result.digest


@pytest.mark.usefixtures("loop")
def test_a_training_that_fails_after_its_search_was_cancelled(
    connect: Callable[[], Client],
) -> None:
    """What is told of it is not wanted any more, and no reason for the trainer to die."""
    user, other = connect(), connect()
    search = user.submit(SMALL).id

    def doomed(order: OrderView) -> Iterator[float]:
        other.cancel(search)
        raise MemoryError("too late")
        yield  # makes it a generator

    assert external.run(user, search, doomed, wait=5).state == "cancelled"


def test_a_claim_waits_for_the_next_round(
    connect: Callable[[], Client], services: Services
) -> None:
    user = connect()
    search = user.submit(SMALL).id
    assert user.claim(search) is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(user.claim, search, wait=20)
        services.jobs.advance_due()
        order = waiting.result()
    assert order is not None
    assert (order.trial, order.attempt, order.lease.seconds) == ("1-0", 1, 30)
    assert user.heartbeat(order).seconds == 30
    assert not user.report(order, 0.25, epoch=1, loss=0.5).stop
    shown = next(user.trials(search, curve=True))
    assert (shown.state, shown.score, shown.validation_loss, shown.epochs) == (
        "pending", 0.25, 0.5, 1,
    )  # fmt: skip
    assert shown.curve == [(1, 0.5, None, 0.25)]
    assert user.status(search).trials.running == 1


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "token"),
        ({"token": "t"}, 'give a "score"'),
        ({"token": "t", "score": 1, "state": "failed"}, 'give a "score"'),
        ({"token": "t", "score": 1e101}, "score"),
        ({"token": "t", "score": "good"}, "score"),
        ({"token": "t", "score": True}, "score"),
        ({"token": "t", "score": 1, "state": "returned"}, "which may have one"),
        ({"token": "t", "state": "stopped"}, "state"),
        ({"token": "t", "score": 1, "epoch": 0}, "epoch"),
        ({"token": "t", "score": 1, "more": 1}, "unknown field"),
        ([], "the body"),
    ],
)
def test_a_body_that_is_no_report_is_refused(client: Any, body: Any, what: str) -> None:
    search = client.post("/api/v1/searches", json=SMALL).headers["Location"]
    answer = client.post(f"{search}/trials/1-0/report", json=body)
    assert answer.status_code == 400
    assert what in answer.json()["detail"]


def test_what_is_not_there_is_not_found(connect: Callable[[], Client], clients: Any) -> None:
    user = connect()
    search = user.submit(SMALL).id
    order = OrderView.model_validate(
        {"search": search, "trial": "1-0", "kind": "explore", "params": {}, "epochs": 1,
         "rungs": [1], "seed": 0, "attempt": 1, "lease": {"token": "t", "seconds": 1}}
    )  # fmt: skip
    for say in (user.heartbeat, lambda o: user.report(o, 1.0)):
        with pytest.raises(NotFound, match="no trial 1-0"):
            say(order)
    with pytest.raises(InvalidRequest):
        user.claim(search, lease=0.5)
    stranger = clients()
    for path in ("claim", "1-0/report", "1-0/heartbeat"):
        answer = stranger.post(f"/api/v1/searches/{search}/trials/{path}", json={})
        assert answer.status_code == 404, path


@pytest.mark.usefixtures("loop")
def test_the_example_by_curl(api: Any, key: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", str(EXAMPLES / "external_curl.sh"), api.url, key],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["state"] == "completed"
    assert result["ranges"]["x"]["low"] <= 2 <= result["ranges"]["x"]["high"]
    assert result["test"]["score"] == pytest.approx(
        -((result["recommended"]["params"]["x"] - 2) ** 2), abs=1e-3
    )
    assert list(tmp_path.iterdir()) == []
    with Client(api.url, key) as client, pytest.raises(NotFound, match="is with its trainer"):
        client.model(result["id"], tmp_path / "model.npz")


def test_the_example_with_pytorch_is_as_short_as_is_said() -> None:
    text = (EXAMPLES / "external_pytorch.py").read_text()
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 30


@pytest.mark.usefixtures("loop")
def test_the_example_with_pytorch(api: Any, key: str, tmp_path: Path) -> None:
    if find_spec("torch") is None:
        absent("PyTorch (make torch)")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "external_pytorch.py"), api.url, key],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    head, _, body = done.stdout.partition("\n")
    assert head.endswith(" completed")
    result = json.loads(body)
    assert result["test"]["score"] > 0.9
    assert set(result["ranges"]) == {"lr", "units"}
