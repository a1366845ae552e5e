"""The thread that renews a worker's lease while the main thread trains.

A worker that cannot renew its lease stops: training ends at the next minibatch, and a training
that does not react ends with its process.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.errors import Unavailable
from hpsearch.service.jobs import JobService
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import Hint

log = logging.getLogger(__name__)

UNRESPONSIVE_SECONDS = 30.0  # for which fenced work may go on before its process ends
EXIT_UNRESPONSIVE = 70


class LeaseKeeper:
    """Heartbeats of one process and of the jobs it holds."""

    def __init__(
        self, work: JobService, *, worker_run: str, heartbeat: float, lease: float
    ) -> None:
        self._work = work
        self._run = worker_run
        self._heartbeat = heartbeat
        self._lease = lease
        self._lock = threading.Lock()
        self._hints: frozenset[Hint] = frozenset()
        self._lost: frozenset[Hint] = frozenset()  # of the hints, those whose leases are lost
        self._lost_at = 0.0
        self._renewed = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease-keeper", daemon=True)

    def start(self) -> None:
        """Announce the worker and begin to send heartbeats, even while the database is away."""
        try:
            self._announce()
        except Unavailable as error:
            log.warning("this worker is not announced yet: %s", error)
        self._thread.start()

    def close(self) -> None:
        """Stop the heartbeats and remove the worker from the database."""
        self._closing.set()
        self._thread.join(timeout=self._heartbeat)
        self._work.unregister(self._run)

    def stopped(self) -> bool:
        """True once the lease of a present job is lost."""
        return bool(self._lost)

    def give_up(self) -> frozenset[Hint]:
        """The hints whose leases are lost; they are held no more, and the others still are."""
        with self._lock:
            lost, self._lost = self._lost, frozenset()
            self._hints -= lost
        return lost

    @contextmanager
    def holding(self, *hints: Hint) -> Iterator[None]:
        """Keep the leases of `hints` while the block runs."""
        with self._lock:
            self._hints = frozenset(hints)
            self._renewed = time.monotonic()
            self._lost = frozenset()
        try:
            yield
        finally:
            with self._lock:
                self._hints = frozenset()

    def _beat(self) -> None:
        while not self._closing.wait(self._heartbeat):
            try:
                self._renew()  # first: a slow database must not cost the lease
                self._announce()
            except Exception as error:  # noqa: BLE001  # without this thread every lease is lost
                log.warning("no heartbeat: %s: %s", type(error).__name__, error)
                self._give_up_if_stale()
            if self._lost and time.monotonic() - self._lost_at > UNRESPONSIVE_SECONDS:
                with self._lock:
                    held = ", ".join(str(hint.job_id) for hint in self._hints)
                if held:
                    log.error("job %s does not stop; this process ends", held)
                    os._exit(EXIT_UNRESPONSIVE)  # the main thread cannot be interrupted otherwise

    def _announce(self) -> None:
        self._work.register(
            self._run, host=socket.gethostname(), pid=os.getpid(), fingerprint=fingerprint()
        )

    def _renew(self) -> None:
        with self._lock:
            hints = self._hints - self._lost
        if not hints:
            return
        renewed = {hint for hint in hints if self._work.heartbeat(hint, worker_run=self._run)}
        with self._lock:
            self._renewed = time.monotonic()  # of those that are not lost
            self._mark_lost(hints - renewed)

    def _give_up_if_stale(self) -> None:
        with self._lock:
            if time.monotonic() - self._renewed > self._lease:
                self._mark_lost(self._hints)

    def _mark_lost(self, hints: frozenset[Hint]) -> None:
        lost = hints & self._hints  # some may have been finished in the meantime
        if lost and not self._lost:
            self._lost_at = time.monotonic()
        self._lost |= lost
