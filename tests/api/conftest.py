"""The API as users meet it: a gunicorn process on a real socket, real services on SQLite."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import waiting
from support.launcher import Forked, Launcher
from support.parsing import without_children
from support.ports import free_port
from support.table import Table
from support.trainer_fixtures import connect, key, loop, script  # noqa: F401  # fixtures

from hpsearch.service import Services
from hpsearch.settings import Settings, load
from hpsearch.wiring import build

PROJECT = Path(__file__).resolve().parents[2]
KEY = "bootstrap-key-of-the-tests-0123456789"
START_SECONDS = 120.0
SPEC: dict[str, Any] = {
    "dataset": "iris",
    "space": {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 4,
    "epochs": {"first": 1, "last": 2},
    "final": {"epochs": 2, "models": 2},
}


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a process of the service is started with: nothing of ours but what is named."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "DATABASE_"))}
    kept.pop("REDIS_URL", None)
    return {**kept, "PYTHONPATH": str(PROJECT), "HPSEARCH_HOME": str(home), **more}


def migrate(home: Path) -> None:
    subprocess.run(
        [sys.executable, "-P", "-m", "migrations", "upgrade"],
        env=environment(home),
        cwd=home,
        check=True,
        capture_output=True,
        timeout=240,
    )


def until(condition: Callable[[], Any], *, seconds: float = START_SECONDS) -> Any:
    """The first true value of `condition`, which is asked again and again until a deadline."""
    return waiting.until(condition, seconds=seconds)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Running:
    """An API process."""

    process: subprocess.Popen[bytes] | Forked
    url: str
    log: Path
    home: Path

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


def begin(
    launcher: Launcher | None, arguments: Sequence[str], variables: dict[str, str], log: Path
) -> subprocess.Popen[bytes] | Forked:
    if launcher is not None:
        return Forked(launcher, "api", arguments, variables, log)
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "api", *arguments],
            env=variables,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


@contextmanager
def running(home: Path, launcher: Launcher | None, **more: str) -> Iterator[Running]:
    """`python -P -m api` on the loopback, stopped in the end; HPSEARCH_PORT names its port."""
    port = int(more.get("HPSEARCH_PORT", free_port()))
    log = home / f"api-{port}.log"
    variables = environment(home, **{"HPSEARCH_API_KEY": KEY, **more})
    process = begin(launcher, ["--port", str(port)], variables, log)
    api = Running(process, f"http://127.0.0.1:{port}", log, home)
    try:
        until(lambda: answers(api.url) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield api
    finally:
        if process.poll() is None:
            api.stop()


@pytest.fixture(scope="session")
def home(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite: Path,
    with_builtin: Callable[[Path], Path],
) -> Path:
    folder = tmp_path_factory.mktemp("api-home")
    shutil.copyfile(migrated_sqlite, folder / "hpsearch.db")
    with_builtin(folder / "data")
    return folder


@pytest.fixture(scope="session")
def settings(home: Path) -> Settings:
    return load(home=home, api_key=KEY)


@pytest.fixture(scope="session")
def services(settings: Settings) -> Iterator[Services]:
    """The same database as the API's, from this process: to make keys and to play the worker."""
    with build(settings) as found:
        yield without_children(found)


@pytest.fixture(scope="session")
def api(home: Path, launcher: Launcher | None) -> Iterator[Running]:
    with running(home, launcher, HPSEARCH_LOG_LEVEL="debug") as found:
        yield found


@pytest.fixture
def start(launcher: Launcher | None) -> Iterator[Callable[..., Running]]:
    """start(home, NAME=value): one more API process, with settings of its own.

    With `anew` it loads its modules itself, in that folder.
    """
    with ExitStack() as stack:

        def begun(home: Path, *, anew: bool = False, **more: str) -> Running:
            return stack.enter_context(running(home, None if anew else launcher, **more))

        yield begun


_OWNERS = itertools.count(1)


