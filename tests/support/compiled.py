"""One cache of compiled SQL for all engines of a test process.

An engine forgets with its end what it has compiled. A process of the service has three for its
whole life; tests make thousands, whose statements are always the same: compiling them takes a
fifth of a small search's time. SQLAlchemy tells statements apart by their structure, so one that a
mutant has changed is compiled anew.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache

MOST = 2000  # statements


class Compiled(LRUCache[tuple[Hashable, ...], Any]):
    """SQLAlchemy's cache, in which dialects that write the same SQL share what is compiled."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """What was compiled for a dialect and a statement."""
        return super().get(_shared(key), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(_shared(key), value)


def _shared(key: tuple[Any, ...]) -> tuple[Hashable, ...]:
    """The key of a statement with what its dialect makes of it in the place of the dialect."""
    dialect, *statement = key
    return (type(dialect), *_versions(dialect), *statement)


def _versions(dialect: Dialect) -> tuple[Hashable, ...]:
    return dialect.dbapi, dialect.paramstyle, dialect.server_version_info


def share() -> None:
    """Let every engine that this process makes from now on use one cache."""
    create, cache = sa.create_engine, Compiled(MOST)

    @functools.wraps(create)
    def sharing(*words: Any, **options: Any) -> sa.Engine:
        engine = create(*words, **options)
        engine.update_execution_options(compiled_cache=cache)
        return engine

    sa.create_engine = sharing
