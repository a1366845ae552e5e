"""Both APIs are restarted in turn under load, behind each proxy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from support.beginnings import beginnings
from support.fronts import ARGUMENTS, front
from support.waiting import until

from operate.load import (
    GET,
    POST,
    Answer,
    Limit,
    load,
    misses,
    percentile,
    stored,
)
from operate.service import SEARCHES, SPEC, Service, service
from operate.table import Row, at_most, is_true, none_of

SEEN_SECONDS = 60.0  # within which a proxy asks an API again
WARMING = 200  # requests: of a key's first, each process asks the database
REPEATED = 20  # POSTs that are sent once more in the end


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it.

    requests
        POSTs, and as many GETs, while the APIs are restarted.
    quiet
        Requests before that, by which the time of answers is judged.
    rate
        Requests a second.
    restarts
        Of both APIs together.
    """

    requests: int = 5_000
    quiet: int = 1_000
    rate: float = 50.0
    restarts: int = 10


def run(size: Size, *, keep: bool) -> Iterator[Row]:
    """Rows for each proxy, with kept connections to the APIs and without."""
    for name in ARGUMENTS:
        for kept in (True, False):
            with service(keep=keep) as made:
                where = f"{name}, connections to the APIs {'kept' if kept else 'not kept'}"
                with front(name, made.ports, made.folder / name, kept=kept) as url:
                    yield from _one(where, made, url, size)


def _one(where: str, made: Service, url: str, size: Size) -> Iterator[Row]:
    clients = [(url, key) for key in made.new_keys()]
    first = stored(made.settings.database)
    warming = load(clients, SPEC, rate=size.rate, over=lambda sent: sent >= WARMING)
    quiet = load(clients, SPEC, rate=size.rate, over=lambda sent: sent >= size.quiet)
    restarted = threading.Event()

    def over(sent: int) -> bool:
        return sent >= 2 * size.requests and restarted.is_set()

    with ThreadPoolExecutor(1) as beside:
        loaded = beside.submit(load, clients, SPEC, rate=size.rate, over=over)
        try:
            count, seconds = _restart(made, url, size.restarts)
        finally:
            restarted.set()
        answers = loaded.result()
    sent = {method: sum(a.method == method for a in answers) for method in (POST, GET)}
    yield is_true(
        where, "sent while APIs restart", f"{sent[POST]:,} POST, {sent[GET]:,} GET",
        kept=min(sent.values()) >= size.requests,
    )  # fmt: skip
    yield is_true(
        where, "restarts", f"{count}, each {seconds / max(1, count):.1f} s",
        kept=count == size.restarts,
    )  # fmt: skip
    rows = [row for row in stored(made.settings.database) if row not in first]
    wrong = list(misses([*warming, *quiet, *answers], rows))
    yield none_of(where, "lost, refused, without a row, or twice", wrong)
    yield none_of(
        where, "repeated with its key and made anew", _repeated(made, url, clients, answers)
    )
    limit = Limit(percentile(quiet))
    yield is_true(
        where, "p50, p99 while quiet",
        f"{1000 * percentile(quiet, 0.5):.0f}, {1000 * limit.quiet:.0f} ms", kept=True,
    )  # fmt: skip
    yield is_true(where, "p50", f"{1000 * percentile(answers, 0.5):.0f} ms", kept=True)
    yield at_most(where, "p99", 1000 * percentile(answers), 1000 * limit.seconds, "ms")
    yield is_true(where, "longest", f"{max(a.seconds for a in answers):.2f} s", kept=True)


def _restart(made: Service, url: str, count: int) -> tuple[int, float]:
    """Restart the APIs in turn, each once the proxy asks the last one again; how many, in seconds."""
    began = time.monotonic()
    with made.client(url) as client:
        for number in range(count):
            made.restart(list(made.apis)[number % len(made.apis)])
            until(lambda: len(beginnings(client)) == 2, seconds=SEEN_SECONDS, what="both APIs")
    return count, time.monotonic() - began


def _repeated(
    made: Service, url: str, clients: Sequence[tuple[str, str]], answers: Sequence[Answer]
) -> list[str]:
    """Send some POSTs once more, each with its key: the search is the one that there is."""
    wrong = []
    for answer in [a for a in answers if a.search is not None][-REPEATED:]:
        with made.client(url, clients[answer.client][1]) as client:
            again = client.post(SEARCHES, json=SPEC, headers={"Idempotency-Key": str(answer.key)})
        if again.json().get("id") != answer.search:
            wrong.append(f"{answer.search}: {again.status_code} {again.text[:100]}")
    return wrong
