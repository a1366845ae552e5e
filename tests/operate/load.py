"""Requests at a steady rate from many clients, each sent once and never again."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import sqlalchemy as sa
from support.fronts import HOST

SEARCHES = "/api/v1/searches"
POST, GET = "POST", "GET"
WANTED = {POST: 201, GET: 200}
PATIENCE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request.

    seconds
        From the moment that it was due, so that a client who was held up does not hide a pause.
    status
        None where the connection broke.
    client
        The number of the client that sent it.
    search, key
        Of a POST: the search that it made, and its Idempotency-Key.
    """

    client: int
    method: str
    due: float
    seconds: float
    status: int | None
    said: str
    search: str | None = None
    key: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is the answer that a healthy service gives."""
        return self.status == WANTED[self.method]


@dataclass(frozen=True, slots=True)
class Limit:
    """What the slowest hundredth may take, by what it took while nothing happened."""

    quiet: float

    @property
    def seconds(self) -> float:
        """The larger one of three times as much and half a second more."""
        return max(3 * self.quiet, self.quiet + 0.5)


def percentile(answers: Sequence[Answer], share: float = 0.99) -> float:
    """The seconds within which a share of the answers came, the nearest one."""
    ordered = sorted(answer.seconds for answer in answers)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def load(
    clients: Sequence[tuple[str, str]],
    spec: dict[str, Any],
    *,
    rate: float,
    over: Callable[[int], bool],
) -> list[Answer]:
    """Send POSTs and GETs in turn until `over(how many were sent)`; what became of each.

    clients
        A proxy's address and a key for each client, which waits for one answer at a time.
    rate
        Requests a second, of all clients together.
    """
    answers: list[Answer] = []
    numbers = itertools.count()
    began = time.monotonic()

    def work(me: int, client: httpx.Client) -> None:
        mine: list[str] = []
        for number in numbers:
            if over(number):
                return
            due = began + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            method = (POST, GET)[(number + number // len(clients)) % 2]  # both for each client
            answer = _ask(me, client, method, due, spec, mine)
            answers.append(answer)
            if answer.search is not None:
                mine.append(answer.search)

    opened = [
        httpx.Client(
            base_url=url,
            headers={"Host": HOST, "Authorization": f"Bearer {key}"},
            timeout=PATIENCE,
        )
        for url, key in clients
    ]
    threads = [threading.Thread(target=work, args=each) for each in enumerate(opened)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in opened:
        client.close()
    return answers


def _ask(
    me: int,
    client: httpx.Client,
    method: str,
    due: float,
    spec: dict[str, Any],
    mine: Sequence[str],
) -> Answer:
    key = str(uuid.uuid4()) if method == POST else None
    try:
        if method == POST:
            answer = client.post(SEARCHES, json=spec, headers={"Idempotency-Key": str(key)})
        elif mine and len(mine) % 4:
            answer = client.get(f"{SEARCHES}/{mine[-1]}")
        else:
            answer = client.get(SEARCHES, params={"limit": 20})
    except httpx.TransportError as error:
        return Answer(me, method, due, time.monotonic() - due, None, repr(error), key=key)
    seconds = time.monotonic() - due
    made = answer.json()["id"] if method == POST and answer.status_code == 201 else None
    said = "" if answer.status_code == WANTED[method] else answer.text[:200]
    return Answer(me, method, due, seconds, answer.status_code, said, made, key)


def stored(database: str) -> list[str]:
    """The ids of all searches in a database."""
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            return list(connection.execute(sa.text("SELECT id FROM search")).scalars())
    finally:
        engine.dispose()


def misses(answers: Sequence[Answer], rows: Sequence[str]) -> Iterator[str]:
    """Sentences about requests without the right answer, and about rows that belong to none.

    rows
        The ids of all searches in the database, in which no other requests have made any.
    """
    for answer in answers:
        if not answer.wanted:
            yield f"{answer.method}: {answer.status} {answer.said}"
    made = [answer.search for answer in answers if answer.search is not None]
    if len(set(made)) < len(made):
        yield f"{len(made) - len(set(made))} searches answer two requests"
    if lost := set(made) - set(rows):
        yield f"{len(lost)} searches were confirmed and have no row, such as {min(lost)}"
    if strange := set(rows) - set(made):
        yield f"{len(strange)} rows have no request that was confirmed, such as {min(strange)}"
