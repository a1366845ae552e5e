"""`python -m worker check`: a test of a worker's surroundings, as JSON for `hpsearch doctor`."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import Any

from kombu.connection import Connection

from hpsearch.errors import Misconfigured
from hpsearch.logs import redact
from hpsearch.settings import Settings
from hpsearch.training.numerics import fingerprint
from worker.app import FINAL, JOBS, make
from worker.broker_faults import faults, sentence

ANSWER_SECONDS = 5.0


def run(settings: Settings) -> int:
    """Print the findings; the exit code is always 0."""
    print(json.dumps({**_broker(settings), **_numerics()}))  # noqa: T201  # the command's answer
    return 0


def _broker(settings: Settings) -> dict[str, Any]:
    """The number of hints in the broker, or the reason why it cannot carry any."""
    app = make(settings)
    with app.connection_for_write() as connection:
        try:
            connection.connect()
            channel = connection.default_channel
            hints = sum(channel.queue_declare(queue=q).message_count for q in (JOBS, FINAL))
            _carry_one(connection, faults(app))
        except faults(app) as error:
            return {"hints": None, "broker": redact(sentence(error))}
    return {"hints": hints, "broker": "ok"}


def _carry_one(connection: Connection, faults: tuple[type[Exception], ...]) -> None:
    """Send a message the way of a hint, in a queue of its own that goes with it."""
    name = f"doctor-{uuid.uuid4()}"
    with connection.SimpleQueue(name) as queue:  # type: ignore[no-untyped-call]  # kombu has no types here
        try:
            queue.put({})
            queue.get(timeout=ANSWER_SECONDS).ack()
        finally:
            with suppress(*faults):  # a broker that refuses the one may refuse the other
                queue.queue.delete()


def _numerics() -> dict[str, Any]:
    """The numeric fingerprint, or the reason why results could not be compared."""
    try:
        return {"fingerprint": dict(fingerprint()), "numerics": "ok"}
    except Misconfigured as error:
        return {"fingerprint": None, "numerics": str(error)}
