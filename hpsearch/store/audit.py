"""The audit. Rows are added, read, and removed by their age; nothing here changes one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from hpsearch.records import Act, Actor, AuditRecord
from hpsearch.store.acting import actor
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import audit

log = logging.getLogger(__name__)

_ROWS = sa.select(*columns(AuditRecord, audit))
_WHO = (audit.c.actor, audit.c.key_id, audit.c.owner, audit.c.os_user, audit.c.address)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row says besides its number and its time."""

    who: Actor
    action: Act
    target: str | None
    detail: Mapping[str, Any]
    times: int = 1

    def values(self) -> dict[str, Any]:
        """The columns of the row."""
        who = asdict(self.who)
        return {
            "actor": who.pop("kind").value,
            **who,
            "action": self.action.value,
            "target": None if self.target is None else self.target[:200],
            "detail": dict(self.detail),
            "times": self.times,
        }

    def say(self) -> None:
        """Write it as one line of the log."""
        told = {k: str(v) for k, v in self.values().items() if v is not None and k != "times"}
        told["detail"] = dict(self.detail)  # type: ignore[assignment]  # JSON in the line
        log.info("audit", extra={**told, "times": self.times})


class Audit(Queries):
    """Rows of the audit.

    written
        What this transaction has added, for the log once it is committed.
    """

    def __init__(self, connection: sa.Connection, work: str | None = None) -> None:
        super().__init__(connection, work)
        self.written: list[Entry] = []
        self._added = 0  # acts, which are numbered alike when the work is run again

    def add(
        self,
        action: Act,
        target: str | None = None,
        *,
        who: Actor | None = None,
        times: int = 1,
        once: str | None = None,
        **detail: Any,
    ) -> bool:
        """Add a row to the transaction of the act; False where it is there.

        Parameters
        ----------
        who
            The actor; without it the one of this thread.
        once
            A name under which there is one row at the most; without it one in this piece of work,
            which may be run again.
        """
        entry = Entry(who or actor(), action, target, detail, times)
        act = once or f"{self.work}-{self._added}"
        self._added += 1
        fresh = self.insert_once(audit, {**entry.values(), "at": now(), "act": act})
        if fresh or once is None:
            self.written.append(entry)
        return fresh

    def has(self, once: str) -> bool:
        """True where the row of that name is there."""
        return self.exists(sa.select(audit.c.id).where(audit.c.act == once))

    def page(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        who: str | None = None,
        target: str | None = None,
        action: str | None = None,
        limit: int,
        before: int | None = None,
    ) -> Sequence[AuditRecord]:
        """Rows, the newest first.

        since, until
            Added at this time or later, and before that one.
        who
            Of an actor's kind, key, owner, user or address.
        before
            Added before the row of this number.
        """
        query = _ROWS
        if since is not None:
            query = query.where(audit.c.at >= since)
        if until is not None:
            query = query.where(audit.c.at < until)
        if who is not None:
            query = query.where(sa.or_(*(sa.type_coerce(c, sa.Text) == who for c in _WHO)))
        if target is not None:
            query = query.where(audit.c.target == target)
        if action is not None:
            query = query.where(sa.type_coerce(audit.c.action, sa.Text) == action)
        if before is not None:
            query = query.where(audit.c.id < before)
        return self.all(AuditRecord, query.order_by(audit.c.id.desc()).limit(limit))

    def expire(self, *, older_than: float, limit: int) -> int:
        """Remove rows older than so many seconds, the oldest first, and count them."""
        old = (
            sa.select(audit.c.id)
            .where(audit.c.at < now() - older_than)
            .order_by(audit.c.id)
            .limit(limit)
        )
        return self.connection.execute(audit.delete().where(audit.c.id.in_(old))).rowcount
