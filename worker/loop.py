"""The loop: takes back lost jobs, advances searches, publishes hints. Two at once do no harm."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from contextlib import suppress

from hpsearch.errors import HpsearchError, Unavailable
from hpsearch.service import (
    Services,
    advance,  # noqa: F401  # loaded now, so that the first search does not wait for scipy.stats
)
from hpsearch.service.webhooks import Webhooks
from worker.app import make
from worker.hint_publisher import HintPublisher
from worker.webhook_thread import WebhookThread

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0


class Loop:
    """Work that no other process does: lost jobs, due decisions, hints, webhooks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._work = services.jobs
        self._tick = services.settings.tick_seconds
        self._publisher = HintPublisher(make(services.settings), services.jobs)
        self._webhook_thread = WebhookThread(
            Webhooks(services.store, services.settings), tick=self._tick
        )
        self._stop = threading.Event()
        self._swept = time.monotonic()
        self._id = str(uuid.uuid4())
        self._beaten: float | None = None
        self._cared = 0.0

    def stop(self, *_: object) -> None:
        """Stop after the present turn."""
        self._stop.set()

    def run(self) -> None:
        """Repeat turns until stopped; an outage of the database is waited out."""
        log.info("the loop turns every %g s", self._tick)
        warned, checked = False, False
        with self._webhook_thread:
            while not self._stop.is_set():
                try:
                    if not checked:  # a build writes nothing into another one's schema
                        self._services.require_schema()
                        checked = True
                    self.turn()
                    warned = False
                except HpsearchError as error:
                    if not warned:
                        log.warning("the loop waits: %s", error)
                    warned = True
                self._stop.wait(self._tick)
        if self._beaten is not None:
            with suppress(Unavailable):  # its row falls silent, as after a kill
                self._work.forget_loop(self._id)

    def turn(self) -> None:
        """Take back lost jobs, advance searches, publish hints, and forget what is over."""
        self._beat()
        self._work.reap()
        self._cared = time.monotonic()
        self._work.advance_due(goes_on=self._between)
        self._publisher.fill(look=True)
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._work.sweep_workers()
            self._services.audit.expire()
            self._swept = time.monotonic()

    def _between(self) -> bool:
        """Do what cannot wait until all searches are advanced; False where the loop is to stop.

        After a burst of submissions that takes minutes: workers would idle meanwhile, lost jobs lie
        about, and the loop itself pass for dead.
        """
        if time.monotonic() - self._cared >= self._tick:
            self._beat()
            self._work.reap()
            self._publisher.fill(look=True)
            self._cared = time.monotonic()
        return not self._stop.is_set()

    def _beat(self) -> None:
        """Say in the database that this loop lives, as often as workers do."""
        every = self._services.settings.heartbeat_seconds
        if self._beaten is None or time.monotonic() - self._beaten >= every:
            self._work.beat(self._id, host=socket.gethostname(), pid=os.getpid())
            self._beaten = time.monotonic()


def run(services: Services) -> None:
    """Run the loop in the foreground until SIGTERM or SIGINT."""
    loop = Loop(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, loop.stop)
    loop.run()
