"""The one who acts, known to whatever is written on their behalf.

A process has one way in, where a request or a command begins; from there the actor goes along with the
thread, as the id of a request does in the log. Where nobody is named it is the service itself.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hpsearch.records import Actor, ActorKind

SERVICE = Actor(ActorKind.SERVICE)
_ACTOR: ContextVar[Actor] = ContextVar("actor", default=SERVICE)


def actor() -> Actor:
    """Whoever acts in this thread now."""
    return _ACTOR.get()


def act_as(one: Actor) -> None:
    """Let `one` act in this thread from now on."""
    _ACTOR.set(one)


@contextmanager
def acting(one: Actor) -> Iterator[None]:
    """Let `one` act within the block."""
    token = _ACTOR.set(one)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def command_line() -> Actor:
    """The user of the operating system that runs this process, as an actor."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without a name, as in many containers
        name = f"uid {os.getuid()}"
    return Actor(ActorKind.COMMAND_LINE, os_user=name[:100])
