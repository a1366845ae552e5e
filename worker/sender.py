"""The thread that sends webhooks: no receiver, however slow, holds up the loop."""

from __future__ import annotations

import logging
import threading
from typing import Self

from hpsearch.errors import Unavailable
from hpsearch.service.webhooks import Webhooks

log = logging.getLogger(__name__)

LEAVING_SECONDS = 15.0  # for an attempt that is being made; it counts, whatever comes of it


class Sender:
    """Sends what is due every `tick` seconds, within a `with` block."""

    def __init__(self, webhooks: Webhooks, *, tick: float) -> None:
        self._webhooks = webhooks
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=LEAVING_SECONDS)

    def _run(self) -> None:
        broken = ""
        while not self._stop.wait(self._tick):
            try:
                self._webhooks.deliver()
                broken = ""
            except Unavailable:
                pass  # the loop says that it waits for the database
            except Exception as error:  # without this thread nobody is told anything
                if repr(error) != broken:
                    log.exception("webhooks are not sent")
                broken = repr(error)
