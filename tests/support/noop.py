"""`python -m support.noop run|loop ...`: the worker's processes with training left out.

The formula of `support.bench` stands in for the engine, so that what is left is the service:
queue, broker, transactions, decisions. Production code knows nothing of it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from hpsearch.data import DatasetStore
from hpsearch.trials import JobOrder, JobReport
from support.bench import formula
from worker import __main__ as command
from worker import tasks

SECONDS = float(os.environ.get("NOOP_SECONDS", "0"))  # that each job takes, without work


class Trainer:
    """Has the interface of `hpsearch.training.Trainer` and trains nothing."""

    def __init__(self, files: DatasetStore, *, stack_size: int = 0) -> None:
        self.files = files

    def run(self, order: JobOrder, *, stopped: Callable[[], bool]) -> JobReport:
        """What the formula says, after as long as SECONDS asks for."""
        time.sleep(SECONDS)
        return formula(order)


def final(
    trainer: Trainer, order: JobOrder, *, open_test: Callable[[], bool], stopped: Callable[[], bool]
) -> JobReport:
    """Open the sealed part as a real final test does, and answer by formula."""
    assert open_test()
    return formula(order)


def main() -> int:
    """The worker's own command line, without training."""
    setattr(tasks, "Trainer", Trainer)  # noqa: B010  # mypy would have a class replaced by none
    setattr(tasks, "run_final", final)  # noqa: B010
    return command.main()


if __name__ == "__main__":
    sys.exit(main())
