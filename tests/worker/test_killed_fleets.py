"""A search with conditions, needs and a baseline on fleets that lose workers in mid-round: one digest.

The search is edited before it begins, so what an edit forbids is in the digest too.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.alone import alone
from support.bench import OWNER
from support.checker import check
from support.constrained import is_right, submit
from support.processes import Process
from support.waiting import until

from hpsearch.service import Services, replay
from hpsearch.settings import load
from hpsearch.trials import SearchState
from hpsearch.wiring import build

# (workers, trials of a job, kills, database). All of them take minutes: `make fleets` asks for it.
FLEETS = [(2, 2, 1, "postgresql")]
if os.environ.get("FLEETS") == "all":
    FLEETS = [
        (workers, size, kills, database)
        for database in ("sqlite", "postgresql")
        for workers, size, kills in ((1, 32, 0), (1, 2, 2), (2, 3, 2), (4, 1, 4))
    ]
LONG = {"epochs": {"first": 20, "last": 40}}  # a job takes long enough to be hit


@pytest.fixture(scope="module")
def expected(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, data_folder: Path
) -> str:
    """The digest of the search, trained in this process without any worker."""
    home = tmp_path_factory.mktemp("alone")
    shutil.copyfile(migrated_sqlite, home / "hpsearch.db")
    settings = load(home=home, data_url=str(data_folder), sqlite_synchronous="NORMAL")
    with build(settings) as services:
        search = submit(services, **LONG)
        digest = alone(services, search)
        trials = services.searches.trials(search, owner=OWNER, limit=200).items
    assert all(is_right(trial.params) for trial in trials)
    assert len({frozenset(trial.params) for trial in trials}) > 1
    assert digest is not None
    return digest


def _hit(services: Services, search: str, fleet: Sequence[Process], rounds: int) -> bool:
    """Freeze all workers while one of them has a job, once so many rounds are over."""

    def running() -> int:
        status = services.searches.status(search, owner=OWNER)
        assert status.finished_at is None, "it ended before it was hit"
        return status.trials.running if status.rounds.completed >= rounds else 0

    if not running():
        return False
    for worker in fleet:
        worker.signal(signal.SIGSTOP)
    if running():
        return True
    for worker in fleet:  # the job was done in the meantime
        worker.signal(signal.SIGCONT)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "job_size", "kills", "database_url"), FLEETS, indirect=["database_url"]
)
def test_workers_that_are_killed_change_nothing(
    configured: Callable[..., Any], database_url: str, broker: Any, start: Callable[..., Any],
    expected: str, workers: int, job_size: int, kills: int,
) -> None:  # fmt: skip
    settings = configured(database_url=database_url, redis_url=broker.url, job_size=job_size)
    with build(settings) as services:
        search = submit(services, **LONG)
        start(settings, "worker", "loop")
        fleet = [start(settings, "worker", "run", "--concurrency", "1") for _ in range(workers)]
        for number in range(kills):
            hit = partial(_hit, services, search, fleet, number % 3)
            until(hit, seconds=90, what="a running job")
            for worker in fleet:
                worker.kill()
            fleet = [start(settings, "worker", "run", "--concurrency", "1") for _ in range(workers)]

        def ended() -> Any:
            status = services.searches.status(search, owner=OWNER)
            return status if status.finished_at is not None else None

        status = until(ended, seconds=240, what="the end of the search")
        assert status.state is SearchState.COMPLETED, status.reason
        assert services.searches.result(search, owner=OWNER).digest == expected
        lost = sum(event.kind == "lost" for event in services.store.events(search))
        assert bool(lost) == bool(kills), "the kills must have hit running jobs"
        again = replay.decisions if kills == 1 else replay.again
        assert again(services, search).differences == []
    assert check(database_url, expected_digests={search: expected}).violations == []
