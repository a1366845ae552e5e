"""The composition root: settings in, services out. No engine or client is made at import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.data import DatasetStore
from hpsearch.service import Services
from hpsearch.service.audit import AuditTrail
from hpsearch.service.datasets import Datasets
from hpsearch.service.external import External
from hpsearch.service.figures import FigureQueries
from hpsearch.service.jobs import JobService
from hpsearch.service.keys import ApiKeys
from hpsearch.service.metrics import Metrics
from hpsearch.service.owners import Owners
from hpsearch.service.searches import Searches
from hpsearch.settings import Settings
from hpsearch.store import Store


@contextmanager
def build(settings: Settings, *, limit: float | None = None) -> Iterator[Services]:
    """The services for `settings`, closed on leaving; `limit` as `assemble` has it."""
    services = assemble(settings, limit=limit)
    try:
        yield services
    finally:
        services.store.close()


def assemble(settings: Settings, *, limit: float | None = None) -> Services:
    """The services for `settings`; the caller closes `store`.

    limit
        Seconds that a transaction may take; None: as long as it takes.
    """
    store = Store(
        settings.database,
        synchronous=settings.sqlite_synchronous,
        prepared=settings.prepared_statements,
        limit=limit,
    )
    if store.engines.exists:  # a mistyped HPSEARCH_HOME is none
        settings.make_home()
    files = DatasetStore(settings.datasets_url, settings.cache)
    datasets, jobs = Datasets(store, files, settings), JobService(store, settings)
    return Services(
        settings=settings,
        store=store,
        files=files,
        searches=Searches(store, datasets, settings),
        figures=FigureQueries(store),
        datasets=datasets,
        keys=ApiKeys(store, settings),
        jobs=jobs,
        external=External(store, jobs, settings),
        audit=AuditTrail(store, settings),
        owners=Owners(store),
        metrics=Metrics(store, files, settings),
    )
