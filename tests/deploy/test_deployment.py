"""The deployment runs: every service as docker-compose.yml starts it, one search to its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from support.absent import absent
from support.beginnings import beginnings
from support.name_server import name_server
from support.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
SPEC: dict[str, Any] = {
    "dataset": "iris",
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 8,
    "epochs": {"first": 2, "last": 3},
    "final": {"epochs": 4, "models": 2},
}


@pytest.fixture
def client(stand):
    headers = {"Authorization": f"Bearer {stand.secret('api_key')}"}
    with httpx.Client(base_url=stand.url, headers=headers, timeout=60) as made:
        yield made


def test_one_search_from_an_empty_database_to_its_result(stand, client, query):
    broker, api = stand.start("redis"), stand.start("api")
    until(lambda: answers(client), what="the API")
    assert not api.healthy(), "the database is empty"
    assert "503" in api.said
    migrations = stand.start("migrations")
    assert migrations.wait() == 0, migrations.log.read_text()
    coordinator = stand.start("coordinator")
    workers = [stand.start("worker"), stand.start("worker")]
    for container in (broker, api, coordinator, *workers):
        until(container.healthy, what=f"{container.log.name} to be healthy")
    slots = 2 * 2  # containers, each with the default concurrency
    until(lambda: query("SELECT count(*) FROM worker") == slots, what="every worker")

    search = submitted(client)
    status = until(lambda: ended(client, search), seconds=60, what="the end of the search")
    assert status["state"] == "completed", status
    result = client.get(f"{search}/result").raise_for_status().json()
    assert result["test"]["accuracy"] > 0.5
    assert result["ranges"]["learning_rate"]["verdict"]
    assert result["digest"], "portable workers compute the same bits"

    for container in (*workers, coordinator, api):
        container.signal(signal.SIGTERM)
    assert [c.wait() for c in (*workers, coordinator, api)] == [0] * 4
    assert broker.stop() == 0
    assert query("SELECT count(*) FROM worker") == 0


def submitted(client) -> str:
    answer = client.post("/api/v1/searches", json=SPEC)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def ended(client, search) -> dict[str, Any] | None:
    status = client.get(search).raise_for_status().json()
    return status if status["finished_at"] is not None else None


@pytest.fixture
def query(stand, postgres):
    """Ask the deployment's database, as its administrator."""
    name = stand.address.split("?")[0].strip("/")
    url = postgres.url(name).replace("postgresql+psycopg", "postgresql")

    def ask(statement: str) -> Any:
        with psycopg.connect(url) as connection:
            row = connection.execute(statement).fetchone()
            return row and row[0]

    return ask


def test_a_proxy_finds_two_apis_and_serves_on_with_one(stand, client):
    """`--scale api=2`: the engine's name server is played, everything else is the file's."""
    if shutil.which("haproxy") is None:
        absent("HAProxy (apt-get install haproxy)")
    assert stand.start("migrations").wait() == 0
    addresses = ("127.0.0.2", "127.0.0.3")  # in place of containers' own
    drains = ("3", "0")  # two looks of the proxy and more; nobody is left to ask
    apis = []
    for address, drain in zip(addresses, drains, strict=True):  # told apart by when they began
        apis.append(stand.start("api", HPSEARCH_HOST=address, HPSEARCH_DRAIN_SECONDS=drain))
        until(lambda: ready(f"http://{address}:{stand.api_port}"), seconds=120, what="an API")  # noqa: B023
    with name_server("api", addresses) as names:
        text = (PROJECT / "deploy" / "proxy" / "compose.cfg").read_text()
        text = text.replace("127.0.0.11:53", names).replace("bind :", "bind 127.0.0.1:")
        (stand.folder / "compose.cfg").write_text(stand.local(text))
        proxy = stand.start("proxy")
        until(proxy.healthy, seconds=60, what="the proxy")
        until(lambda: len(beginnings(client)) == 2, what="both APIs")
        assert apis[0].stop() == 0
        assert len(beginnings(client)) == 1
        assert apis[1].stop() == 0
        until(lambda: not proxy.healthy(), what="that no API is ready")
        proxy.signal(signal.SIGUSR1)
        assert proxy.wait() == 0


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", headers={"Host": "localhost"}).status_code == 200
    except httpx.TransportError:
        return False


