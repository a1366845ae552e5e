"""The thread that keeps a worker's lease: it speaks while the main thread trains.

A worker that cannot prolong its lease stops: at the next minibatch when it is told so, and by
leaving the process when it does not listen.
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
from hpsearch.training.fingerprint import fingerprint
from hpsearch.trials import Hint

log = logging.getLogger(__name__)

DEAF_SECONDS = 30.0  # how long fenced work may ignore the word before its process ends
EXIT_DEAF = 70


class Keeper:
    """Heartbeats of one process and of the job it holds."""

    def __init__(
        self, work: JobService, *, worker_run: str, heartbeat: float, lease: float
    ) -> None:
        self._work = work
        self._run = worker_run
        self._heartbeat = heartbeat
        self._lease = lease
        self._lock = threading.Lock()
        self._held: Hint | None = None
        self._lost = threading.Event()
        self._lost_at = 0.0
        self._renewed = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="keeper", daemon=True)

    def start(self) -> None:
        """Announce the worker and start to speak; a database that is away is waited for."""
        try:
            self._announce()
        except Unavailable as error:
            log.warning("this worker is not announced yet: %s", error)
        self._thread.start()

    def close(self) -> None:
        """Fall silent and forget the worker."""
        self._closing.set()
        self._thread.join(timeout=self._heartbeat)
        self._work.unregister(self._run)

    def stopped(self) -> bool:
        """Whether the job that is held has been taken away."""
        return self._lost.is_set()

    @contextmanager
    def holding(self, hint: Hint) -> Iterator[None]:
        """Keep the lease of `hint` while the block runs."""
        with self._lock:
            self._held = hint
            self._renewed = time.monotonic()
            self._lost.clear()
        try:
            yield
        finally:
            with self._lock:
                self._held = None

    def _beat(self) -> None:
        while not self._closing.wait(self._heartbeat):
            try:
                self._prolong()  # first: the lease is what a slow database must not cost
                self._announce()
            except Exception as error:  # noqa: BLE001  # without this thread every lease is lost
                log.warning("no heartbeat: %s: %s", type(error).__name__, error)
                self._give_up_if_stale()
            if self._lost.is_set() and time.monotonic() - self._lost_at > DEAF_SECONDS:
                with self._lock:
                    held = self._held
                if held is not None:
                    log.error("job %d does not stop; this process ends", held.job_id)
                    os._exit(EXIT_DEAF)  # the main thread cannot be interrupted otherwise

    def _announce(self) -> None:
        self._work.register(
            self._run, host=socket.gethostname(), pid=os.getpid(), fingerprint=fingerprint()
        )

    def _prolong(self) -> None:
        with self._lock:
            held = self._held
        if held is None or self._lost.is_set():
            return
        if self._work.heartbeat(held, worker_run=self._run):
            self._renewed = time.monotonic()
            return
        with self._lock:
            if self._held is held:  # it may have been finished in the meantime
                self._take_away()

    def _give_up_if_stale(self) -> None:
        with self._lock:
            stale = time.monotonic() - self._renewed > self._lease
            if self._held is not None and stale and not self._lost.is_set():
                self._take_away()

    def _take_away(self) -> None:
        self._lost_at = time.monotonic()
        self._lost.set()
