"""Which running jobs are lost, told by silence and not by the time of day.

A machine that sleeps, a virtual one that is paused, or a clock that is set would make every
lease run out at once, or none for an hour. So the reaper looks at how often each job has sent
a heartbeat, and measures the silence since then by its own monotonic clock. The lease in the
database only shortens the wait: it tells a reaper that has just started what happened before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hpsearch.store import Row


@dataclass(slots=True)
class _Seen:
    attempt: int
    heartbeats: int
    since: float  # when this attempt was seen first
    heard: float  # when its heartbeats were seen to move


class Watch:
    """What one reaper has seen of the running jobs.

    Parameters
    ----------
    lease
        Seconds of silence after which a job is lost.
    heartbeat
        Seconds between two heartbeats. Twice that is enough where the database's clock, too,
        says that the lease has run out.
    tick
        Seconds between two looks, at the most, while everything is well.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        *,
        lease: float,
        heartbeat: float,
        tick: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._confirmed = min(lease, 2 * heartbeat)
        self._step = heartbeat + tick
        self._clock = clock
        self._looked = clock()
        self._now = 0.0
        self._seen: dict[int, _Seen] = {}

    def lost(self, rows: Sequence[Row]) -> Iterator[tuple[Row, str, int | None]]:
        """Of all `rows` that run: each lost job, why, and its heartbeats where it is silent.

        Time in which nobody looked does not count, or after a pause of the whole machine the
        reaper would take every job before its worker has had the chance to speak.
        """
        clock = self._clock()
        self._now += min(clock - self._looked, self._step)
        self._looked = clock
        self._seen = {row.id: self._look(row) for row in rows}  # and those that ended are gone
        for row in rows:
            seen = self._seen[row.id]
            silence = self._now - seen.heard
            if self._now - seen.since > row.deadline_seconds:
                yield row, f"worker {row.worker_run} ran past the job's deadline", None
            elif silence > self._patience(row):
                reason = f"worker {row.worker_run} stopped sending heartbeats"
                yield row, reason, row.heartbeats

    def _patience(self, row: Row) -> float:
        """Seconds of silence after which a job is lost.

        Trainers elsewhere choose their lease, and how often they speak in it: nothing shortens it.
        """
        if row.lease_seconds is not None:
            return float(row.lease_seconds)
        return self._confirmed if row.expired else self._lease

    def _look(self, row: Row) -> _Seen:
        seen = self._seen.get(row.id)
        if seen is None or seen.attempt != row.attempt:
            return _Seen(row.attempt, row.heartbeats, self._now, self._now)
        if seen.heartbeats != row.heartbeats:
            seen.heartbeats, seen.heard = row.heartbeats, self._now
        return seen
