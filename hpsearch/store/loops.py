"""The loops that are alive."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from hpsearch.records import LoopRecord
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import loop


class Loops(Queries):
    """Heartbeats of loops, one row for each."""

    def beat(self, loop_id: str, *, host: str, pid: int) -> None:
        """Note that a loop lives."""
        times = {"started_at": now(), "seen_at": now()}
        if not self.insert_once(loop, {"id": loop_id, "host": host, "pid": pid, **times}):
            self.connection.execute(loop.update().where(loop.c.id == loop_id).values(seen_at=now()))

    def remove(self, loop_id: str) -> None:
        """Forget a loop that stopped."""
        self.connection.execute(loop.delete().where(loop.c.id == loop_id))

    def remove_silent(self, *, older_than: float) -> None:
        """Forget loops that have been silent for so many seconds."""
        self.connection.execute(loop.delete().where(loop.c.seen_at < now() - older_than))

    def all_heard(self) -> Sequence[LoopRecord]:
        """Every loop that has a row, the one that was heard last first."""
        query = sa.select(*columns(LoopRecord, loop), now() - loop.c.seen_at)
        return self.all(LoopRecord, query.order_by(loop.c.seen_at.desc(), loop.c.id))
