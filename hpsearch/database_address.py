"""The database's address: what of it can be used, and whether a pooler stands there.

It lies outside of `store` for the health check of a container, which needs nothing else and runs
every few seconds.
"""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from hpsearch.errors import Misconfigured

FORMS = "use postgresql+psycopg://USER@HOST:5432/NAME or sqlite:////PATH"
DRIVERS = {"postgresql": ("psycopg",), "sqlite": ("pysqlite",)}
NAME_BYTES = 48  # the server cuts the whole, with the pid, to 63
PROCESS = "PGAPPNAME"  # libpq's own variable
PREPARE = "prepare_threshold"  # psycopg's, which takes it from no address


def database_url(text: str) -> sa.URL:
    """The address of a database that this program can talk to.

    Raises
    ------
    Misconfigured
        It is malformed, or names a database, a driver or a file that cannot be used.
    """
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        fault = "the port is no number" if isinstance(error, ValueError) else "it is no URL"
        raise Misconfigured(f"DATABASE_URL: {fault}; {FORMS}") from error
    kind, _, driver = url.drivername.partition("+")
    if kind not in DRIVERS:
        raise Misconfigured(f"DATABASE_URL: {kind!r} is not supported; {FORMS}")
    if driver and driver not in DRIVERS[kind]:
        raise Misconfigured(
            f"DATABASE_URL: the driver {driver!r} is not supported; "
            f"write {kind}+{DRIVERS[kind][0]}:// in place of {url.drivername}://"
        )
    if kind == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise Misconfigured(
                f"DATABASE_URL: it names no file, and processes share no memory; {FORMS}"
            )
        return url
    return url.set(drivername="postgresql+psycopg")


def connection_options(url: sa.URL) -> None:
    """Refuse options of a PostgreSQL address that its client library does not know.

    Raises
    ------
    Misconfigured
        With the library's own words.
    """
    import psycopg

    try:
        psycopg.conninfo.make_conninfo(**dict.fromkeys(url.query, ""))
    except psycopg.Error as error:
        raise Misconfigured(f"DATABASE_URL: {str(error).strip()}") from error
    seconds = url.query.get("connect_timeout", "0")
    if not isinstance(seconds, str) or not seconds.isdecimal():
        raise Misconfigured(f"DATABASE_URL: connect_timeout={seconds!r} is no number of seconds")


def prepare_threshold(url: sa.URL) -> tuple[sa.URL, int | None, bool]:
    """The address without `prepare_threshold`, its number (None: never), whether it had one.

    0 means never, as poolers' guides have it; psycopg's own 0 would prepare every statement.

    Raises
    ------
    Misconfigured
        It is no number.
    """
    if PREPARE not in url.query:
        return url, None, False
    said = url.query[PREPARE]
    rest = url.difference_update_query([PREPARE])
    if said in ("0", "None", "none"):
        return rest, None, True
    if not isinstance(said, str) or not said.isdecimal():
        raise Misconfigured(
            f"DATABASE_URL: {PREPARE}={said!r} is no number; 0 prepares no statements"
        )
    return rest, int(said), True


def prefix_of(name: str) -> str:
    """Begin the names of all connections that processes of the name NAME have."""
    return name.encode()[:NAME_BYTES].decode(errors="ignore") + "/"


def name_process(connection: Any, name: str) -> None:
    """Let the server show which process has this connection: NAME/PID. `deploy/check.py` looks for it."""
    from psycopg.pq import Escaping

    whole = f"{prefix_of(name)}{os.getpid()}".encode()
    literal = Escaping(connection.pgconn).escape_literal(whole)
    connection.pgconn.exec_(b"SET application_name = " + literal)


def behind_a_pooler(connection: Any) -> bool:
    """True where the process that answers is not the one that let us in.

    A pooler lends each transaction another connection of its own, on which another client may
    have prepared another statement under the same name.
    """
    answer = connection.pgconn.exec_(b"SELECT pg_backend_pid()")
    return bool(answer.get_value(0, 0) != b"%d" % connection.pgconn.backend_pid)
