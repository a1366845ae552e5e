"""Whether the process of this container is at work: the healthcheck of loops and workers.

It logs in to the database and the broker as the process itself does, and then asks PostgreSQL
when the process last spoke: the loop does at every turn, a worker at every heartbeat. A process
that hangs falls silent, however well the servers are. Its connections are known by the name that
PGAPPNAME gives them and by the address of the container. Behind a pooler nobody can know them: there
it only logs in.

    python -P check.py [SECONDS]        exit code 0: it spoke within SECONDS (60)
"""

from __future__ import annotations

import os
import sys
from typing import Any

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hpsearch.database_address import behind_a_pooler, database_url, prepare_threshold
from hpsearch.errors import HpsearchError, Misconfigured
from hpsearch.settings import load

SILENCE_SECONDS = 60.0
_LAST_SPOKE = """
    SELECT extract(epoch FROM clock_timestamp() - max(state_change))
    FROM pg_stat_activity
    WHERE application_name = %s AND client_addr IS NOT DISTINCT FROM inet_client_addr()
"""


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
    process = os.environ.get("PGAPPNAME")
    if not process:
        raise Misconfigured("PGAPPNAME must name the process, here and where it is started")
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
        row = connection.execute(_LAST_SPOKE, [process]).fetchone()
    silent = row[0] if row else None
    if silent is None:
        return f"{process} has no connection to the database"
    if silent > allowed:
        return f"{process} has been silent for {silent:.0f} s"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
