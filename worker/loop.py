"""The loop: takes back lost jobs, advances searches, publishes hints. Two at once do no harm."""

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

    def turn(self) -> None:
        """Take back lost jobs, advance searches, publish hints, and forget workers that are gone."""
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
