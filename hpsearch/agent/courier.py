"""Reports and heartbeats of one trial, sent by a thread of its own.

So that a service which is away for a while holds up neither the reading of an output nor an end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from hpsearch.agent.ending import MESSAGE_MOST
from hpsearch.client import Client
from hpsearch.client.arguments import printable
from hpsearch.errors import (
    Conflict,
    HpsearchError,
    InvalidReport,
    InvalidRequest,
    InvalidSpec,
    NotFound,
    SystemFault,
    TooLarge,
    TooMany,
)
from hpsearch.report.views import OrderView

log = logging.getLogger(__name__)

BEATS = 3  # heartbeats in the time of a lease
OUTAGE = 600.0  # seconds, for which a service may be away
HURRIED = 5.0  # the same while the agent ends
LONGEST_PAUSE = 5.0
BAD_VALUE = (InvalidRequest, InvalidReport, InvalidSpec, TooLarge)  # the fault of one report
NO_JSON = (TypeError, ValueError, ArithmeticError)  # a note that is a number, a cost of 400 digits


class Courier:
    """Speaks with the service about one trial until one of the two sides has ended it."""

    def __init__(self, client: Client, order: OrderView, hurry: threading.Event) -> None:
        self.order = order
        self.refused: str | None = None  # the service's sentence on a report that cannot be
        self.fault: Exception | None = None  # that no further trial would escape
        self.answer: str | None = None  # the reason of the service's own stop
        self._client, self._hurry = client, hurry
        self._changed = threading.Condition()
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._over = self._closed = False
        self._beat_seconds = order.lease.seconds / BEATS
        self._thread = threading.Thread(
            target=self._serve, name=f"courier {order.trial}", daemon=True
        )
        self._thread.start()

    @property
    def over(self) -> bool:
        """True where nothing of the trial is wanted any more."""
        return self._over

    def report(self, **what: Any) -> None:
        """Send a report as soon as those before it are answered."""
        with self._changed:
            self._waiting.append(what)
            self._changed.notify()

    def hasten(self, seconds: float) -> None:
        """Ask more often whether the trial is still wanted."""
        with self._changed:
            self._beat_seconds = min(seconds, self._beat_seconds)
            self._changed.notify()

    def close(self) -> None:
        """Wait until everything is sent, or is not wanted."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        try:
            self._speak()
        except Exception as error:  # noqa: BLE001  # nobody would keep the trial, and nobody would know
            self._end(error)

    def _speak(self) -> None:
        due = time.monotonic() + self._beat_seconds
        while not self._over:
            with self._changed:
                now = time.monotonic()
                due = min(due, now + self._beat_seconds)
                if not self._waiting and not self._closed and now < due:
                    self._changed.wait(due - now)
                    continue
                what = self._waiting.popleft() if self._waiting else None
                if what is None and self._closed:
                    return
            if what is None:
                self._send(lambda: self._client.heartbeat(self.order), patience=0.0)
            else:
                self._report(what)
            due = time.monotonic() + self._beat_seconds

    def _report(self, what: Mapping[str, Any]) -> None:
        def send() -> None:
            verdict = self._client.report(self.order, **what)
            if verdict.stop:
                self.answer = verdict.reason
                self._over = True

        try:
            self._send(send, patience=OUTAGE)
        except (*BAD_VALUE, *NO_JSON) as error:
            if self.refused is None and what.get("state") != "failed":
                self.refused = str(error)[:MESSAGE_MOST]
                self._report({"state": "failed", "message": printable(self.refused)})
            else:
                self._end(error)

    def _send(self, call: Callable[[], object], *, patience: float) -> None:
        """Speak to the service, again and again for so long where it is away."""
        begun, pause = time.monotonic(), 0.2
        while not self._over:
            try:
                call()
            except (Conflict, NotFound) as error:  # somebody else has it, or the search is gone
                log.info("trial %s is not ours any more: %s", self.order.trial, error)
                self.answer = str(error)
                self._over = True
            except BAD_VALUE:
                raise
            except (SystemFault, TooMany) as error:
                allowed = min(patience, HURRIED) if self._hurry.is_set() else patience
                if time.monotonic() - begun > allowed:
                    if patience:
                        self._end(error)
                    return
                time.sleep(min(pause, 0.5) if self._hurry.is_set() else pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except HpsearchError as error:  # the key was revoked
                self._end(error)
            else:
                return

    def _end(self, error: Exception) -> None:
        self.fault = error
        self._over = True
