"""The thread that sends webhooks: no receiver, however slow, holds up the loop."""

from __future__ import annotations

import logging
import threading
from typing import Self

from hpsearch.errors import Unavailable
from hpsearch.service.webhooks import Webhooks

log = logging.getLogger(__name__)

STOP_SECONDS = 15.0  # for an attempt under way, which counts whatever its outcome


class WebhookThread:
    """Sends due webhooks every `tick` seconds, within a `with` block."""

    def __init__(self, webhooks: Webhooks, *, tick: float) -> None:
        self._webhooks = webhooks
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        last_fault = ""
        while not self._stop.wait(self._tick):
            try:
                self._webhooks.deliver()
                last_fault = ""
            except Unavailable:
                pass  # the loop says that it waits for the database
            except Exception as error:  # without this thread no webhook is ever sent
                if repr(error) != last_fault:
                    log.exception("webhooks are not sent")
                last_fault = repr(error)
