"""The loop: reap, advance, publish, again and again. Two of them at once do no harm."""

from __future__ import annotations

import logging
import signal
import threading
import time

from hpsearch.errors import HpsearchError
from hpsearch.service import (
    Services,
    advance,  # noqa: F401  # loaded now, so that the first search does not wait for scipy.stats
)
from hpsearch.service.webhooks import Webhooks
from worker.app import make
from worker.publisher import Publisher
from worker.sender import Sender

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0


class Loop:
    """Does what finishers and the API left undone."""

    def __init__(self, services: Services) -> None:
        self._work = services.jobs
        self._tick = services.settings.tick_seconds
        self._publisher = Publisher(make(services.settings), services.jobs)
        self._sender = Sender(Webhooks(services.store, services.settings), tick=self._tick)
        self._stop = threading.Event()
        self._swept = time.monotonic()

    def stop(self, *_: object) -> None:
        """Leave after the present turn."""
        self._stop.set()

    def run(self) -> None:
        """Turn until stopped; a database that does not answer is waited for."""
        log.info("the loop turns every %g s", self._tick)
        silent = False
        with self._sender:
            while not self._stop.is_set():
                try:
                    self.turn()
                    silent = False
                except HpsearchError as error:
                    if not silent:
                        log.warning("the loop waits: %s", error)
                    silent = True
                self._stop.wait(self._tick)

    def turn(self) -> None:
        """One turn."""
        self._work.reap()
        self._work.advance_due()
        self._publisher.fill(look=True)
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._work.sweep_workers()
            self._swept = time.monotonic()


def run(services: Services) -> None:
    """Run the loop in the foreground until SIGTERM or SIGINT."""
    loop = Loop(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, loop.stop)
    loop.run()
