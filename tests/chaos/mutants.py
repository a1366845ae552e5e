"""Faults of ours that the harness must find: a suite that cannot fail proves nothing."""

from __future__ import annotations

from typing import Any

from hpsearch.store.jobs import Jobs
from hpsearch.store.tables import job

real_finish = Jobs.finish


def unfenced() -> None:
    """`finish` writes by the job's id alone: any attempt, any worker, any state."""

    def finish(self: Jobs, hint: Any, report: Any, *, worker_run: str) -> Any:
        self._ours = lambda *_: [job.c.id == hint.job_id]  # type: ignore[method-assign]
        try:
            return real_finish(self, hint, report, worker_run=worker_run)
        finally:
            del self._ours  # heartbeats keep their fence

    Jobs.finish = finish  # type: ignore[method-assign]


MUTANTS = {"unfenced": unfenced}
