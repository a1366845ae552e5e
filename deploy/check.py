"""Whether the process of this container is at work: the healthcheck of loops and workers.

It logs in to the database and the broker as the process itself does, and then asks PostgreSQL
when the process last spoke: the loop does at every turn, a worker at every heartbeat. A process
that hangs falls silent, however well the servers are. Where there are several, as the pool of a
worker, each has to speak. Connections are known by PGAPPNAME, by the pid, which processes add to
it, and by the address of the container. Behind a pooler nobody can know them: there it only logs in.

The first process of a worker has no connection. It, and any other, is also unhealthy while it is
stopped by a signal.

    python -P check.py [SECONDS]        exit code 0: it spoke within SECONDS (60)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hpsearch.database_address import (
    PROCESS,
    behind_a_pooler,
    database_url,
    prefix_of,
    prepare_threshold,
)
from hpsearch.errors import HpsearchError, Misconfigured
from hpsearch.settings import load

SILENCE_SECONDS = 60.0
_LAST_SPOKE = """
    SELECT substr(application_name, %(start)s),
        extract(epoch FROM clock_timestamp() - max(state_change))
    FROM pg_stat_activity
    WHERE starts_with(application_name, %(prefix)s)
        AND client_addr IS NOT DISTINCT FROM inet_client_addr()
    GROUP BY application_name ORDER BY 2 DESC
"""
_STOPPED = ("T", "t")


def main(arguments: list[str]) -> int:
    """Say what is wrong, if anything; the exit code."""
    allowed = float(arguments[0]) if arguments else SILENCE_SECONDS
    try:
        fault = _fault(allowed)
    except (HpsearchError, psycopg.Error, redis.RedisError) as error:
        fault = f"{type(error).__name__}: {error}"
    if fault:
        print(fault, file=sys.stderr)  # noqa: T201  # `docker inspect` shows it
    return int(fault is not None)


def _fault(allowed: float) -> str | None:
    process = os.environ.get(PROCESS)
    if not process:
        raise Misconfigured(f"{PROCESS} must name the process, here and where it is started")
    stopped = _stopped(process)
    if stopped is not None:
        return f"{process} (pid {stopped}) is stopped by a signal"
    settings = load()
    once = Retry(NoBackoff(), 0)  # the engine asks again by itself
    with redis.Redis.from_url(settings.broker, socket_timeout=5, retry=once) as broker:
        broker.ping()
    url = prepare_threshold(database_url(settings.database))[0]
    # Not as one string: SQLAlchemy leaves spaces in it, which libpq refuses.
    names = url.translate_connect_args(username="user", database="dbname")
    own: dict[str, Any] = {**url.query, "connect_timeout": 5, "application_name": "check"}
    with psycopg.connect(**names, **own) as connection:
        if behind_a_pooler(connection):
            return None  # whose connections have names and addresses of its own
        prefix = prefix_of(process)
        asked = {"prefix": prefix, "start": len(prefix) + 1}
        spoke = connection.execute(_LAST_SPOKE, asked).fetchall()
    if not spoke:
        return f"{process} has no connection to the database"
    pid, silent = spoke[0]  # the one that has been silent longest
    if silent > allowed:
        return f"{process} (pid {pid}) has been silent for {silent:.0f} s"
    return None


def _stopped(process: str) -> str | None:
    """The pid of a process of this name that a signal has stopped, where the system tells."""
    mark = f"\0{PROCESS}={process}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = b"\0" + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        except (OSError, IndexError):  # somebody else's, or gone by now
            continue
        if mark in environment and state in _STOPPED:
            return folder.name
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
