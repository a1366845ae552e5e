"""docs/runbook.md: its blocks are executed in their order, around one search in mid-run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from support import postgres as postgreses
from support.alone import alone
from support.bench import OWNER
from support.blocks import commands as lines_of
from support.blocks import fenced
from support.broker import Broker
from support.checker import verify
from support.commands import Command
from support.embedded import data_folder, half_done, opened
from support.launcher import Launcher
from support.ports import free_port
from support.processes import Process
from support.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text()
DATABASE = "postgresql+psycopg://hpsearch@db.internal:5432/hpsearch"
UNITS = {
    "hpsearch-api": ("api",),
    "hpsearch-loop": ("worker", "loop"),
    "hpsearch-worker@1": ("worker", "run", "--concurrency", "1"),
}
PATIENCE = 120.0  # seconds, where two cores have much else to do
QUICK = {
    "HPSEARCH_LEASE_SECONDS": "3", "HPSEARCH_HEARTBEAT_SECONDS": "0.5", "HPSEARCH_JOB_SIZE": "2",
    "HPSEARCH_TICK_SECONDS": "0.1", "HPSEARCH_RETRY_SECONDS": "0.1", "HPSEARCH_DRAIN_SECONDS": "0",
    "HPSEARCH_REPUBLISH_SECONDS": "0.5",
    "HPSEARCH_WORKERS": "0",  # so that the search is in mid-run until its workers come
}  # fmt: skip


def sections() -> dict[str, list[list[str]]]:
    """The commands of each block of shell, by the heading above it."""
    parts = re.split(r"^## (.+)\n", RUNBOOK, flags=re.MULTILINE)
    return {
        heading: [lines_of(block.text) for block in fenced(text) if block.language == "sh"]
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


class Stand:
    """A machine whose folders lie below `root`, and whose units are processes of the launcher."""

    def __init__(
        self, root: Path, environment: dict[str, str], broker: Broker, launcher: Launcher | None
    ) -> None:
        self.root, self.environment, self.broker = root, environment, broker
        self.blocks, self.names = sections(), {
            folder: str(root) + folder
            for folder in ("/backup", "/srv", "/etc/hpsearch", "/var/lib/hpsearch")
        }  # fmt: skip
        self.running: dict[str, Process] = {}
        self._launcher = launcher
        self.token = ""  # of the search's owner, all the time

    def next(self, heading: str) -> str:
        """Execute the next block of a section; what it printed."""
        printed = ""
        for command in self.blocks[heading].pop(0):
            words = shlex.split(command, comments=True)
            if words[0] == "systemctl":
                for unit in words[2:]:
                    getattr(self, words[1])(unit)
            elif words[:2] == ["hpsearch", "serve"]:
                self.serve(*shlex.split(self.local(command))[1:])
            else:
                printed += self.run(command)
        return printed

    def run(self, command: str, *, code: int = 0) -> str:
        """Execute a command; what it printed."""
        done = subprocess.run(
            ["bash", "-euc", self.local(command)], cwd=self.root, env=self.environment,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def local(self, text: str) -> str:
        """Put this machine's folders and addresses into a command."""
        names = "|".join(map(re.escape, self.names))
        return re.sub(rf"(?<![\w.])({names})", lambda found: self.names[found[1]], text)

    def serve(self, *words: str) -> None:
        """Start the embedded service."""
        log = self.root / "hpsearch.log"
        if self._launcher is None:
            self.running["hpsearch"] = self._begun("hpsearch", "hpsearch.cli", *words)
        else:
            with log.open("ab") as said:
                command = Command(self._launcher, words, env=self.environment, cwd=self.root,
                                  stdin=subprocess.DEVNULL, stdout=said, stderr=said)  # fmt: skip
            self.running["hpsearch"] = Process.of(command, log)
        self._await("hpsearch")

    def start(self, unit: str) -> None:
        """Start a unit, and wait for it where it answers."""
        if unit == "valkey":
            self.broker.start()
            return
        log = self.root / f"{unit}.log"
        before = log.stat().st_size if log.exists() else 0
        self.running[unit] = self._begun(unit, *UNITS[unit])
        if unit == "hpsearch-api":
            self._await(unit)
        elif unit == "hpsearch-loop":  # one that is stopped before it has begun ends by the signal
            until(lambda: log.stat().st_size > before, what=unit, seconds=PATIENCE)

    def _await(self, unit: str) -> None:
        """Wait until a unit answers."""
        process = self.running[unit]
        until(
            lambda: self.status("/readyz") == 200 or not process.alive(),
            what=unit,
            seconds=PATIENCE,
        )
        assert process.alive(), process.log.read_text()

    def _begun(self, unit: str, *arguments: str) -> Process:
        log = self.root / f"{unit}.log"
        log.touch()
        return Process(*arguments, environment=self.environment, log=log, launcher=self._launcher)

    def stop(self, unit: str) -> None:
        """Stop a unit, if it runs."""
        if unit in self.running:
            assert self.running.pop(unit).stop() == 0

    def restart(self, unit: str) -> None:
        """Stop a unit and start it."""
        self.stop(unit)
        self.start(unit)

    def kill(self, unit: str) -> None:
        """Lose the machine of a unit."""
        self.running.pop(unit).kill()

    def key(self) -> str:
        """The key that the API has."""
        return Path(self.environment["HPSEARCH_API_KEY_FILE"]).read_text().strip()

    def status(self, path: str, key: str = "") -> int | None:
        """The status of an answer; None where nobody answers."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            url = self.environment["HPSEARCH_URL"]
            return httpx.get(url + path, headers=headers, timeout=30).status_code
        except httpx.TransportError:
            return None

    def search(self, search_id: str, part: str = "") -> Any:
        """A search's status, or what else there is of it."""
        url = f"{self.environment['HPSEARCH_URL']}/api/v1/searches/{search_id}{part}"
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(url, headers=headers, timeout=30).raise_for_status().json()


