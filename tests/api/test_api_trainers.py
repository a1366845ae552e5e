"""Trainers as people run them: in threads, forks and fresh processes, stopped and restarted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.outside import SPEC
from support.waiting import until

from hpsearch.client import Client, external
from hpsearch.report.views import OrderView

ONE_EPOCH = {"first": 1, "last": 1}
SMALL = {**SPEC, "rounds": 2, "trials_per_round": 4, "epochs": {"first": 1, "last": 2}}

PROCESSES = """
import json, logging, multiprocessing, sys
from functools import partial
from hpsearch.client import Client, external

logging.disable(logging.WARNING)

def train(order):
    for _ in range(order.epochs):
        yield -abs(order.params["depth"] - 6.0) - order.seed % 100 / 1e4

def end(client, search, _):
    return external.run(client, search, train, wait=1).state

if __name__ == "__main__":
    client, spec, digests = Client(sys.argv[1], sys.argv[2]), json.loads(sys.argv[3]), []
    for way in ("fork", "spawn", "none"):
        search = client.submit(spec)  # its connections are open in the parent
        if way == "none":
            assert end(client, search, 0) == "completed"
        else:
            with multiprocessing.get_context(way).Pool(3) as pool:
                assert pool.map(partial(end, client, search), range(3)) == ["completed"] * 3
        digests.append(client.result(search).digest)
    print(json.dumps(digests))
"""

TRAINER = """
import os, sys, time
from hpsearch.client import Client, external

def train(order):
    yield 0.5
    if sys.argv[4] == "fork" and os.fork() == 0:  # as a loader of data does
        os.close(1), os.close(2)
        time.sleep(20)
        os._exit(0)
    print(order.trial, order.attempt, flush=True)
    time.sleep(60)

external.run(Client(sys.argv[1], sys.argv[2]), sys.argv[3], train, wait=5)
"""


@pytest.mark.usefixtures("loop")
def test_one_client_serves_forked_and_spawned_processes(script: Any) -> None:
    out, errors = script(PROCESSES, json.dumps(SMALL)).communicate(timeout=200)
    forked, spawned, alone = json.loads(out or "[0, 0, 0]")
    assert forked == spawned == alone, errors
    assert alone is not None, errors


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize(
    ("number", "forks", "code"),
    [(signal.SIGINT, "", -signal.SIGINT), (signal.SIGTERM, "fork", 128 + signal.SIGTERM)],
)
def test_a_trainer_that_is_stopped_returns_its_trial(
    connect: Callable[[], Client], script: Any, number: int, forks: str, code: int
) -> None:
    user = connect()
    search = user.submit({**SMALL, "trials_per_round": 1}).id
    for attempt in (1, 2):
        trainer = script(TRAINER, search, forks)
        assert trainer.stdout.readline() == f"1-0 {attempt}\n", trainer.stderr.read()
        os.kill(trainer.pid, number)
        assert trainer.wait(timeout=30) == code
    order = until(lambda: user.claim(search), what="the returned trial")
    assert order.attempt == 3
    assert next(user.trials(search, curve=True)).curve == []


@pytest.mark.usefixtures("loop")
def test_a_value_that_the_service_refuses_fails_its_trial_alone(
    connect: Callable[[], Client],
) -> None:
    """So does a word that no report can hold, and an error that cannot even say what it is."""
    user = connect()
    search = user.submit({**SMALL, "epochs": ONE_EPOCH, "trials_per_round": 6})

    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def train(order: OrderView) -> Any:
        match order.trial:
            case "1-0":
                return [-1e150]
            case "1-1":
                raise ValueError("half a pair \ud800, a NUL \0" + "x" * 5000)
            case "1-2":
                raise Silent
        return [0.5] if order.trial != "1-3" else ["good"]

    assert external.run(user, search, train, wait=2).state == "completed"
    errors = {t.id: t.error or "" for t in user.trials(search, state="failed")}
    assert sorted(errors) == ["1-0", "1-1", "1-2", "1-3"]
    assert "score" in errors["1-0"]
    assert "1e+100" in errors["1-0"]
    assert errors["1-1"].startswith("ValueError: half a pair")
    assert "Silent" in errors["1-2"]
    assert "a score is 'good'" in errors["1-3"]


@pytest.mark.usefixtures("loop")
def test_one_score_is_enough(connect: Callable[[], Client]) -> None:
    """Yielded once, returned, or before the last epoch: with default epochs, halving included."""
    user = connect()
    spec = {name: value for name, value in SMALL.items() if name != "epochs"}
    search = user.submit(spec)

    def train(order: OrderView) -> Any:
        score = -abs(float(order.params["depth"]) - 6.0)  # type: ignore[arg-type]  # a number
        if order.seed % 3 == 0:
            return score
        return iter([score]) if order.seed % 3 == 1 else early(score)

    def early(score: float) -> Iterator[float]:
        yield score - 1
        yield score - 0.5
        return score  # as a training may

    assert external.run(user, search, train, wait=2).state == "completed"
    trials = list(user.trials(search))
    assert {t.state for t in trials} <= {"completed", "stopped"}
    assert {t.epochs for t in trials} <= {1, 2, 3}
    assert user.result(search).test.score is not None


@pytest.mark.usefixtures("loop")
def test_a_training_without_any_score_fails_and_names_epochs(
    connect: Callable[[], Client],
) -> None:
    user = connect()
    search = user.submit({**SMALL, "rounds": 1})
    assert external.run(user, search, lambda _: (), wait=2).state == "failed"
    assert '"epochs": {"first": 1' in (next(user.trials(search)).error or "")


@pytest.mark.usefixtures("loop")
def test_a_corner_where_training_raises_costs_no_search(connect: Callable[[], Client]) -> None:
    user = connect()
    space = {"x": {"low": 0, "high": 10}}
    search = user.submit(
        {
            **SMALL,
            "space": space,
            "trials_per_round": 6,
            "epochs": ONE_EPOCH,
            "final": {"models": 5},
        }
    )

    def train(order: OrderView) -> list[float]:
        x = float(order.params["x"])  # type: ignore[arg-type]  # a number
        if x > 5:
            raise MemoryError("too large")
        return [-((x - 2) ** 2)]

    ended = external.run(user, search, train, wait=2)
    assert ended.state == "completed", ended.reason
    result = user.result(search)
    failed = [m for m in result.test.models if m.error]
    assert {m.error for m in failed} <= {"MemoryError: too large"}
    assert all(m.score is None for m in failed)
    notes = {note.code: note for note in user.health(search).notes}
    region = notes["failing_region"]
    assert "with x above" in region.message
    assert "report nan" in region.advice
    assert ("final_failed" in notes) == bool(failed)


def test_a_score_that_is_no_number_names_the_state(client: Any) -> None:
    search = client.post("/api/v1/searches", json=SMALL).headers["Location"]
    for value in ("NaN", "Infinity", "-Infinity"):
        answer = client.post(
            f"{search}/trials/1-0/report", content=f'{{"token": "t", "score": {value}}}',
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 400
        assert '; report "state": "diverged"' in answer.json()["detail"]
