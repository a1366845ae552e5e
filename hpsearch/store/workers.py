"""The worker processes that are alive."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.store.clock import now
from hpsearch.store.queries import Queries
from hpsearch.store.tables import worker


class Workers(Queries):
    """Registrations of workers, which they renew as long as they live."""

    def register(
        self, worker_id: str, *, host: str, pid: int, fingerprint: Mapping[str, str]
    ) -> None:
        """Note that a worker lives."""
        values = {"host": host, "pid": pid, "fingerprint": dict(fingerprint)}
        times = {"started_at": now(), "seen_at": now()}
        if not self.insert_once(worker, {"id": worker_id, **times, **values}):
            self.connection.execute(
                worker.update().where(worker.c.id == worker_id).values(seen_at=now())
            )

    def remove(self, worker_id: str) -> None:
        """Forget a worker that stopped."""
        self.connection.execute(worker.delete().where(worker.c.id == worker_id))

    def remove_silent(self, *, older_than: float) -> None:
        """Forget workers that have been silent for so many seconds."""
        self.connection.execute(worker.delete().where(worker.c.seen_at < now() - older_than))
