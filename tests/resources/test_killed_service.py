"""The embedded service killed as a whole or told to stop, in mid-round, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.alone import alone
from support.bench import OWNER
from support.checker import verify
from support.waiting import until

from hpsearch.client import Client
from hpsearch.supervisor import broker
from hpsearch.wiring import build

SPEC = {
    "name": "killed",
    "dataset": "digits",
    "model": {"hidden_sizes": [32], "batch_size": 64},
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 16,
    "epochs": {"first": 30, "last": 30, "halving": False},
    "final": {"epochs": 4, "models": 2},
    "seed": 11,
}


class Service:
    """`hpsearch serve` on one data folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {n: v for n, v in os.environ.items() if not n.startswith("HPSEARCH_")}
        self.environment = {
            **kept,
            "HPSEARCH_HOME": str(home),
            "HPSEARCH_JOB_SIZE": "4",
            "HPSEARCH_HEARTBEAT_SECONDS": "0.5",
            "HPSEARCH_LEASE_SECONDS": "3",
            "HPSEARCH_TICK_SECONDS": "0.2",
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Client:
        """Start it; a client of it."""
        self._process = self.command("serve", "--port", "0", "--json", "--workers", "1")
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr and self._process.stderr.read()
        key = (self.home / "api.key").read_text().strip()
        self._client = Client(json.loads(line)["url"], key=key)
        return self._client

    @property
    def socket(self) -> Path:
        """Of its broker."""
        return self.home / "run" / "broker.sock"

    @property
    def url(self) -> str:
        """Of its database."""
        return f"sqlite:///{self.home / 'hpsearch.db'}"

    def command(self, *words: str) -> subprocess.Popen[str]:
        """One command."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "hpsearch.cli", *words], env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.home.parent,
        )  # fmt: skip

    def kill(self) -> int:
        """SIGKILL to everything; how many processes that were."""
        assert self._process is not None
        found = processes_of(self.home)
        # Valkey writes its title over its environment, so it is asked for by its socket.
        # The supervisor comes last: its end asks the others to end in good order.
        os.kill(int(broker._listener(self.socket)), signal.SIGKILL)
        for pid in sorted(found, key=self._process.pid.__eq__):
            os.kill(pid, signal.SIGKILL)
        self._process.communicate()
        self._client.close()
        return len(found) + 1

    def stop(self) -> int:
        """SIGTERM to it, as a service manager does; its exit code."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=60)
        self._client.close()
        return self._process.returncode

    def close(self) -> None:
        """End it, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._client.close()
            self._process.terminate()
            self._process.communicate(timeout=60)


def processes_of(home: Path) -> list[int]:
    """Every living process whose environment names this data folder (Linux)."""
    mark, found = f"HPSEARCH_HOME={home}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture
def service(tmp_path, with_builtin):
    made = Service(tmp_path / "home")
    with_builtin(made.home / "data")
    yield made
    made.close()


@pytest.fixture
def reference(configured, tmp_path, migrated_sqlite):
    """The digest of the same search in one process."""
    home = tmp_path / "alone"
    home.mkdir()
    (home / "hpsearch.db").write_bytes(migrated_sqlite.read_bytes())
    with build(configured(home=home, job_size=4)) as services:
        return alone(services, services.searches.submit(SPEC, owner=OWNER)[0].id)


def wait(client, search_id, condition, what, seconds=240.0):
    def look():
        found = client.status(search_id)
        return found if condition(found) else None

    return until(look, seconds=seconds, what=what)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_killed_in_mid_round_and_started_again(service, reference):
    """It goes on by itself: nothing is lost, nothing done twice, nothing left behind."""
    client = service.start()
    search_id = client.submit(SPEC).id
    wait(
        client,
        search_id,
        lambda s: s.trials.completed >= 4 and s.trials.running,
        "the middle of a round",
    )
    assert service.kill() >= 6
    until(lambda: not processes_of(service.home), what="the end of all processes")
    assert service.socket.exists(), "a broker that was killed leaves its socket"
    before = verify(service.url, ended=False)

    client = service.start()
    status = wait(client, search_id, lambda s: s.finished_at, "the end of the search")
    assert client.result(search_id).digest == reference
    service.close()
    counts = verify(
        service.url,
        expected_digests={"killed": reference},
        acknowledged=[search_id],
        shown={search_id: status.model_dump(mode="json")},
        home=service.home,
    )
    assert counts.lost == counts.reaped <= 1, "at most the one job that ran"
    assert counts.done == counts.jobs
    assert before.done < counts.done
    assert processes_of(service.home) == []
    assert not broker.answers(service.socket)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_told_to_stop_in_mid_round_and_started_again(service, reference):
    """The running job ends and is kept, and the search goes on from there."""
    client = service.start()
    search_id = client.submit(SPEC).id
    wait(client, search_id, lambda s: s.trials.running, "a running job")
    assert service.stop() == 0
    assert processes_of(service.home) == []
    stopped = verify(service.url, ended=False, acknowledged=[search_id])
    assert stopped.done == stopped.claims >= 1, "what had begun was finished, and nothing lost"

    client = service.start()
    wait(client, search_id, lambda s: s.finished_at, "the end of the search")
    assert client.result(search_id).digest == reference
    service.close()
    counts = verify(service.url, expected_digests={"killed": reference}, home=service.home)
    assert counts.done == counts.claims == counts.jobs, "nothing was trained twice"
