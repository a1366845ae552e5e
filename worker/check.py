"""`python -m worker check`: a test of a worker's surroundings, as JSON for `hpsearch doctor`."""

from __future__ import annotations

import json
from typing import Any

from kombu.exceptions import OperationalError

from hpsearch.errors import Misconfigured
from hpsearch.logs import redact
from hpsearch.settings import Settings
from hpsearch.training.numerics import fingerprint
from worker.app import FINAL, JOBS, make


def run(settings: Settings) -> int:
    """Print the findings; the exit code is always 0."""
    print(json.dumps({**_broker(settings), **_numerics()}))  # noqa: T201  # the command's answer
    return 0


def _broker(settings: Settings) -> dict[str, Any]:
    """The number of hints in the broker, or the reason why it cannot be had."""
    with make(settings).connection_for_write() as connection:
        faults = (OperationalError, OSError, *connection.connection_errors)
        try:
            connection.connect()
            channel = connection.default_channel
            hints = sum(channel.queue_declare(queue=q).message_count for q in (JOBS, FINAL))
        except (*faults, *connection.channel_errors) as error:
            return {"hints": None, "broker": redact(f"{type(error).__name__}: {error}")}
    return {"hints": hints, "broker": "ok"}


def _numerics() -> dict[str, Any]:
    """The numeric fingerprint, or the reason why results could not be compared."""
    try:
        return {"fingerprint": dict(fingerprint()), "numerics": "ok"}
    except Misconfigured as error:
        return {"fingerprint": None, "numerics": str(error)}
