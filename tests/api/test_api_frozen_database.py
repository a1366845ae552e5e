"""A database that takes connections and answers nothing: probes are in time, requests end."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url
from support import pooler as poolers
from support.absent import absent
from support.postgres import Postgres
from support.waiting import until

from api.readiness import ReadinessProbe, Seen
from api.runtime import THREADS

KEY = "k" * 32
LIMIT = 6.0  # seconds of a transaction
SEARCHES = "/api/v1/searches"


@pytest.fixture
def gate(postgres: Postgres) -> Iterator[poolers.Pooler]:
    """What the API takes for the database, to be frozen."""
    program = poolers.binary()
    if program is None:
        absent("PgBouncer (apt-get install pgbouncer)")
    with poolers.pooler(postgres, program, default_pool_size=30) as made:
        yield made
        made.send(signal.SIGCONT)


def test_probes_answer_in_time_and_threads_come_back(
    start: Any, tmp_path: Path, postgres_url: str, gate: poolers.Pooler
) -> None:
    url = gate.url(str(make_url(postgres_url).database))
    api = start(
        tmp_path, DATABASE_URL=url, HPSEARCH_API_KEY=KEY, HPSEARCH_TRANSACTION_SECONDS=str(LIMIT)
    )
    codes: list[int] = []

    def ask() -> None:
        with suppress(httpx.TransportError):
            headers = {"Authorization": f"Bearer {KEY}"}
            codes.append(httpx.get(api.url + SEARCHES, headers=headers, timeout=60).status_code)

    def asked(number: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=ask) for _ in range(number)]
        for thread in threads:
            thread.start()
        return threads

    for thread in asked(4):
        thread.join()
    assert codes == [200] * 4
    assert "hpsearch_database_ready 1.0" in scrape(api.url)
    gate.send(signal.SIGSTOP)
    assert "hpsearch_database_ready 0.0" in scrape(api.url)
    threads = asked(THREADS + 8)  # more than there are to answer
    began = time.monotonic()
    ready = httpx.get(f"{api.url}/readyz", timeout=LIMIT)
    assert ready.status_code == 503
    assert ready.json()["errors"][0] == {"path": "database", "message": "does not answer"}
    assert httpx.get(f"{api.url}/healthz", timeout=LIMIT).status_code == 200
    assert time.monotonic() - began < LIMIT  # before any thread came back
    assert len(codes) == 4
    until(lambda: 503 in codes, seconds=60, what="a request that gives up")
    gate.send(signal.SIGCONT)
    for thread in threads:
        thread.join()
    assert set(codes) == {200, 503}
    until(lambda: httpx.get(f"{api.url}/readyz").status_code == 200, what="ready again")
    asked(1)[0].join()
    # The log has both edges: the cause in full once, and the end.
    lines = [json.loads(line) for line in api.log.read_text().splitlines()]
    refused = [line for line in lines if "does not answer" in line["event"]]
    ends = [line["refused"] for line in lines if line["event"] == "answers again"]
    assert len(refused) == sum(ends) == codes.count(503)
    assert sum("exception" in line for line in refused) == len(ends)


def scrape(url: str) -> str:
    """The metrics, within the 10 s that Prometheus waits."""
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.get(f"{url}/metrics", headers=headers, timeout=10).raise_for_status().text


def test_one_look_serves_all_who_ask() -> None:
    looks, go = [], threading.Event()

    def look() -> Seen:
        looks.append(1)
        go.wait(60)
        return Seen({"database": "ok"}, "an-id")

    probe = ReadinessProbe(look, seconds=0.01)
    for _ in range(3):
        assert probe.seen().wrong == {"database": "has not answered for 0.01 s"}
    assert len(looks) == 1
    go.set()
    until(lambda: probe.seen().installation == "an-id", what="the look's end")


def test_a_look_that_ends_too_late_is_no_good_news_for_who_came_late() -> None:
    """A database that is slow does not answer ready and not ready in turn."""
    go = threading.Event()

    def look() -> Seen:
        go.wait(60)
        return Seen({"database": "ok", "migrations": "ok"}, "an-id")

    probe = ReadinessProbe(look, seconds=0.2)
    assert probe.seen().wrong == {"database": "has not answered for 0.2 s"}
    slow = probe._pending
    assert slow is not None
    wait = slow.result
    slow.result = lambda timeout: (go.set(), wait(timeout))[1]  # type: ignore[func-returns-value,method-assign]
    assert set(probe.seen().wrong) == {"database"}
    until(lambda: probe.seen().installation == "an-id", what="a look in time")