@dataclass
class Clients:
    """Clients for the API, each with a key of its own."""

    url: str
    services: Services
    open: list[httpx.Client] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)

    def __call__(
        self, *scopes: str, owner: str | None = None, address: str | None = None
    ) -> httpx.Client:
        """A client of a new owner unless one is named; `address` is where it calls from."""
        owner = owner or f"owner-{next(_OWNERS)}"
        self.owners.add(owner)
        _, token = self.services.keys.create(
            name="test", owner=owner, scopes=list(scopes or ("read", "submit")), days=1
        )
        return self.bare(address=address, Authorization=f"Bearer {token}")

    def bare(self, *, address: str | None = None, **headers: str) -> httpx.Client:
        """A client with just these headers."""
        client = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=120,
            transport=httpx.HTTPTransport(local_address=address),
        )
        self.open.append(client)
        return client


@pytest.fixture
def clients(api: Running, services: Services) -> Iterator[Clients]:
    made = Clients(api.url, services)
    yield made
    for client in made.open:
        client.close()
    for owner in made.owners:
        forsake(services, owner)


def forsake(services: Services, owner: str) -> None:
    """Cancel what an owner leaves behind: the next test's worker would train all of it."""
    cursor = None
    while True:
        page = services.searches.list(owner=owner, limit=100, cursor=cursor)
        for status in page.items:
            if status.finished_at is None:
                services.searches.cancel(status.id, owner=owner)
        if page.next is None:
            return
        cursor = page.next


@pytest.fixture
def client(clients: Clients) -> httpx.Client:
    """A user who may read and submit, and owns nothing yet."""
    return clients()


@pytest.fixture
def commands(client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> httpx.Client:
    """That user, whose command line speaks with this service too."""
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HPSEARCH_URL", str(client.base_url))
    monkeypatch.setenv("HPSEARCH_API_KEY", client.headers["Authorization"].removeprefix("Bearer "))
    return client


@pytest.fixture
def spec() -> dict[str, Any]:
    """A small valid spec, to be changed at will."""
    return {**SPEC, "space": {"learning_rate": dict(SPEC["space"]["learning_rate"])}}


@pytest.fixture
def search(client: httpx.Client, spec: dict[str, Any]) -> str:
    """The address of a search on `spec`, just submitted."""
    return str(client.post("/api/v1/searches", json=spec).headers["Location"])


@pytest.fixture
def work(services: Services) -> Table:
    """Play the loop and one worker once; how many jobs that was."""
    return Table(services)


@pytest.fixture
def complete(work: Table, services: Services) -> Callable[..., dict[str, Any]]:
    """complete(client, spec): submit and work until it has ended; the last status.

    Keyword arguments are those of `Table`: another truth to search for, another noise.
    """

    def run(client: httpx.Client, spec: Mapping[str, Any], **table: Any) -> dict[str, Any]:
        worker = Table(services, **table) if table else work
        made = client.post("/api/v1/searches", json=spec)
        assert made.status_code == 201, made.text

        def ended() -> dict[str, Any] | None:
            worker()
            status = client.get(made.headers["Location"]).json()
            return status if status["state"] in ("completed", "failed") else None

        return dict(until(ended, seconds=120))

    return run


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """eventually(condition): its first true value, before a deadline."""
    return until


@pytest.fixture
def environment_of() -> Callable[..., dict[str, str]]:
    return environment


@pytest.fixture
def migrated() -> Callable[[Path], None]:
    return migrate


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def wait() -> Callable[[str], None]:
    """wait(url): until a service answers there."""

    def waiting(url: str) -> None:
        until(lambda: answers(url))

    return waiting


@pytest.fixture
def until_round(
    client: httpx.Client, work: Table, eventually: Callable[..., Any]
) -> Callable[[str, int], dict[str, Any]]:
    """until_round(search, n): work until round n has begun; it then waits for its workers."""

    def run(search: str, number: int) -> dict[str, Any]:
        def begun() -> dict[str, Any] | None:
            work.services.jobs.advance_due()
            rounds = client.get(f"{search}/rounds").json()["items"]
            if len(rounds) >= number:
                return dict(client.get(search).json())
            work()
            return None

        return dict(eventually(begun, seconds=120))

    return run


@pytest.fixture
def fresh(tmp_path: Path, migrated_sqlite: Path, with_builtin: Callable[[Path], Path]) -> Path:
    """A home of its own, migrated."""
    shutil.copyfile(migrated_sqlite, tmp_path / "hpsearch.db")
    with_builtin(tmp_path / "data")
    return tmp_path
