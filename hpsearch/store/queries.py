"""The base of every group of queries: a connection, and the history that each change is noted in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from hpsearch.store.dialect import DIALECTS
from hpsearch.store.statements import RECORD
from hpsearch.store.tables import event, job
from hpsearch.trials import Hint

R = TypeVar("R", bound=NamedTuple)


def columns(record: type[NamedTuple], table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of `table` that a record has fields for, in the order of its fields."""
    return [table.c[name] for name in record._fields if name in table.c]


class Queries:
    """A group of queries of an open transaction.

    `work` names the piece of work, and stays the same when its transaction is run again.
    """

    def __init__(self, connection: sa.Connection, work: str | None = None) -> None:
        self.connection = connection
        self.dialect = DIALECTS[connection.dialect.name]
        self.work = work

    def all(self, record: type[R], query: sa.Select[Any], **parameters: Any) -> list[R]:
        """The rows of a query as records; its columns are the record's fields in their order."""
        return [record(*row) for row in self.connection.execute(query, parameters)]

    def one(self, record: type[R], query: sa.Select[Any], **parameters: Any) -> R | None:
        """The single row of a query as a record; None where there is none."""
        row = self.connection.execute(query, parameters).one_or_none()
        return None if row is None else record(*row)

    def exists(self, query: sa.Select[Any]) -> bool:
        """True where a query has a row."""
        return self.connection.execute(query.limit(1)).first() is not None

    def insert_once(self, table: sa.Table, values: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken; True where the row is new."""
        statement = self.dialect.insert_once(table, values)
        return self.connection.execute(statement).first() is not None

    def changed(self, statement: sa.Executable) -> bool:
        """Execute a conditional write; True where it met its row."""
        return bool(self.connection.execute(statement).rowcount)

    def repeated(self, search_id: str) -> bool:
        """True where this very piece of work has changed the search: its COMMIT was not answered."""
        if self.work is None:
            return False
        return self.exists(
            sa.select(event.c.id).where(
                event.c.search_id == search_id,
                event.c.detail["work"].as_string() == self.work,
            )
        )

    def record(
        self,
        kind: str,
        *,
        search_id: str | None = None,
        job_id: int | None = None,
        attempt: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Append to the event history, in the transaction of the change itself."""
        self.connection.execute(
            RECORD,
            {
                "a_kind": kind,
                "a_search": search_id,
                "a_job": job_id,
                "an_attempt": attempt,
                "a_detail": None if detail is None else dict(detail),
            },
        )

    def record_job(self, kind: str, hint: Hint, detail: Mapping[str, Any]) -> None:
        """Append what happened to one attempt of a job."""
        search_id = sa.select(job.c.search_id).where(job.c.id == hint.job_id)
        self.record(
            kind,
            search_id=self.connection.execute(search_id).scalar(),
            job_id=hint.job_id,
            attempt=hint.attempt,
            detail=detail,
        )
