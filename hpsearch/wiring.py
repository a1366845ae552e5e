"""The composition root: settings in, services out. No engine or client is made at import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.data import DatasetStore
from hpsearch.service import Services
from hpsearch.service.datasets import Datasets
from hpsearch.service.external import External
from hpsearch.service.gallery import Gallery
from hpsearch.service.keys import KeyRing
from hpsearch.service.operations import Operations
from hpsearch.service.searches import Searches
from hpsearch.service.work import Work
from hpsearch.settings import Settings
from hpsearch.store import Store


@contextmanager
def build(settings: Settings) -> Iterator[Services]:
    """The services for `settings`, closed on leaving."""
    services = assemble(settings)
    try:
        yield services
    finally:
        services.store.close()


def assemble(settings: Settings) -> Services:
    """The services for `settings`; the caller closes `store`."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(settings.database, synchronous=settings.sqlite_synchronous)
    files = DatasetStore(settings.datasets_url, settings.cache)
    datasets, work = Datasets(store, files, settings), Work(store, settings)
    return Services(
        settings=settings,
        store=store,
        files=files,
        searches=Searches(store, datasets, settings),
        gallery=Gallery(store),
        datasets=datasets,
        keys=KeyRing(store),
        work=work,
        external=External(store, work, settings),
        operations=Operations(store, files, settings),
    )
