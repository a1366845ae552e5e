"""Tables of every kind on real fleets: one digest however many workers, cuts and databases there are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.alone import alone
from support.bench import OWNER
from support.kinds_of_tables import KINDS, put, submit
from support.waiting import until

from hpsearch.service import Services, replay
from hpsearch.settings import load
from hpsearch.trials import SearchState
from hpsearch.wiring import build

# (workers, trials of a job, database). All of them take a minute: `make fleets` asks for it.
FLEETS = [(1, 32, "sqlite"), (4, 1, "postgresql")]
if os.environ.get("FLEETS") == "all":
    FLEETS += [(1, 32, "postgresql"), (2, 3, "sqlite"), (2, 3, "postgresql"), (4, 1, "sqlite")]


@pytest.fixture(scope="session")
def one_by_one(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Mapping[str, str]:
    """The digest of each search, trained in this process without any worker."""
    home = tmp_path_factory.mktemp("alone")
    shutil.copyfile(migrated_sqlite, home / "hpsearch.db")
    with build(load(home=home, sqlite_synchronous="NORMAL")) as built:
        services = put(built, home)
        digests = {name: alone(services, submit(services, name)) for name in KINDS}
    assert None not in digests.values()
    assert len(set(digests.values())) == len(KINDS)
    return digests  # type: ignore[return-value]


def digest(services: Services, search: str) -> str | None:
    def ended() -> Any:
        status = services.searches.status(search, owner=OWNER)
        return status if status.finished_at is not None else None

    status = until(ended, seconds=90, what="the end of the search")
    assert status.state is SearchState.COMPLETED, status.reason
    return services.searches.result(search, owner=OWNER).digest


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "job_size", "database_url"), FLEETS, indirect=["database_url"])
def test_tables_of_every_kind_have_one_digest(
    configured: Callable[..., Any], database_url: str, broker: Any, start: Callable[..., Any],
    one_by_one: Mapping[str, str], tmp_path: Path, workers: int, job_size: int,
) -> None:  # fmt: skip
    settings = configured(
        database_url=database_url, redis_url=broker.url, data_url=str(tmp_path / "data"),
        job_size=job_size,
    )  # fmt: skip
    start(settings, "worker", "loop")
    for _ in range(workers):
        start(settings, "worker", "run", "--concurrency", "1")
    with build(settings) as built:
        services = put(built, tmp_path)
        searches = {name: submit(services, name) for name in KINDS}
        assert {name: digest(services, one) for name, one in searches.items()} == one_by_one
        if workers == 4:
            for one in searches.values():
                assert replay.again(services, one).differences == []
