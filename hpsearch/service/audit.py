"""The audit, as its readers ask for it and as the API and the loop write it."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.errors import InvalidRequest
from hpsearch.records import Act, Actor, ActorKind
from hpsearch.report.build import audit_view
from hpsearch.report.views import Page
from hpsearch.service import cursors
from hpsearch.service.moments import moment
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx

OTHERS = "others"  # the address of those that are too many to have rows of their own
LONGEST_PAGE = 1_000
_DAY = 86_400.0
_BATCH = 10_000  # rows that expire in one transaction


class AuditTrail:
    """The use cases about the audit."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def page(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        actor: str | None = None,
        target: str | None = None,
        action: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Rows, the newest first.

        Parameters
        ----------
        since, until
            From this day or time on, and before that one.
        actor
            A key's id, an owner, a user of the command line, an address, or one of the kinds key,
            command line, service and stranger.
        target, action
            The id or name of what was acted on, and the word of the act.

        Raises
        ------
        InvalidRequest
            A time that is none, a stretch that ends before it begins, an unknown action, a page that
            is too long.
        """
        _check(limit, action)
        begin, end = _stretch(since, until)
        key = cursors.decode(cursor, (int,))
        rows = self._store.read(
            lambda tx: tx.audit.page(
                since=begin,
                until=end,
                who=actor,
                target=target,
                action=action,
                limit=limit + 1,
                before=None if key is None else int(key[0]),
            )
        )
        more = cursors.encode((rows[limit - 1].id,)) if len(rows) > limit else None
        return Page(items=[audit_view(row) for row in rows[:limit]], next=more)

    def note_refusals(self, counts: Mapping[str, int]) -> None:
        """Add a row for each address that sent invalid keys, with their number."""

        def add(tx: Tx) -> None:
            for address, count in counts.items():
                who = Actor(ActorKind.STRANGER, address=address)
                tx.audit.add(Act.KEY_REFUSED, who=who, times=count)

        self._store.write(add)

    def expire(self) -> int:
        """Remove some of the rows that are older than the settings keep them, and count them."""
        seconds = self._settings.audit_days * _DAY
        return self._store.write(lambda tx: tx.audit.expire(older_than=seconds, limit=_BATCH))


def _check(limit: int, action: str | None) -> None:
    """Refuse a page that is too long, and an unknown action."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise InvalidRequest(
            f"limit {limit} is not between 1 and {LONGEST_PAGE}; ask for more in pages, each with "
            "the cursor `next` of the one before"
        )
    if action is not None and action not in set(Act):
        raise InvalidRequest(f"action {action[:40]!r} is not one of {', '.join(Act)}")


def _stretch(since: str | None, until: str | None) -> tuple[float | None, float | None]:
    """Return the beginning and the end of a stretch of time, each in seconds since the epoch."""
    begin = None if since is None else moment(since, "since")
    end = None if until is None else moment(until, "until")
    if begin is not None and end is not None and begin >= end:
        raise InvalidRequest(f"since {since!r} is not before until {until!r}; exchange them")
    return begin, end
