"""A database that hangs, is slow, or is gone, while 60 clients ask."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
from chaos.yardstick import Yardstick, yardstick
from support.waiting import until

from operate.probes import Probes, Seen, probing
from operate.service import SEARCHES, SPEC, Service, ready, service
from operate.table import Row, at_most, is_true, none_of

CLIENTS = 60
PAUSE = 1.0  # seconds between two requests of a client
OUTAGE_SECONDS = 75.0  # more than the API's liveness rule needs: three looks, 20 s apart
SETTLED_SECONDS = 65.0  # of an undisturbed service before each fault: every rule looks once
HEALTHZ_SECONDS, READYZ_SECONDS, BACK_SECONDS = 1.0, 3.0, 5.0
SLOW = 1.5  # seconds that everything takes, there and back each
LONGEST_BACK = 120.0
PATIENCE = 180.0  # of a client: a request is several transactions, each with its own limit
LIVENESS = "liveness by the rules of deploy/kubernetes"
# While the database is away: refused in order, or done before or after it.
RIGHT = {200, 201, 503}


@dataclass
class Crowd:
    """Clients that ask again and again, and what they were told."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def work(self, client: httpx.Client) -> None:
        """Submit once in ten times and list otherwise, until it is over."""
        turn = 0
        while not self.over.wait(PAUSE):
            turn += 1
            try:
                if turn % 10 == 1:
                    answer = client.post(SEARCHES, json=SPEC)
                else:
                    answer = client.get(SEARCHES, params={"limit": 5})
            except httpx.TransportError as error:
                self.statuses["broken"] += 1
                self.strange.append(repr(error))
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code not in RIGHT:
                self.strange.append(f"{answer.status_code} {answer.text[:100]}")


@contextmanager
def crowd(made: Service) -> Iterator[Crowd]:
    """Sixty clients for the length of the block, half of them at each API."""
    found = Crowd()
    clients = [
        made.client(made.urls[number % len(made.urls)], key, PATIENCE)
        for number, key in enumerate(made.new_keys(CLIENTS))
    ]
    threads = [threading.Thread(target=found.work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.over.set()
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()


@contextmanager
def hanging(made: Service) -> Iterator[None]:
    """PostgreSQL is stopped by a signal and goes on afterwards."""
    pids = made.freeze_database()
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def slow(made: Service) -> Iterator[None]:
    """Everything between us and PostgreSQL takes its time."""
    made.to_database.delay = SLOW
    try:
        yield
    finally:
        made.to_database.delay = 0.0


@contextmanager
def vanished(made: Service) -> Iterator[None]:
    """PostgreSQL is killed, and started again afterwards."""
    made.postgres.kill()
    try:
        yield
    finally:
        until(lambda: _started(made), seconds=60, what="PostgreSQL")


def _started(made: Service) -> bool:
    try:
        made.postgres.start(fresh=False)
    except AssertionError:  # its predecessor's processes are not gone yet
        return False
    return True


FAULTS: dict[str, Callable[[Service], object]] = {
    "hangs (SIGSTOP)": hanging,
    "is slow": slow,
    "is gone (SIGKILL)": vanished,
}


def run(seconds: float = OUTAGE_SECONDS, *, keep: bool) -> Iterator[Row]:
    """Rows for each fault, and for the rules of liveness over all of them."""
    with (
        service(keep=keep, interposed=True) as made,
        yardstick(made.folder / "yardstick") as machine,
        crowd(made) as clients,
        probing(made, machine) as probes,
    ):
        before = _processes(made)
        time.sleep(SETTLED_SECONDS)
        for name, fault in FAULTS.items():
            yield from _one(f"the database {name}", made, fault, seconds, machine, probes)
            time.sleep(SETTLED_SECONDS)
        yield none_of("all outages", "strange answers to clients", clients.strange)
        told = ", ".join(f"{count} x {status}" for status, count in clients.statuses.most_common())
        yield is_true("all outages", f"answers to {CLIENTS} clients", told, kept=True)
        yield from _alive(probes)
        ended = [
            f"{name}: {pids}" for name, pids in before.items() if _processes(made)[name] != pids
        ]
        yield none_of(LIVENESS, "processes that ended by themselves", ended)


def _one(
    where: str, made: Service, fault: Callable[[Service], object], seconds: float,
    machine: Yardstick, probes: Probes,
) -> Iterator[Row]:  # fmt: skip
    with fault(made):  # type: ignore[attr-defined]
        began = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
    event, cured = made.last_event(), time.monotonic()
    answered, claimed = _moments(
        lambda: all(_answers(made, url) for url in made.urls), lambda: made.claimed_since(event)
    )
    during = [s for s in probes.healthz if began <= s.asked <= ended]
    looks = [s for s in probes.readyz if began <= s.asked <= ended - READYZ_SECONDS]
    refused = [s for s in looks if s.asked >= began + READYZ_SECONDS]
    yield at_most(where, "/healthz, longest", _longest(during), HEALTHZ_SECONDS)
    yield none_of(where, "/healthz that was not 200", _not(200, during))
    yield at_most(where, "/readyz, longest", _longest(looks), READYZ_SECONDS)
    yield none_of(where, f"/readyz that was not 503 after {READYZ_SECONDS:g} s", _not(503, refused))
    stretched = machine.over(cured, max(answered, claimed))
    allowed = BACK_SECONDS * stretched
    yield is_true(where, "yardstick after the cure", f"{stretched:.2f}", kept=True)
    yield at_most(where, "until both APIs answer", answered - cured, allowed)
    yield at_most(where, "until a worker takes a job", claimed - cured, allowed)


def _moments(*conditions: Callable[[], bool]) -> list[float]:
    """The moments at which each became true, or the end of all patience."""
    deadline = time.monotonic() + LONGEST_BACK
    moments: dict[int, float] = {}
    while len(moments) < len(conditions) and time.monotonic() < deadline:
        for number, condition in enumerate(conditions):
            if number not in moments and condition():
                moments[number] = time.monotonic()
        time.sleep(0.05)
    return [moments.get(number, time.monotonic()) for number in range(len(conditions))]


def _answers(made: Service, url: str) -> bool:
    """Whether an API is ready, lists and takes a search."""
    if not ready(url):
        return False
    with made.client(url) as client, suppress(httpx.TransportError):
        listed = client.get(SEARCHES, params={"limit": 1}).status_code
        return listed == 200 and client.post(SEARCHES, json=SPEC).status_code == 201
    return False


def _longest(seen: list[Seen]) -> float:
    return max((s.seconds for s in seen), default=float("inf"))


def _not(status: int, seen: list[Seen]) -> list[str]:
    return [f"{s.status} after {s.seconds:.1f} s" for s in seen if s.status != status]


def _processes(made: Service) -> dict[str, list[int]]:
    """The processes of each of ours that live, those that it has begun with it."""
    return {
        name: [process.pid, *process.children()] if process.alive() else []
        for name, process in made.processes.items()
    }


def _alive(probes: Probes) -> Iterator[Row]:
    for name, watched in probes.alive.items():
        rule = watched.rule
        seen = f"{watched.worst} failures in a row of {watched.looks} looks"
        seen += f"; {watched.said[-120:]}" if watched.restarts else ""
        limit = f"restarted at {rule.threshold}, {rule.period:g} s apart"
        yield Row(LIVENESS, name, seen, limit, not watched.restarts)
