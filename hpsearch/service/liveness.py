"""Lost jobs, noticed by missed heartbeats and not by the time of day.

A machine that sleeps, a virtual one that is paused, or a clock that is set would make every
lease run out at once, or none for an hour. So the reaper looks at how often each job has sent
a heartbeat, and measures the silence since then by its own monotonic clock. The lease in the
database only shortens the wait: it tells a reaper that has just started what happened before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hpsearch.records import RunningJob


@dataclass(slots=True)
class _Signs:
    attempt: int
    heartbeats: int
    since: float  # first look at this attempt
    heard: float  # last look at which its heartbeats had moved


class LivenessMonitor:
    """Memory of one reaper: the heartbeats that it has seen of the running jobs.

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
        self._signs: dict[int, _Signs] = {}

    def lost(self, jobs: Sequence[RunningJob]) -> Iterator[tuple[RunningJob, str, int | None]]:
        """Each lost one of all running jobs, the reason, and its heartbeats where they stopped.

        Time in which nobody looked does not count, or after a pause of the whole machine the
        reaper would take every job before its worker has had the chance to speak.
        """
        clock = self._clock()
        self._now += min(clock - self._looked, self._step)
        self._looked = clock
        self._signs = {job.id: self._look(job) for job in jobs}  # those that ended fall out
        for job in jobs:
            signs = self._signs[job.id]
            silence = self._now - signs.heard
            if self._now - signs.since > job.deadline_seconds:
                yield job, f"worker {job.worker_run} ran past the job's deadline", None
            elif silence > self._patience(job):
                reason = f"worker {job.worker_run} stopped sending heartbeats"
                yield job, reason, job.heartbeats

    def _patience(self, job: RunningJob) -> float:
        """Seconds of silence after which a job is lost.

        Trainers elsewhere choose their lease, and how often they speak in it: nothing shortens it.
        """
        if job.lease_seconds is not None:
            return job.lease_seconds
        return self._confirmed if job.expired else self._lease

    def _look(self, job: RunningJob) -> _Signs:
        signs = self._signs.get(job.id)
        if signs is None or signs.attempt != job.attempt:
            return _Signs(job.attempt, job.heartbeats, self._now, self._now)
        if signs.heartbeats != job.heartbeats:
            signs.heartbeats, signs.heard = job.heartbeats, self._now
        return signs
