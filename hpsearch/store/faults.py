"""Faults of a database: which ones pass, and a sentence for each that stays.

SQLSTATE names the fault where there is one; SQLite and lost connections have words alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import exc

from hpsearch.errors import HpsearchError, InvalidRequest, NoDatabase

# Serialisation, deadlock, locks, shutdown and start-up, a standby after a failover, and a plan
# that a migration has overtaken.
TRANSIENT = frozenset({
    "25006", "25P03", "25P04", "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "57P05",
})  # fmt: skip
READ_ONLY = (
    "it is a standby, or its default_transaction_read_only is on: promote it, or name the primary "
    "in DATABASE_URL"
)
POOLED = "a pooler gives each transaction another connection: set HPSEARCH_PREPARED_STATEMENTS=off"
RIGHTS = "GRANT it to the role in DATABASE_URL, or let the role own the database"
TIMED_OUT = (
    "a statement took longer than the role's statement_timeout: raise it, or look who holds a lock"
)
UNMIGRATED = "its tables are made by: python -P -m migrations upgrade"
# By SQLSTATE or its class: what does not work, and the way out.
ADVICE: Mapping[str, tuple[str, str]] = {
    "25006": ("takes no writes", READ_ONLY),
    "26000": ("lost a prepared statement", POOLED),
    "42P05": ("lost a prepared statement", POOLED),
    "42501": ("refuses a right", RIGHTS),
    "42P07": ("does not work", "another program's tables are in it: give hpsearch one of its own"),
    "42P01": ("does not work", UNMIGRATED),
    "42703": ("does not work", UNMIGRATED),
    "3D000": ("does not work", "create it, or correct its name in DATABASE_URL"),
    "3F000": ("does not work", "the role's search_path names no schema that it may write to"),
    "53100": ("does not work", "make room on its disk"),
    "53300": ("does not answer", "raise max_connections, or put a pooler before it"),
    "55P03": ("does not answer", "somebody holds a lock for longer than lock_timeout"),
    "57014": ("does not answer", TIMED_OUT),
    "28": ("does not let us in", "correct user and password in DATABASE_URL or its password file"),
    **dict.fromkeys(("53", "54", "55", "58", "XX"), ("does not work", "")),
    "57": ("does not answer", ""),
}
# A text too long, or of a character that is missing: the encoding counts bytes, or lacks it.
TEXT = frozenset({"22001", "22021", "22P05"})
STALE_PLAN = "cached plan"  # 0A000 of a statement prepared before a migration


def transient(error: exc.SQLAlchemyError) -> bool:
    """True where running the transaction again can help."""
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return True
    words = str(error.orig)
    if isinstance(error, exc.NotSupportedError):
        return STALE_PLAN in words
    if not isinstance(error, exc.OperationalError | exc.InternalError):
        return False
    state = _sqlstate(error)
    if state is not None:
        return state in TRANSIENT or state.startswith("08")
    return any(
        word in words
        for word in ("locked", "connection", "server closed", "timeout", "shutting down")
    )


def read_only(error: exc.SQLAlchemyError) -> bool:
    """True where a server that is reached takes no writes, and another one may."""
    return isinstance(error, exc.DBAPIError) and _sqlstate(error) == "25006"


def translated(error: exc.SQLAlchemyError) -> HpsearchError | None:
    """The error for whoever asked; None where it is a mistake of this program."""
    if isinstance(error, exc.TimeoutError):
        return NoDatabase(
            "the database does not answer: every connection of this process has been busy for "
            "too long; somebody may hold a lock"
        )
    if not isinstance(error, exc.DBAPIError):
        return None
    state = _sqlstate(error) or ""
    if state in TEXT:
        return InvalidRequest(
            f"the database cannot hold a text of this request: {_words(error)}; it can where its "
            "encoding is UTF8"
        )
    what, advice = ADVICE.get(state) or ADVICE.get(state[:2]) or ("", "")
    if not what and transient(error):
        what = "does not answer"
    # sqlite3's own DatabaseError, of no subclass, is a file that is none of its databases.
    if not what and (isinstance(error, exc.OperationalError) or type(error) is exc.DatabaseError):
        what = "does not work"
    if not what:
        return None
    return NoDatabase("; ".join(filter(None, (f"the database {what}: {_words(error)}", advice))))


@contextmanager
def translating() -> Iterator[None]:
    """Turn the faults of a block, which is not repeated, into errors for whoever asked."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        fault = translated(error)
        if fault is None:
            raise
        raise fault from error


def _words(error: exc.DBAPIError) -> str:
    """The database's own words, in one line."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join((primary or str(error.orig)).split())


def _sqlstate(error: exc.DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
