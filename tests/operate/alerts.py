"""Alerts as a running Prometheus sees them: each fault is made, its alert fires, and ends with it."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import yaml
from support.fronts import program
from support.ports import free_port
from support.receiver import Receiver, receiver
from support.waiting import until

from operate.outages import hanging
from operate.service import API, LOOP, PROJECT, SEARCHES, SPEC, WORKER, Service, service
from operate.table import Row, is_true, none_of

PROMETHEUS = "prometheus"
RULES = PROJECT / "deploy" / "prometheus" / "rules.yaml"
# A scrape takes up to 2.5 s while the database does not answer.
SCRAPE_SECONDS = 5
MINUTE_SECONDS = 2
QUIET_SECONDS = 20.0
FIRE_SECONDS, RESOLVE_SECONDS = 240.0, 180.0
TRANSACTION_SECONDS = 3.0  # so that requests are refused often while the database hangs
GONE = 410  # of a receiver that wants no more messages
# Jobs that train for minutes, several of them.
LONG = {
    **SPEC, "dataset": "digits", "trials_per_round": 8, "epochs": {"first": 400, "last": 400},
}  # fmt: skip
_WINDOW = re.compile(r"\[(\d+)([mh])\]")


def shortened(text: str) -> dict[str, Any]:
    """Rules with two seconds in place of a minute, in `for` and in the windows of their queries.

    No `for` is shorter than two scrapes, for one that is late is no fault, and no window than four.
    """
    rules: dict[str, Any] = yaml.safe_load(text)

    def seconds(number: str, unit: str, scrapes: int) -> str:
        minutes = int(number) * (60 if unit == "h" else 1)
        return f"{max(scrapes * SCRAPE_SECONDS, minutes * MINUTE_SECONDS)}s"

    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _WINDOW.sub(lambda w: f"[{seconds(w[1], w[2], 4)}]", rule["expr"])
            if "for" in rule:
                rule["for"] = seconds(rule["for"][:-1], rule["for"][-1], 2)
    return rules


@dataclass
class Monitor:
    """A Prometheus that runs."""

    url: str

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        answer = httpx.get(f"{self.url}/api/v1/alerts", timeout=10).raise_for_status().json()
        return {
            alert["labels"]["alertname"]
            for alert in answer["data"]["alerts"]
            if alert["state"] == "firing"
        }

    def up(self) -> int:
        """How many APIs it scrapes with success."""
        query = {"query": 'sum(up{job="hpsearch"})'}
        with suppress(httpx.TransportError):
            answer = httpx.get(f"{self.url}/api/v1/query", params=query, timeout=10)
            if answer.status_code == 200:
                values = [r["value"][1] for r in answer.json()["data"]["result"]]
                return int(float(values[0])) if values else 0
        return 0


@contextmanager
def monitor(made: Service) -> Iterator[Monitor]:
    """Prometheus with the project's rules, as docs/operations.md has it read the APIs."""
    found = program(PROMETHEUS)
    assert found is not None
    folder = made.folder / PROMETHEUS
    folder.mkdir()
    _, key = made.services.keys.create(name="monitor", owner="monitor", scopes=["read"])
    (folder / "key").write_text(key)
    (folder / "rules.yaml").write_text(yaml.safe_dump(shortened(RULES.read_text())))
    targets = [f"127.0.0.1:{port}" for port in made.ports]
    scrape = {
        "job_name": "hpsearch",
        "authorization": {"credentials_file": str(folder / "key")},
        "static_configs": [{"targets": targets}],
    }
    settings = {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": f"{SCRAPE_SECONDS}s",
            "evaluation_interval": "1s",
        },
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [scrape],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [found, f"--config.file={folder / 'prometheus.yaml'}",
             f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        made_monitor = Monitor(f"http://{address}")
        until(lambda: made_monitor.up() == len(targets), seconds=60, what=PROMETHEUS)
        yield made_monitor
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def one_api_gone(made: Service) -> Iterator[None]:
    """One of two is killed."""
    with _killed(made, f"{API}-2"):
        yield


@contextmanager
def all_apis_gone(made: Service) -> Iterator[None]:
    """Both are killed."""
    with _killed(made, *made.apis):
        yield


@contextmanager
def _killed(made: Service, *names: str) -> Iterator[None]:
    for name in names:
        made.processes[name].kill()
    try:
        yield
    finally:
        made.start_all()


@contextmanager
def failing(made: Service) -> Iterator[None]:
    """A search's dataset is gone before a worker reads it."""
    with made.client(made.urls[0]) as client:
        client.get(f"{SEARCHES}?limit=1").raise_for_status()
        made.processes[WORKER].signal(signal.SIGSTOP)
        before = set((made.folder / "data").iterdir())
        spec = {**SPEC, "dataset": "wine"}
        client.post(SEARCHES, json=spec).raise_for_status()
    (folder,) = set((made.folder / "data").iterdir()) - before
    kept = folder.rename(made.folder / "kept")
    made.processes[WORKER].signal(signal.SIGCONT)
    try:
        yield
    finally:
        kept.rename(folder)


@contextmanager
def refusing(made: Service, receiver: Receiver) -> Iterator[None]:
    """A receiver of webhooks wants none."""
    with made.client(made.urls[0]) as client:
        spec = {**SPEC, "webhook": {"url": receiver.url}}
        client.post(SEARCHES, json=spec).raise_for_status()
    yield


@contextmanager
def guessing(made: Service) -> Iterator[None]:
    """Somebody tries keys."""
    for number in range(60):
        with made.client(made.urls[0], f"hps_{number:040}") as client:
            client.get(SEARCHES)
    yield


@contextmanager
def broker_gone(made: Service) -> Iterator[None]:
    """The broker is killed, and work comes."""
    made.broker.kill()
    with made.client(made.urls[0]) as client:
        for _ in range(4):
            client.post(SEARCHES, json=SPEC).raise_for_status()
    try:
        yield
    finally:
        made.broker.start()


@contextmanager
def database_hangs(made: Service) -> Iterator[None]:
    """PostgreSQL is stopped while clients ask."""
    over = threading.Event()

    def ask(url: str) -> None:
        with made.client(url) as client:
            while not over.wait(0.2):
                with suppress(httpx.TransportError):
                    client.get(SEARCHES)

    threads = [threading.Thread(target=ask, args=(url,)) for url in made.urls for _ in range(4)]
    with hanging(made):
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
    for thread in threads:
        thread.join()


@contextmanager
def nobody_at_work(made: Service) -> Iterator[None]:
    """The worker hangs with a job, the loop is killed, and a search comes."""
    with made.client(made.urls[0]) as client:
        event = made.last_event()
        long = client.post(SEARCHES, json=LONG).raise_for_status().json()["id"]
        until(lambda: made.claimed_since(event), seconds=60, what="a job that runs")
        made.processes[WORKER].signal(signal.SIGSTOP)
        made.processes[LOOP].kill()
        client.post(SEARCHES, json=SPEC).raise_for_status()
        try:
            yield
        finally:
            client.post(f"{SEARCHES}/{long}/cancel").raise_for_status()
            made.processes[WORKER].signal(signal.SIGCONT)
            made.start_all()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done, and the alerts that have to fire."""

    name: str
    make: Callable[[Service], Any]
    alerts: Sequence[str]


def faults(listener: Receiver) -> list[Fault]:
    """All that can be made in minutes."""
    return [
        Fault("one API of two is gone", one_api_gone, ["HpsearchApiDown"]),
        Fault("both APIs are gone", all_apis_gone, ["HpsearchDown", "HpsearchApiDown"]),
        Fault("a dataset is gone", failing, ["HpsearchSearchFailed"]),
        Fault(
            "a receiver wants no webhook", lambda made: refusing(made, listener),
            ["HpsearchWebhookGivenUp"],
        ),
        Fault("somebody tries keys", guessing, ["HpsearchAddressLocked"]),
        Fault("the broker is gone", broker_gone, ["HpsearchBrokerAway"]),
        Fault("the database hangs", database_hangs, ["HpsearchDatabaseAway", "HpsearchFaults"]),
        Fault(
            "no loop, and a worker that hangs", nobody_at_work,
            ["HpsearchNoLoop", "HpsearchNobodyDecides", "HpsearchNobodyTrains", "HpsearchJobSilent"],
        ),
    ]  # fmt: skip


def run(*, keep: bool) -> Iterator[Row]:
    """Rows for every alert that can be provoked in minutes, and the names of the others."""
    with ExitStack() as stack:
        listener = stack.enter_context(receiver(GONE))
        made = stack.enter_context(
            service(
                keep=keep,
                HPSEARCH_TRANSACTION_SECONDS=str(TRANSACTION_SECONDS),
                HPSEARCH_WEBHOOK_HOSTS=listener.origin,
                HPSEARCH_WEBHOOK_ATTEMPTS="1",
                HPSEARCH_LEASE_SECONDS="10",
                HPSEARCH_HEARTBEAT_SECONDS="2",
                HPSEARCH_JOB_SIZE="2",
            )
        )
        watching = stack.enter_context(monitor(made))
        yield none_of("alerts", "while nothing is wrong", _quiet(watching))
        all_of = {
            r["alert"] for g in yaml.safe_load(RULES.read_text())["groups"] for r in g["rules"]
        }
        listed = faults(listener)
        for fault in listed:
            yield from _one(made, watching, fault)
        left = sorted(all_of - {name for fault in listed for name in fault.alerts})
        yield is_true("alerts", "left to promtool (tests/deploy)", ", ".join(left), kept=True)


def _quiet(watching: Monitor) -> list[str]:
    """The alerts that fire in a while without a fault."""
    fired: set[str] = set()
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        fired |= watching.firing()
        time.sleep(0.5)
    return sorted(fired)


def _one(made: Service, watching: Monitor, fault: Fault) -> Iterator[Row]:
    wanted, fired, ended = set(fault.alerts), dict[str, float](), dict[str, float]()
    others: set[str] = set()
    began = time.monotonic()
    with fault.make(made):
        while wanted - set(fired) and time.monotonic() < began + FIRE_SECONDS:
            now = watching.firing()
            others |= now - wanted
            for name in (wanted & now) - set(fired):
                fired[name] = time.monotonic() - began
            time.sleep(0.25)
    cured = time.monotonic()
    while wanted - set(ended) and time.monotonic() < cured + RESOLVE_SECONDS:
        for name in wanted - watching.firing() - set(ended):
            ended[name] = time.monotonic() - cured
        time.sleep(0.25)
    for name in fault.alerts:
        seen = f"fired after {fired[name]:.0f} s" if name in fired else "did not fire"
        seen += f", resolved after {ended[name]:.0f} s" if name in ended else ", did not resolve"
        yield is_true(f"alerts: {fault.name}", name, seen, kept=name in fired and name in ended)
    if others:
        yield is_true(f"alerts: {fault.name}", "beside it", ", ".join(sorted(others)), kept=True)
