"""Invariants about what lies around the rows: clients, logs, processes, files, the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa

from hpsearch.store import Engines
from support.checker.history import History

LEFT_BEHIND = ("*.tmp", "*.part", "*.sock")


def i8_acknowledged(
    seen: History, acknowledged: Iterable[str], refused: Iterable[str]
) -> Iterator[str]:
    """What was answered 2xx is in SQL, or was deleted on request; what was refused is not."""
    submitted = {e.search_id for e in seen.events if e.kind == "submitted"}
    names = {s.name for s in seen.searches.values()}
    for search_id in {*acknowledged, *submitted}:
        if search_id not in seen.searches and search_id not in seen.deleted:
            yield f"search {search_id} was accepted, and it is not there"
    for search_id in seen.searches.keys() - submitted:
        yield f"search {search_id} is there, and nobody submitted it"
    for search_id in seen.searches.keys() & seen.deleted:
        yield f"search {search_id} was deleted, and it is there"
    for name in refused:
        if name in names or name in seen.searches:
            yield f"search {name} was refused, and it is there"


def i10_no_secret(canaries: Iterable[str], logs: Iterable[Path]) -> Iterator[str]:
    """No planted secret in any of the files."""
    wanted = [secret.encode() for secret in canaries]
    for path in logs:
        content = path.read_bytes()
        for number, secret in enumerate(wanted):
            if secret in content:
                yield f"{path} holds the planted secret number {number}"


def i11_nothing_left(home: Path) -> Iterator[str]:
    """No process of this home lives on, no socket and no half-written file lies in it."""
    marks = {f"HPSEARCH_HOME={home}".encode()}
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        try:
            inherited = set((folder / "environ").read_bytes().split(b"\0"))
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # gone in the meantime, or somebody else's
        if marks & inherited and words:
            yield f"process {folder.name} lives on: {words[:120]}"
    for pattern in LEFT_BEHIND:
        for path in sorted(home.rglob(pattern)):
            yield f"{path} was left behind"


def i12_intact(url: str) -> Iterator[str]:
    """The database itself is whole: pages, indexes and foreign keys."""
    engines = Engines(url)
    try:
        with engines.read.connect() as connection:
            yield from _sqlite(connection) if engines.sqlite else _postgres(connection)
            connection.rollback()
    except sa.exc.DBAPIError as error:
        yield f"the check itself fails: {error.orig}"
    finally:
        engines.dispose()


def _sqlite(connection: sa.Connection) -> Iterator[str]:
    for row in connection.exec_driver_sql("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield f"integrity_check: {row[0]}"
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"foreign_key_check: row {row[1]} of {row[0]} refers to no {row[2]}"


def _postgres(connection: sa.Connection) -> Iterator[str]:
    """What pg_amcheck does, in a transaction that is rolled back; needs a superuser."""
    connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS amcheck")
    ours = "n.nspname = current_schema() AND c.relpersistence = 'p'"
    tables = connection.exec_driver_sql(
        "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'r' AND {ours}"
    ).all()
    for oid, name in tables:
        for row in connection.exec_driver_sql(f"SELECT blkno, msg FROM verify_heapam({oid})"):
            yield f"verify_heapam: table {name} block {row.blkno}: {row.msg}"
    indexes = connection.exec_driver_sql(
        "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"JOIN pg_am a ON a.oid = c.relam WHERE c.relkind = 'i' AND a.amname = 'btree' AND {ours}"
    ).all()
    for oid, name in indexes:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SELECT bt_index_check({oid}, true)")
        except sa.exc.DBAPIError as error:
            yield f"bt_index_check: index {name}: {error.orig}"
