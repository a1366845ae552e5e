"""Wrong keys and right ones behind one address: nobody pays for the mistakes of others."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
from support.fronts import NGINX, front
from support.waiting import until

from operate.service import SEARCHES, USERS, Service, service
from operate.table import Row, is_true, none_of

WRONG = 1_000
RATE = 20.0  # wrong keys a second
PAUSE = 0.5  # seconds between two requests of a right key
REFUSED = {401, 429}


def run(wrong: int = WRONG, *, keep: bool) -> Iterator[Row]:
    """Rows about right keys, wrong ones, and what was noted of them."""
    # No proxy is trusted: whoever asks has the address of nginx, as behind a NAT.
    with (
        service(keep=keep, HPSEARCH_TRUSTED_PROXIES="") as made,
        front(NGINX, made.ports, made.folder / NGINX) as url,
    ):
        yield from _one(made, url, wrong)


def _one(made: Service, url: str, wrong: int) -> Iterator[Row]:
    where = f"{wrong:,} wrong keys beside {USERS} right ones, one address"
    over, told, refused = threading.Event(), Counter[int](), []

    def right(key: str) -> None:
        with made.client(url, key) as client:
            while not over.wait(PAUSE):
                try:
                    status = client.get(SEARCHES, params={"limit": 1}).status_code
                except httpx.TransportError as error:
                    refused.append(repr(error))
                    continue
                told[status] += 1
                if status != 200:
                    refused.append(str(status))

    statuses = Counter[int]()
    keys = made.new_keys()
    with ThreadPoolExecutor(USERS + 1) as pool:
        asked = [pool.submit(right, key) for key in keys]
        wrongly = pool.submit(_wrong, made, url, wrong, statuses)
        try:
            until(lambda: statuses[429] > 0, seconds=60, what="a wrong key that is locked out")
            locks = sum(_locks(made, address) for address in made.urls)
            for name in made.apis:  # who forgets what it knew, and meets all of them anew
                made.restart(name)
            wrongly.result()
        finally:
            over.set()
        for one in asked:
            one.result()
    yield none_of(where, "right keys refused", refused)
    yield is_true(where, "right keys, answers", f"{told[200]:,} x 200", kept=told[200] > 10 * USERS)
    seen = ", ".join(f"{count} x {status}" for status, count in statuses.most_common())
    yield is_true(where, "wrong keys, answers", seen, kept=set(statuses) == REFUSED)
    yield is_true(where, "locks counted by both APIs", f"{locks:.0f}", kept=locks > 0)


def _wrong(made: Service, url: str, count: int, statuses: Counter[int]) -> None:
    """Send as many keys that nobody has, each another one, and count the answers."""
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        with made.client(url, f"hps_{secrets.token_urlsafe(24)}") as client:
            statuses[client.get(SEARCHES).status_code] += 1


def _locks(made: Service, address: str) -> float:
    with made.client(address) as client:
        lines = client.get("/metrics").raise_for_status().text.splitlines()
    return sum(
        float(line.split()[1]) for line in lines
        if line.startswith("hpsearch_address_locks_total ")
    )  # fmt: skip
