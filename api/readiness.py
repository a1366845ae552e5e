"""The answer of /readyz, in time: one look at the database for all who ask meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

from api.auth import Gate
from hpsearch.errors import HpsearchError
from hpsearch.service import Services

SECONDS = 2.5  # Kubernetes and most proxies give a probe 3 s or less

Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """Each part that the service needs and "ok", or what is wrong with it; and the installation."""

    parts: Parts
    installation: str | None = None  # where everything is well

    @property
    def wrong(self) -> Parts:
        """The parts that are not ready."""
        return {name: state for name, state in self.parts.items() if state != "ok"}


def look(services: Services, gate: Gate) -> Seen:
    """Look once at the database, which has to take a write, and at the key from the settings."""
    seen = Seen(services.ready(writing=True))
    if seen.wrong:
        return seen
    try:
        gate.check()
    except HpsearchError as error:
        return Seen({**seen.parts, "key": str(error)})
    try:
        return Seen(seen.parts, services.metrics.installation())
    except HpsearchError as error:
        return Seen({**seen.parts, "database": str(error)})


class ReadinessProbe:
    """Asks `look` in a thread of its own, and waits for it no longer than `seconds`.

    A look that hangs is the only one: whoever asks next waits for the same. One that ends too late
    says so to those as well who came to it late.
    """

    def __init__(self, look: Callable[[], Seen], *, seconds: float = SECONDS) -> None:
        self._look, self._seconds = look, seconds
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._pending: Future[Seen] | None = None

    def seen(self) -> Seen:
        """The outcome of a look that ends in time."""
        with self._lock:
            # Not before the first request: a thread does not live on in a forked process.
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="readiness")
            if self._pending is None or self._pending.done():
                self._pending = self._thread.submit(self._timed)
            pending = self._pending
        try:
            return pending.result(self._seconds)
        except TooLate:
            return Seen({"database": f"has not answered for {self._seconds:g} s"})

    def _timed(self) -> Seen:
        began = time.monotonic()
        seen = self._look()
        took = time.monotonic() - began
        if seen.wrong or took <= self._seconds:
            return seen
        return Seen({**seen.parts, "database": f"has taken {took:.1f} s to answer"})

    def database_answers(self) -> bool:
        """True where the database answers in time and takes writes."""
        return self.seen().parts["database"] == "ok"