@pytest.fixture
def stand(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: postgreses.Postgres,
    broker: Broker,
    launcher: Launcher | None,
    checkout: Path,
    commands: None,
) -> Iterator[Stand]:
    root = tmp_path_factory.mktemp("run")  # short: a socket's path is
    for folder in ("backup", "srv/hpsearch", "etc/hpsearch", "var/lib"):
        (root / folder).mkdir(parents=True)
    administrator = sa.make_url(postgres.url("hpsearch"))
    (root / "etc/hpsearch/database_password").write_text(f"{administrator.password}\n")
    tools, port = postgreses.binaries(), free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "DATABASE_"))}
    kept.pop("REDIS_URL", None)
    made = Stand(root, {
        **kept, **QUICK, "PATH": f"{checkout / '.venv' / 'bin'}:{tools}:{kept['PATH']}",
        "PYTHONPATH": str(PROJECT), "HPSEARCH_HOME": str(root / "var/lib/hpsearch"),
        "HPSEARCH_PORT": str(port), "HPSEARCH_URL": f"http://127.0.0.1:{port}",
        "PGHOST": str(postgres.folder / "run"), "PGUSER": str(administrator.username),
        "PGPASSWORD": str(administrator.password),
    }, broker, launcher)  # fmt: skip
    made.names[DATABASE] = postgres.url("hpsearch").replace(f":{administrator.password}@", "@")
    yield made
    for process in made.running.values():
        process.kill()
    for name in ("hpsearch", "restored"):
        postgres.drop(name)


def test_every_block_in_its_order(
    stand: Stand,
    postgres: postgreses.Postgres,
    migrated_sqlite: Path,
    with_builtin: Callable[[Path], Path],
) -> None:
    environment, root = stand.environment, stand.root
    home = data_folder(root / "var/lib/hpsearch", migrated_sqlite, with_builtin)

    with opened(home) as services:
        search_id = half_done(services)
        stand.token = services.keys.create(name="o", owner=OWNER, scopes=["read", "submit"])[1]
        stand.next("Copy and restore, embedded")
        expected = alone(services, search_id)
    restored = root / "srv/restored"
    environment["HPSEARCH_API_KEY_FILE"] = str(restored / "api.key")
    stand.next("Copy and restore, embedded")
    assert stand.search(search_id)["state"] == "running"

    # From here on the copy is the service.
    environment["HPSEARCH_HOME"] = stand.names["/var/lib/hpsearch"] = str(restored)
    stand.next("Move to PostgreSQL")
    environment |= {
        "DATABASE_URL": postgres.url("hpsearch"), "REDIS_URL": stand.broker.url,
        "HPSEARCH_DATA_URL": str(root / "srv/hpsearch/data"),
        "HPSEARCH_API_KEY_FILE": str(root / "etc/hpsearch/api_key"),
    }  # fmt: skip
    stand.next("Move to PostgreSQL")
    assert stand.search(search_id)["state"] == "running"

    stand.next("Copy and restore, distributed")
    stand.next("Copy and restore, distributed")
    environment |= {
        "DATABASE_URL": postgres.url("restored"),
        "HPSEARCH_DATA_URL": str(root / "srv/restored/data"),
    }
    stand.next("Copy and restore, distributed")
    assert stand.search(search_id)["state"] == "running"

    again = [list(block) for block in stand.blocks["Upgrade, and the way back"][:2]]
    for _ in range(3):
        printed = stand.next("Upgrade, and the way back")
    assert "lost with 0009: " in printed
    stand.blocks["Upgrade, and the way back"] += again
    stand.next("Upgrade, and the way back")
    stand.next("Upgrade, and the way back")
    assert stand.search(search_id)["state"] == "running"

    old = stand.key()
    stand.next("Replace the bootstrap key")
    assert (stand.key() == old, stand.status("/api/v1/searches", old)) == (False, 401)
    (root / "etc/hpsearch/old_key").write_text(old)
    started = "HPSEARCH_PORT=0 HPSEARCH_API_KEY_FILE=/etc/hpsearch/old_key python -P -m api"
    said = stand.run(started, code=78)
    assert "hpsearch keys allow bootstrap-" in said

    stand.start("hpsearch-worker@1")
    until(lambda: stand.search(search_id)["rounds"]["completed"], what="a round", seconds=PATIENCE)
    for unit in list(stand.running):
        stand.kill(unit)
    stand.broker.kill()
    stand.next("Losing a machine")
    until(lambda: stand.search(search_id)["finished_at"], what="the end", seconds=PATIENCE)
    assert stand.search(search_id, "/result")["digest"] == expected
    for unit in list(stand.running):
        stand.stop(unit)
    verify(postgres.url("restored"))
    assert stand.blocks == {heading: [] for heading in stand.blocks}, "a block that nobody runs"
