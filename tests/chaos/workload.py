"""Small searches without end: as one ends, the next begins, while the plan is carried out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support.alone import alone
from support.bench import OWNER

from hpsearch.errors import Unavailable
from hpsearch.service import Services
from hpsearch.settings import load
from hpsearch.wiring import build
from migrations.schema import Database

BASE: Mapping[str, Any] = {
    "dataset": "iris",
    "model": {"hidden_sizes": [8], "batch_size": 16},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
    },
    "rounds": 2,
    "trials_per_round": 16,
    "epochs": {"first": 40, "last": 60, "halving": False},
    "final": {"epochs": 20, "models": 3},
}
# What differs between searches is what the loop decides: cohorts, samplers, rules, repeats.
KINDS: tuple[Mapping[str, Any], ...] = (
    {},
    {"epochs": {"first": 40, "last": 60}, "cohort": 4},
    {"sampler": "gp", "narrowing": "quantile", "rounds": 3},
)
JOB_SIZE = 2  # trials in a job: many small jobs, so that faults have something to hit


def specs(seed: int) -> list[dict[str, Any]]:
    """The searches of a run, one of each kind."""
    return [
        {**BASE, **kind, "name": f"chaos {number}", "seed": seed + number}
        for number, kind in enumerate(KINDS)
    ]


def reference(folder: Path, data_url: str, seed: int) -> dict[str, str | None]:
    """The digest of each spec by its name, from a run without a fault or a worker."""
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'hpsearch.db'}")
    database.upgrade()
    database.close()
    settings = load(home=folder, data_url=data_url, sqlite_synchronous="NORMAL", job_size=JOB_SIZE)
    with build(settings) as services:
        found = {
            spec["name"]: alone(services, services.searches.submit(spec, owner=OWNER)[0].id)
            for spec in specs(seed)
        }
    shutil.rmtree(folder)
    return found


class Workload:
    """Keeps `active` searches going until it is told to stop."""

    def __init__(self, services: Services, seed: int, *, active: int) -> None:
        self._services = services
        self._specs = specs(seed)
        self._active = active
        self._numbers = count()
        self.names: dict[str, str] = {}  # of every search that was submitted, by id
        self.open: set[str] = set()
        self.stopping = False

    def keep(self) -> None:
        """See who has ended and submit who comes next; a database that is away is waited for."""
        try:
            self.open &= self._unfinished()
            while not self.stopping and len(self.open) < self._active:
                spec = self._specs[next(self._numbers) % len(self._specs)]
                search_id = self._services.searches.submit(spec, owner=OWNER)[0].id
                self.names[search_id] = spec["name"]
                self.open.add(search_id)
        except Unavailable:
            return

    def _unfinished(self) -> set[str]:
        return {row[0] for row in self.ask("SELECT id FROM search WHERE finished_at IS NULL")}

    def ask(self, question: str, **values: Any) -> list[Any]:
        """Rows of the database, by our own way to it; Unavailable while it is away."""
        engine = self._services.store.engines.read
        try:
            with engine.connect() as connection:
                return list(connection.execute(sa.text(question), values).all())
        except sa.exc.DBAPIError as error:
            raise Unavailable(str(error.orig)) from error
