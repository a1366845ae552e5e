"""The proxies' files, run as they are: names, ports and certificates are replaced, and nothing else.

No request is lost while the APIs behind them restart in turn. `make operate` does the same at
length, with a loop, a worker and processes that start from nothing, and limits the time of answers:
here it would be that of the tests beside this one.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from operate.load import SEARCHES, load, misses, stored
from support.beginnings import beginnings
from support.fronts import ARGUMENTS, HOST, front
from support.ports import free_port
from support.waiting import until

KEY = "bootstrap-key-of-the-proxies-0123456789"
HEADERS = {"Host": HOST, "Authorization": f"Bearer {KEY}"}
CLIENTS = 1  # of each proxy
RATE = 12.0  # requests a second, of all


@dataclass
class Service:
    """Two APIs on one database."""

    begin: Callable[[int], Any]
    ports: tuple[int, int]
    running: dict[int, Any]

    def restart(self, port: int, proxies: Iterable[str]) -> None:
        """Stop one as its supervisor does, start it anew, and wait until every proxy asks it again."""
        assert self.running[port].stop() == 0
        self.running[port] = self.begin(port)
        for url in proxies:
            with httpx.Client(base_url=url, headers=HEADERS, timeout=60) as client:
                until(lambda: len(beginnings(client)) == 2, what=f"both APIs by {url}")


@pytest.fixture
def service(start: Any, fresh: Path, postgres_url: str) -> Iterator[Service]:
    """What the proxies stand before; they drain for two looks of HAProxy and more."""
    ports = (free_port(), free_port())
    settings = {
        "DATABASE_URL": postgres_url, "HPSEARCH_API_KEY": KEY,
        "HPSEARCH_TRUSTED_PROXIES": "127.0.0.1", "HPSEARCH_ALLOWED_HOSTS": HOST,
        "HPSEARCH_DRAIN_SECONDS": "4", "HPSEARCH_MAX_ACTIVE_SEARCHES": "100000",
    }  # fmt: skip

    def begin(port: int) -> Any:
        return start(fresh, HPSEARCH_PORT=str(port), **settings)

    made = Service(begin, ports, {port: begin(port) for port in ports})
    yield made
    for api in made.running.values():
        api.process.send_signal(signal.SIGTERM)  # both at once: each drains for seconds


@pytest.fixture
def proxies(service: Service, tmp_path: Path) -> Iterator[dict[tuple[str, bool], str]]:
    """The address of each proxy, by its name and whether it keeps its connections to the APIs."""
    with ExitStack() as stack:
        yield {
            (name, kept): stack.enter_context(
                front(name, service.ports, tmp_path / f"{name}-{kept}", kept=kept)
            )
            for name in ARGUMENTS
            for kept in (True, False)
        }


def test_no_request_is_lost_while_the_apis_restart(
    proxies: dict[tuple[str, bool], str],
    service: Service,
    spec: dict[str, Any],
    postgres_url: str,
) -> None:
    clients = [(url, KEY) for url in proxies.values() for _ in range(CLIENTS)]
    restarted = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        loaded = beside.submit(load, clients, spec, rate=RATE, over=lambda _: restarted.is_set())
        try:
            for port in service.ports:
                service.restart(port, proxies.values())
        finally:
            restarted.set()
        answers = loaded.result()
    assert list(misses(answers, stored(postgres_url))) == []
    assert len(answers) > 10 * len(clients)
    for name, network in zip(ARGUMENTS, ("198.51.100", "203.0.113"), strict=True):
        check_passing(proxies[name, True], network)


def check_passing(url: str, network: str) -> None:
    """The client's address and a large upload reach the service."""
    wrong = {"Host": HOST, "Authorization": "Bearer wrong", "X-Forwarded-For": f"{network}.1"}
    codes = [httpx.get(url + SEARCHES, headers=wrong).status_code for _ in range(45)]
    assert (codes[0], codes[-1]) == (401, 429)  # of two processes, each with its own count
    # 127.0.0.1 is the client that the proxy saw, and itself trusted: so the one before it counts.
    wrong["X-Forwarded-For"] = f"{network}.2"
    assert httpx.get(url + SEARCHES, headers=wrong).status_code == 401
    rows = b"a,b,label\n" + b"".join(b"%d,%d,%d\n" % (i, i * i, i % 2) for i in range(200_000))
    put = httpx.put(
        f"{url}/api/v1/datasets/large",
        params={"dry_run": "true"},
        content=rows,
        headers={**HEADERS, "Content-Type": "text/csv"},
        timeout=120,
    )
    assert put.status_code == 200, put.text
