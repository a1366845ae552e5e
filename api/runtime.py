"""The surroundings of a request: services, settings, and the limits of this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app, g

from api.outage import Outage
from api.readiness import ReadinessProbe
from api.refused_keys import RefusedKeys
from hpsearch.records import Reader
from hpsearch.service import Principal, Services
from hpsearch.settings import Settings

EXTENSION = "hpsearch"

# Threads of a process, and how many of them may be held by requests that take long. The rest
# always answers: 24 clients that wait for news do not keep a 25th from asking.
THREADS = 32
WAITERS = 24
# An upload is parsed by a child process with an address space of gigabytes.
UPLOADS = 2
SLICE_SECONDS = 1.0  # of a wait, so that a stopping process ends it early


@dataclass(frozen=True)
class Runtime:
    """The state of an API process.

    draining, stopping
        Set when it has been told to stop and no proxy should ask it any more; when it takes no more
        requests.
    """

    services: Services
    settings: Settings
    readiness: ReadinessProbe
    refusals: RefusedKeys
    outage: Outage = field(default_factory=Outage)
    waiters: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(WAITERS)
    )
    uploads: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(UPLOADS)
    )
    draining: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)


def runtime() -> Runtime:
    """The runtime of the application that handles this request."""
    return cast("Runtime", current_app.extensions[EXTENSION])


def principal() -> Principal:
    """The sender of this request; only routes that ask for a key have one."""
    return cast("Principal", g.principal)


def reader() -> Reader:
    """The sender of this request, who reads what was granted to them as well; an operator reads all."""
    sender = principal()
    return Reader(sender.owner, everyone="operate" in sender.scopes)


def owner() -> str:
    """The owner in whose name this request writes, and reads what is theirs alone."""
    return principal().owner
