"""Sentences for a broker that does not do its work: it is away, or it says no."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import OperationalError

# By the first word of its answer: what is to be done.
WAYS_OUT: Mapping[str, str] = {
    "READONLY": "it is a replica: promote it, or name the primary in REDIS_URL",
    "UNBLOCKED": "it has just become a replica",
    "MASTERDOWN": "it is a replica without its primary: promote it, or name the primary in "
    "REDIS_URL",
    "NOREPLICAS": "it wants more replicas than it has: min-replicas-to-write 0, for hints may be "
    "lost",
    "MISCONF": "it cannot write its disk: make room, or save nothing (CONFIG SET save ''), for "
    "hints may be lost",
    "OOM": "its memory is full: raise maxmemory, and give the broker no other program's keys",
    "BUSY": "it runs somebody's long script: wait, or SCRIPT KILL (FUNCTION KILL)",
    "LOADING": "it is still reading its data",
    "NOPERM": "its user lacks a right: docs/distributed.md has the line for its ACL",
    "NOAUTH": "it wants a password: HPSEARCH_REDIS_PASSWORD_FILE",
    "WRONGPASS": "correct user and password in REDIS_URL or its password file",
    **dict.fromkeys(
        ("CROSSSLOT", "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN"),
        "it is a cluster, which hints cannot use: name a server of its own in REDIS_URL",
    ),
    "WRONGTYPE": "another program uses our keys: give hints a server or a number of their own, as "
    "in redis://HOST:6379/1",
}

CERTIFICATE = (
    "ssl_ca_certs=FILE in REDIS_URL names a CA of your own, and the host must be one that the "
    "certificate names"
)


def faults(app: Celery) -> tuple[type[Exception], ...]:
    """The exceptions that a broker's faults come as: gone, silent, or unwilling."""
    connection = app.connection_for_write()
    return (
        OperationalError,
        OSError,
        *connection.connection_errors,
        *connection.channel_errors,
    )


def code(error: BaseException) -> str:
    """The word with which a broker refuses; empty where it is away."""
    root = _root(error)
    word = getattr(root, "status_code", None) or _answer(root).split(" ", 1)[0]
    return word if word in WAYS_OUT else ""


def sentence(error: BaseException) -> str:
    """The words of the broker, and the way out where we know one."""
    root, word = _root(error), code(error)
    said = _answer(root) or type(root).__name__
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return f"the broker's certificate is not trusted: {said} {CERTIFICATE}"
    if not word:
        return f"the broker does not answer: {said}"
    return f"the broker refuses: {word} {said.removeprefix(word).strip()}; {WAYS_OUT[word]}"


def _answer(root: BaseException) -> str:
    """The server's own words, in one line, without the client's about its pipeline."""
    return " ".join(str(root).split()).rpartition("of pipeline caused error: ")[2]


def _root(error: BaseException) -> BaseException:
    """The client's own error, in which the server's word is."""
    return error.__cause__ if isinstance(error, OperationalError) and error.__cause__ else error


class BrokerState:
    """Knowledge of the broker, with one line in the log for each change."""

    def __init__(self, log: logging.Logger, prefix: str = "") -> None:
        self._log = log
        self._prefix = prefix
        self._code: str | None = None

    @property
    def away(self) -> bool:
        """True where the last thing known is that nobody answered."""
        return self._code == ""

    @property
    def faulty(self) -> bool:
        """True from a fault on until somebody says that it is over."""
        return self._code is not None

    def note_fault(self, error: BaseException) -> None:
        """Log a fault, unless it is the one that lasts."""
        if code(error) != self._code:
            self._log.warning("%s%s", self._prefix, sentence(error))
        self._code = code(error)

    def note_end(self) -> None:
        """Log that the broker works, unless it did before."""
        if self.faulty:
            self._log.info("the broker works again")
        self._code = None