def test_the_tasks_take_a_backup_remove_an_old_one_and_prune(stand):
    assert stand.start("migrations").wait() == 0
    prune = stand.start("prune")
    (stand.folder / "data" / "data").mkdir()
    (stand.folder / "data" / "data" / "0123.npz").write_text("a dataset")
    old = stand.folder / "backup" / "hpsearch-20200101T000000Z"
    old.mkdir()
    os.utime(old, (0, 0))
    task = stand.start("backup")
    assert task.wait() == 0, task.log.read_text()
    (made,) = (stand.folder / "backup").iterdir()
    assert str(made) == task.log.read_text().strip()
    with tarfile.open(made / "datasets.tar") as archive:
        assert "data/0123.npz" in archive.getnames()
    listed = subprocess.run(
        [stand.folder / "bin" / "pg_restore", "--list", made / "database.dump"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "TABLE DATA public search hpsearch" in listed.stdout
    assert made.stat().st_mode & 0o777 == 0o700
    assert prune.wait() == 0, prune.log.read_text()
    assert "0 searches" in prune.log.read_text()
    (stand.secrets / "database_password").unlink()
    assert stand.start("backup").wait() != 0


def test_the_database_answers_its_check(stand):
    """The server is the tests' own; its check runs as it stands in the file."""
    checked = stand.check("postgres")
    assert checked.healthy(), checked.said
    (stand.secrets / "database_password").write_text("another")
    assert not checked.healthy()
    assert "password" in checked.said


def test_the_check_of_a_process_loads_little():
    """It runs every ten seconds in each container of a loop or worker."""
    heavy = "{'numpy', 'hpsearch.store', 'hpsearch.spec'} & set(sys.modules)"
    code = f"import sys; sys.path.insert(0, 'deploy'); import check; print({heavy} or 'little')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "little\n", done.stderr


def answers(client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_coordinator_that_hangs_is_unhealthy(stand):
    broker = stand.start("redis")
    assert stand.start("migrations").wait() == 0
    coordinator = stand.start("coordinator")
    until(coordinator.healthy, what="the coordinator")
    coordinator.signal(signal.SIGSTOP)
    until(lambda: not coordinator.healthy("2"), what="that it is stopped")
    assert f"pid {coordinator.pid}) is stopped" in coordinator.said
    coordinator.signal(signal.SIGCONT)
    until(lambda: coordinator.healthy("2"), what="its return")
    broker.end()
    assert not coordinator.healthy()
    assert "ConnectionError" in coordinator.said
    stand.start("redis")
    until(coordinator.healthy, what="the broker")
    assert coordinator.stop() == 0
    assert not coordinator.healthy()
    assert "no connection" in coordinator.said


POOL = """
import os, signal, time
from hpsearch.settings import load
from hpsearch.store import Store

def hang(*_):
    while True:
        signal.pause()

for _ in range(3):
    if os.fork() == 0:
        signal.signal(signal.SIGUSR1, hang)
        store = Store(load().database)
        store.revision()
        print(os.getpid(), flush=True)
        while True:
            store.revision()
            time.sleep(0.05)
while True:
    signal.pause()
"""


@pytest.fixture
def pool(stand):
    """Three processes of a worker that speak to the database, and their first one, which does not."""
    environment = stand.check("worker").environment
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", POOL], env=environment, cwd=stand.folder,
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process.pid, [int(process.stdout.readline()) for _ in range(3)]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        process.stdout.close()


def test_one_process_of_a_pool_that_hangs_is_noticed(stand, pool):
    broker = stand.start("redis")
    until(broker.healthy, what="the broker")
    first, trainers = pool
    check = stand.check("worker")
    until(check.healthy, what="the pool")
    os.kill(trainers[1], signal.SIGUSR1)
    until(lambda: not check.healthy("3"), what="its silence to be noticed")
    until(lambda: f"pid {trainers[1]}) has been silent" in said(check), what="its own name")
    os.kill(trainers[1], signal.SIGKILL)
    until(check.healthy, what="the others, once it has gone")
    os.kill(first, signal.SIGSTOP)
    assert not check.healthy()
    assert f"pid {first}) is stopped" in check.said


def said(check) -> str:
    check.healthy("3")
    return check.said


def test_the_broker_knows_one_user_and_binds_it_to_its_keys(stand):
    password = stand.secret("redis_password")
    broker = stand.start("redis")
    until(broker.healthy, what="the broker")
    once = Retry(NoBackoff(), 0)
    where = {"host": "127.0.0.1", "port": stand.broker_port, "retry": once}
    with redis.Redis(**where) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis(**where, username="hpsearch", password=password) as user:
        assert user.set("hps:key", 1)
        for forbidden in (
            lambda: user.set("key", 1),
            user.flushall,
            lambda: user.config_get("*"),
            lambda: user.execute_command("MODULE", "LIST"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                forbidden()
    assert password not in command_line(broker.pid) + conf(stand)
    (stand.secrets / "redis_password").write_text("another")
    assert not broker.healthy()
    assert broker.stop() == 0


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def conf(stand) -> str:
    path = stand.folder / "tmp" / "valkey.conf"
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text()


def test_the_broker_does_not_start_without_its_password(stand):
    (stand.secrets / "redis_password").write_text("")
    broker = stand.start("redis")
    assert broker.wait() == 78
    assert "missing or empty" in broker.log.read_text()


@pytest.mark.parametrize(
    ("service", "secret"),
    [
        ("migrations", "database_password"),
        ("api", "database_password"),
        ("api", "api_key"),
        ("coordinator", "redis_password"),
        ("worker", "redis_password"),
    ],
)
def test_a_process_without_its_secret_says_so_and_stops(stand, service, secret):
    (stand.secrets / secret).unlink()
    container = stand.start(service)
    assert container.wait() == 78
    said = container.log.read_text()
    assert "_FILE: " in said
    assert secret in said
    assert "Traceback" not in said
