"""`python -m benchmarks.service.bare WORKERS`: our Celery application with an empty task."""

from __future__ import annotations

import sys

from hpsearch.settings import load
from worker.app import JOBS, make


def nothing(_job_id: int, _attempt: int) -> None:
    """Celery alone, without the service."""


def main() -> None:
    """Work until killed."""
    app = make(load())
    app.task(name="bare", ignore_result=True)(nothing)
    app.worker_main(
        ["worker", "--pool=prefork", f"--concurrency={sys.argv[1]}", f"--queues={JOBS}",
         "--loglevel=warning", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    )  # fmt: skip


if __name__ == "__main__":
    main()
