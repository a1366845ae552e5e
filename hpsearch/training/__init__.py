"""The training of a job: its cohorts in lockstep, in stacks, and trial by trial where a stack fails."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Sequence

from hpsearch import nn
from hpsearch.data import DatasetStore
from hpsearch.training.data_splits import DataSplit, DataSplits
from hpsearch.training.numerics import fingerprint, fitted_with
from hpsearch.training.reports import STATES, report
from hpsearch.training.successive_halving import SuccessiveHalving
from hpsearch.training.task import Stopped, Task
from hpsearch.trials import JobOrder, JobReport, TrialReport

__all__ = ["STATES", "Stopped", "Task", "Trainer", "peak_rss", "report"]

_TOGETHER_BYTES = 256e6  # that networks which train side by side may hold between two rungs, about


class Trainer:
    """Trains jobs of any search in this process."""

    def __init__(self, files: DatasetStore, *, stack_size: int = 0) -> None:
        self.files = files
        self.splits = DataSplits(files)
        self.stack_size = stack_size

    def run(self, order: JobOrder, *, stopped: Stopped = lambda: False) -> JobReport:
        """Train every trial of a job, each cohort halved at the rungs, and report every one.

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
        splits = self.splits.of(task.resolved, task.info)
        reports: list[TrialReport] = []
        for cohorts in _together(task, splits):
            halving = SuccessiveHalving(
                task, splits, cohorts, stack_size=self.stack_size, stopped=stopped
            )
            reports += halving.run()
        return JobReport(
            trials=reports,
            fingerprint={**fingerprint(), **fitted_with(order.spec, order.dataset)},
            seconds=time.monotonic() - started,
            peak_rss_bytes=peak_rss(),
        )


def _together(task: Task, splits: Sequence[DataSplit]) -> Iterator[Sequence[Sequence[int]]]:
    """Cohorts that train side by side: as many as fit the memory, one at least.

    More of them make larger stacks; which ones are together never changes a result.
    """
    predictions = 8 * sum(len(split.validation) for split in splits)
    together: list[Sequence[int]] = []
    total = 0.0
    for cohort in task.cohorts:
        size = sum(len(splits) * nn.resident_bytes(task.shape(p)) + predictions for p in cohort)
        if together and total + size > _TOGETHER_BYTES:
            yield together
            together, total = [], 0.0
        together.append(cohort)
        total += size
    yield together


def peak_rss() -> int:
    """The most memory this process has had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
