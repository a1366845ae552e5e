"""A database clock that goes on when it is told to.

The store reads the time in SQL. SQLite lets a connection put its own function in the place of
`julianday`; in PostgreSQL a schema before `pg_catalog` on the search path has a
`clock_timestamp` of its own. The code under test is not touched.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hpsearch.store import Engines

UNIX_EPOCH = 2440587.5  # as a Julian day
SEARCH_PATH = "-csearch_path=virtual,pg_catalog,public"


class Clock:
    """Seconds since the epoch, for the database and for whoever calls it."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._table: sa.Engine | None = None

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        if self._table is not None:
            with self._table.begin() as connection:
                connection.exec_driver_sql(f"UPDATE virtual.clock SET now = {self.now!r}")

    def rule(self, engines: Engines) -> None:
        """Take the place of these engines' clock, before their first connection."""
        if not engines.sqlite:
            self.close()
            self._table = sa.create_engine(engines.url)
            self.forward(0.0)
            return
        for engine in (engines.write, engines.async_commit, engines.read):
            sa.event.listen(engine, "connect", self._sqlite)

    def close(self) -> None:
        """Let go of the database."""
        if self._table is not None:
            self._table.dispose()

    def _sqlite(self, connection: Any, _record: Any) -> None:
        connection.create_function("julianday", 1, lambda _: self.now / 86400.0 + UNIX_EPOCH)


def install(url: str) -> str:
    """Prepare a PostgreSQL database for such a clock; the URL by which it is used."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA virtual",
            "CREATE TABLE virtual.clock (now double precision)",
            "INSERT INTO virtual.clock VALUES (0)",
            """CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
            AS 'SELECT pg_catalog.to_timestamp(now) FROM virtual.clock'""",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return ruled(url)


def ruled(url: str) -> str:
    """A prepared database's URL with the search path that puts the clock in its place."""
    made = sa.make_url(url).update_query_dict({"options": SEARCH_PATH})
    return made.render_as_string(hide_password=False)
