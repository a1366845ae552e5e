"""The use cases, grouped by who asks for them; each is a short transaction."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.data import DatasetStore
from hpsearch.errors import Unavailable
from hpsearch.service.audit import AuditTrail
from hpsearch.service.datasets import Datasets
from hpsearch.service.external import External
from hpsearch.service.figures import FigureQueries
from hpsearch.service.jobs import JobService
from hpsearch.service.keys import ApiKeys, Principal
from hpsearch.service.metrics import Metrics
from hpsearch.service.owners import Owners
from hpsearch.service.searches import Searches
from hpsearch.settings import Settings
from hpsearch.store import SCHEMA, Store
from hpsearch.store.acting import SERVICE, act_as, acting, actor, command_line

__all__ = ["SERVICE", "Principal", "Services", "act_as", "acting", "actor", "command_line"]


@dataclass(frozen=True)
class Services:
    """Everything a process may ask for; made by `hpsearch.wiring`."""

    settings: Settings
    store: Store
    files: DatasetStore
    searches: Searches
    figures: FigureQueries
    datasets: Datasets
    keys: ApiKeys
    jobs: JobService
    external: External
    audit: AuditTrail
    owners: Owners
    metrics: Metrics

    def ready(self, *, writing: bool = False) -> dict[str, str]:
        """Each part the service needs and "ok", or what is wrong with it.

        With `writing` the database has to take a write as well: one without room on its disk
        still answers.
        """
        try:
            revision = self.store.revision()
            if writing and revision == SCHEMA:
                self.store.probe()
        except Unavailable as error:
            return {"database": str(error), "migrations": "unknown"}
        if revision is None:
            return {
                "database": "ok",
                "migrations": "none applied; run: python -m migrations upgrade",
            }
        if revision != SCHEMA:
            newer = revision > SCHEMA
            way = "install the newer one" if newer else "run: python -m migrations upgrade"
            return {
                "database": "ok",
                "migrations": f"at {revision}, this version needs {SCHEMA}; {way}",
            }
        return {"database": "ok", "migrations": "ok"}

    def require_schema(self) -> None:
        """Nothing, where the database answers and has the schema of this build.

        Raises
        ------
        Unavailable
            It has none or another one, or it does not answer.
        """
        wrong = [f"{part}: {what}" for part, what in self.ready().items() if what != "ok"]
        if wrong:
            raise Unavailable("; ".join(wrong))
