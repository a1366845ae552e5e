"""The embedded service's data folder in mid-run, without processes behind it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hpsearch.service import Services
from hpsearch.settings import load
from hpsearch.training import Trainer
from hpsearch.wiring import build
from support.bench import OWNER, Bench

SPEC: dict[str, Any] = {
    "dataset": "iris", "rounds": 2, "trials_per_round": 8, "epochs": {"first": 2, "last": 2},
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}},
}  # fmt: skip


def opened(folder: Path) -> AbstractContextManager[Services]:
    """The services on a data folder."""
    settings = load(
        home=folder, data_url=None, job_size=2, republish_seconds=0.01, sqlite_synchronous="NORMAL",
        lease_seconds=3.0, retry_seconds=0.1,
    )  # fmt: skip
    return build(settings)


def data_folder(folder: Path, migrated: Path, with_builtin: Callable[[Path], Path]) -> Path:
    """A data folder with a key, an empty database, and two datasets that it does not know yet."""
    folder.mkdir()
    (folder / "hpsearch.db").write_bytes(migrated.read_bytes())
    (folder / "api.key").write_text("k" * 43)
    (folder / "api.key").chmod(0o600)
    with_builtin(folder / "data")
    return folder


def half_done(services: Services) -> str:
    """Submit, and train one job of the first round; the search."""
    bench = Bench(services)
    search_id = services.searches.submit(SPEC, owner=OWNER)[0].id
    bench.work.advance_due()
    first, *others = bench.work.hints()
    assert others
    report = Trainer(services.files).run(bench.claim(first))
    bench.work.finish(first, report, worker_run="worker")
    return search_id
