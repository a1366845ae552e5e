"""An API of our own on the loopback: its processes, its memory, its log."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from support.processes import Process
from support.waiting import until

KEY = "bootstrap-key-of-the-fuzzing-0123456789"
# So that asking for a dataset from the internet fails at once: all traffic stays on the loopback.
NO_WAY_OUT = {
    **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    "no_proxy": "127.0.0.1",
}


@dataclass(frozen=True)
class Server:
    """A running API."""

    process: Process
    address: tuple[str, int]
    log: Path

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def resident(self) -> int:
        """Bytes of memory that its processes hold now (Linux)."""
        return sum(map(resident, (self.process.pid, *self.process.children())))

    def answers(self) -> bool:
        """Whether it says that it is well."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def faults(self) -> list[str]:
        """What its log calls a fault."""
        events = (json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{")
        return [str(e.get("exception"))[-500:] for e in events if e.get("event") == "fault"]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


def environment(home: Path) -> dict[str, str]:
    """The settings of the API and of whoever shares its database: nothing is rationed."""
    return {
        "HPSEARCH_HOME": str(home),
        "HPSEARCH_API_KEY": KEY,
        "HPSEARCH_REQUESTS_PER_SECOND": "0",
        "HPSEARCH_MAX_ACTIVE_SEARCHES": "1000000",
        "HPSEARCH_MAX_DATASETS": "1000000",
        **NO_WAY_OUT,
    }


@contextmanager
def running(home: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """`python -m api` on a free port, with its database migrated."""
    migrated = [sys.executable, "-P", "-m", "migrations", "upgrade"]
    subprocess.run(migrated, env={**os.environ, **settings}, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    process = Process(
        "api", "--port", str(address[1]), environment=dict(settings), log=home / "api.log"
    )
    server = Server(process, address, home / "api.log")
    try:
        until(lambda: server.answers() or not process.alive(), what="the API", seconds=120)
        assert process.alive(), server.log.read_text()[-2000:]
        yield server
    finally:
        process.signal(signal.SIGTERM)
        process.stop(30)
