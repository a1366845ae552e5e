"""Probes as Kubernetes sends them, by the rules of deploy/kubernetes, and quicker ones of our own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from chaos.yardstick import Yardstick
from support.fronts import HOST

from operate.service import API, PROJECT, Service

MANIFESTS = PROJECT / "deploy" / "kubernetes"
CHECK = PROJECT / "deploy" / "check.py"
PATIENCE = 20.0  # seconds: beyond every limit
LOOKED_BACK = 10.0  # seconds, for how busy others keep the machine


@dataclass(frozen=True, slots=True)
class Rule:
    """When a container is restarted; what a manifest leaves out is Kubernetes' own default."""

    period: float
    timeout: float
    threshold: int
    probe: Mapping[str, Any]

    @classmethod
    def of(cls, part: str) -> Rule:
        """The liveness rule of a manifest."""
        manifests = yaml.safe_load_all((MANIFESTS / f"{part}.yaml").read_text())
        (deployment,) = (m for m in manifests if m["kind"] == "Deployment")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        probe = container["livenessProbe"]
        return cls(
            probe.get("periodSeconds", 10),
            probe.get("timeoutSeconds", 1),
            probe.get("failureThreshold", 3),
            probe,
        )


@dataclass
class Watched:
    """What the liveness rule has seen of a process."""

    rule: Rule
    looks: int = 0
    failures: int = 0  # in a row, until now
    worst: int = 0  # in a row
    said: str = ""

    def note(self, fault: str | None) -> None:
        """Count a look; None where all was well."""
        self.looks += 1
        self.failures = 0 if fault is None else self.failures + 1
        self.worst = max(self.worst, self.failures)
        self.said = fault or self.said

    @property
    def restarts(self) -> bool:
        """Whether the process would have been restarted."""
        return self.worst >= self.rule.threshold


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer to a probe of our own; status None where none came within `PATIENCE`."""

    asked: float
    seconds: float
    status: int | None


@dataclass
class Probes:
    """All that was seen, by process: liveness, `/healthz` and `/readyz`."""

    alive: dict[str, Watched] = field(default_factory=dict)
    healthz: list[Seen] = field(default_factory=list)
    readyz: list[Seen] = field(default_factory=list)


def _asked(url: str, path: str, timeout: float) -> Seen:
    began = time.monotonic()
    status = None
    try:  # a connection of its own each time, as Kubernetes has it
        status = httpx.get(url + path, headers={"Host": HOST}, timeout=timeout).status_code
    except httpx.TransportError:
        pass
    return Seen(began, time.monotonic() - began, status)


def _live(made: Service, name: str, rule: Rule, stretch: float = 1.0) -> str | None:
    if "httpGet" in rule.probe:
        url = f"http://127.0.0.1:{made.apis[name]}"
        seen = _asked(url, rule.probe["httpGet"]["path"], rule.timeout)
        return None if seen.status == 200 else f"{name}: {seen.status}"
    # It starts Python, on a container's own share of a processor: here that is shared with others.
    timeout = rule.timeout * stretch
    words = rule.probe["exec"]["command"]
    command = [
        {"python": sys.executable, "/opt/hpsearch/check.py": str(CHECK)}.get(w, w) for w in words
    ]
    try:
        done = subprocess.run(
            command, env={"PATH": "", **made.environment(name)}, cwd=Path("/"), text=True,
            capture_output=True, timeout=timeout, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{name}: no answer within {timeout:.0f} s"
    return None if done.returncode == 0 else f"{name}: {done.stderr.strip()[-200:]}"


def _every(seconds: float, over: threading.Event, look: Callable[[], None]) -> threading.Thread:
    def work() -> None:
        while True:
            began = time.monotonic()
            look()
            if over.wait(max(0.0, began + seconds - time.monotonic())):
                return

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@contextmanager
def probing(made: Service, machine: Yardstick, *, seconds: float = 0.5) -> Iterator[Probes]:
    """Watch every process for the length of the block; our own probes come every `seconds`."""
    probes, over = Probes(), threading.Event()

    def live(name: str, watched: Watched) -> Callable[[], None]:
        def look() -> None:
            now = time.monotonic()
            stretch = machine.over(now - LOOKED_BACK, now)
            watched.note(_live(made, name, watched.rule, stretch))

        return look

    def ask(url: str, path: str, into: list[Seen]) -> Callable[[], None]:
        return lambda: into.append(_asked(url, path, PATIENCE))

    threads = []
    for name in made.processes:
        watched = probes.alive[name] = Watched(Rule.of(name.split("-")[0]))
        threads.append(_every(watched.rule.period, over, live(name, watched)))
        if name.startswith(API):
            url = f"http://127.0.0.1:{made.apis[name]}"
            threads.append(_every(seconds, over, ask(url, "/healthz", probes.healthz)))
            threads.append(_every(seconds, over, ask(url, "/readyz", probes.readyz)))
    try:
        yield probes
    finally:
        over.set()
        for thread in threads:
            thread.join()
