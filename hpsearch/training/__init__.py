"""Running one job: its cohorts in lockstep, in stacks, and trial by trial where a stack fails."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Sequence

from hpsearch import nn
from hpsearch.data import DatasetStore
from hpsearch.training.fingerprint import fingerprint
from hpsearch.training.parts import Parts, PartsCache
from hpsearch.training.race import Race
from hpsearch.training.reports import STATES, report
from hpsearch.training.task import Stopped, Task
from hpsearch.trials import JobOrder, JobReport, TrialReport

__all__ = ["STATES", "Stopped", "Task", "Trainer", "peak_rss", "report"]

_TOGETHER_BYTES = 256e6  # that the networks of a race may hold between two rungs, about


class Trainer:
    """Trains jobs of any search in this process."""

    def __init__(self, files: DatasetStore, *, stack_size: int = 0) -> None:
        self.files = files
        self.cache = PartsCache(files)
        self.stack_size = stack_size

    def run(self, order: JobOrder, *, stopped: Stopped = lambda: False) -> JobReport:
        """Train every trial of a job, each cohort halved at the rungs, and say what came of it.

        A stack that raises is trained again trial by trial; then only the culprit fails.

        Raises
        ------
        Fenced
            `stopped` said so.
        SystemFault
            The dataset cannot be read; another attempt may succeed.
        """
        started = time.monotonic()
        task = Task.of(order)
        parts = self.cache.parts(task.resolved, task.info)
        reports: list[TrialReport] = []
        for cohorts in _together(task, parts):
            race = Race(task, parts, cohorts, stack_size=self.stack_size, stopped=stopped)
            reports += race.run()
        return JobReport(
            trials=reports,
            fingerprint=fingerprint(),
            seconds=time.monotonic() - started,
            peak_rss_bytes=peak_rss(),
        )


def _together(task: Task, parts: Sequence[Parts]) -> Iterator[Sequence[Sequence[int]]]:
    """Cohorts that train side by side: as many as fit the memory, one at least.

    More of them make larger stacks; which ones are together never changes a result.
    """
    answers = 8 * sum(len(part.validation) for part in parts)
    together: list[Sequence[int]] = []
    held = 0.0
    for cohort in task.cohorts:
        size = sum(len(parts) * nn.resident_bytes(task.shape(p)) + answers for p in cohort)
        if together and held + size > _TOGETHER_BYTES:
            yield together
            together, held = [], 0.0
        together.append(cohort)
        held += size
    yield together


def peak_rss() -> int:
    """The most memory this process has had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
