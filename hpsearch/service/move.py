"""The embedded service moves to PostgreSQL: every row, and the datasets where they shall lie elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hpsearch.data import DatasetInfo
from hpsearch.errors import Conflict, InvalidRequest
from hpsearch.plural import counted
from hpsearch.service import Services
from hpsearch.service.metrics import LOOP_SILENT_SECONDS
from hpsearch.store import SCHEMA
from hpsearch.store.transfer import Copied, installation_of, occupied, transfer


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved.

    tables
        All of them, each with its rows and the digest that both databases agree on.
    datasets
        Contents that lie at the new place, checked.
    """

    tables: Sequence[Copied]
    datasets: int

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


def move(source: Services, target: Services, *, migrate: Callable[[], None]) -> Moved:
    """Copy everything that `source` knows to `target`, whose database is empty; the source stays as it is.

    Whoever calls this holds the data folder, so that no service starts on it. `migrate` brings the
    target's schema up to date.

    Raises
    ------
    InvalidRequest
        The source is not SQLite's, or the target not PostgreSQL's.
    Conflict
        Processes of the source live, or the target holds something: nothing is changed.
    Corrupt, StorageFull, Unavailable
        A dataset or a database fails; the target's database is as it was, or empty and migrated.
    """
    _require_kinds(source, target)
    _require_rest(source)
    _require_room(source, target)
    infos = [
        DatasetInfo.from_json(info) for info in source.store.read(lambda tx: tx.library.infos())
    ]
    for info in infos:
        target.files.take(info, source.files)
    migrate()
    target.require_schema()
    return Moved(transfer(source.store.engines, target.store.engines), len(infos))


def _require_kinds(source: Services, target: Services) -> None:
    if not source.store.engines.sqlite:
        raise InvalidRequest(
            "DATABASE_URL names PostgreSQL already; what moves is the embedded service of a data "
            "folder: unset DATABASE_URL, and set HPSEARCH_HOME to that folder"
        )
    if target.store.engines.sqlite:
        raise InvalidRequest(
            "--to names a file of SQLite; it takes postgresql+psycopg://USER@HOST:5432/NAME "
            "(`hpsearch backup` and `hpsearch restore` copy the embedded service to another folder)"
        )


def _require_rest(source: Services) -> None:
    """Refuse to move what processes still work on: what they do meanwhile would be lost."""
    workers = len(source.metrics.workers())
    loops = sum(loop.silent < LOOP_SILENT_SECONDS for loop in source.metrics.loops())
    living = [counted(n, noun) for n, noun in ((workers, "worker"), (loops, "loop")) if n]
    if living:
        raise Conflict(
            f"{' and '.join(living)} of this data folder lived a moment ago; stop the service with "
            "SIGTERM; after a SIGKILL wait a minute"
        )


def _require_room(source: Services, target: Services) -> None:
    revision = target.store.revision()
    if revision is not None and revision > SCHEMA:
        raise Conflict(
            f"the database of --to has the schema {revision}, and this version knows {SCHEMA}; use the "
            "version that made it"
        )
    contents = occupied(target.store.engines)
    if not contents:
        return
    ours = installation_of(source.store.engines)
    if ours is not None and installation_of(target.store.engines) == ours:
        raise Conflict("it is there already: the database of --to holds this very installation")
    raise Conflict(
        f"the database of --to is not empty ({'; '.join(contents)}); give an empty one, as "
        "CREATE DATABASE makes it"
    )
