"""What a user reads of searches. Nothing here changes anything, and nothing fits a model."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

from hpsearch.errors import Conflict, InvalidRequest, NotFound, Stale
from hpsearch.report import answer, build, health
from hpsearch.report.views import HealthView, Page, ResultView, RoundView, StatusView
from hpsearch.service import cursors, given
from hpsearch.service.edits import as_asked
from hpsearch.service.stored import resolved
from hpsearch.store import Row, Store, Tx
from hpsearch.trials import ENDED, SearchState, TrialState

POLL_SECONDS = 0.2  # how often a waiting caller's revision is looked up
SORTS = ("round", "-validation_accuracy")
FULL_TRAININGS = 2_000  # that the answer and the health report look at, the newest ones
CURVES = 100  # trials on a page with their learning curves


def found(store: Store, owner: str, search_id: str, if_revision: int | None = None) -> Row:
    """A search of an owner's.

    Raises
    ------
    NotFound
        There is none of this id, or it is somebody else's.
    Stale
        It is not at `if_revision` any more.
    """
    row = store.read(lambda tx: tx.searches.of(owner, search_id))
    if row is None:
        raise NotFound(f"no search {search_id[:60]!r}")
    if if_revision is not None and row.revision != if_revision:
        raise Stale(
            f"search {search_id} is at revision {row.revision}, not {if_revision}; read it again"
        )
    return row


class Reading:
    """The use cases that read. `owner` restricts every one; a stranger's id is not found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(
        self, *, owner: str, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Searches, newest first."""
        if state is not None and state not in set(SearchState):
            raise InvalidRequest(f"state {state!r} is not one of {', '.join(SearchState)}")
        key = cursors.decode(cursor, (float, str))
        after = None if key is None else (float(key[0]), str(key[1]))
        rows = self._store.read(
            lambda tx: tx.searches.page(owner, state=state, limit=limit + 1, after=after)
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(
            items=[*self._statuses(rows[:limit])],
            next=None if last is None else cursors.encode((last.created_at, last.id)),
        )

    def status(self, search_id: str, *, owner: str) -> StatusView:
        """Where a search stands."""
        return self._status(found(self._store, owner, search_id))

    def wait(self, search_id: str, *, owner: str, revision: int, seconds: float) -> StatusView:
        """The status as soon as its revision is not `revision`, or after `seconds`.

        An ended search does not change any more, so nobody has to wait for that.
        """
        deadline = time.monotonic() + seconds
        while True:
            row = found(self._store, owner, search_id)
            left = deadline - time.monotonic()
            if row.revision != revision or row.state in ENDED or left <= 0:
                return self._status(row)
            time.sleep(min(POLL_SECONDS, left))

    def spec(self, search_id: str, *, owner: str) -> dict[str, Any]:
        """The spec as it is now, edits included, in a form that can be submitted again."""
        what = resolved(found(self._store, owner, search_id)).spec
        spec = as_asked(what)
        if None not in what.earlier:
            return spec
        row = self._store.read(lambda tx: tx.searches.get(search_id))
        return given.filled(spec, (row and row.warm_start) or ())

    def rounds(
        self, search_id: str, *, owner: str, limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Every round with its ranges, counts, evidence and decisions, in order."""
        found(self._store, owner, search_id)
        after = cursors.decode(cursor, (int,))

        def read(tx: Tx) -> list[RoundView]:
            return build.round_views(
                tx.searches.rounds(search_id),
                tx.searches.decisions(search_id),
                tx.searches.running([search_id])[search_id],
            )

        # A search has at most a few dozen rounds: they are read together and cut here.
        left = [r for r in self._store.read(read) if after is None or (r.number,) > after]
        more = cursors.encode((left[limit - 1].number,)) if len(left) > limit else None
        return Page(items=left[:limit], next=more)

    def trials(
        self,
        search_id: str,
        *,
        owner: str,
        round: int | None = None,
        state: str | None = None,
        sort: str | None = None,
        curve: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Trials by (round, index), or with the best validation accuracy first.

        With `curve` every trial has its learning curve, and a page at most 100 of them.
        """
        found(self._store, owner, search_id)
        if state is not None and state not in set(TrialState):
            raise InvalidRequest(f"state {state!r} is not one of {', '.join(TrialState)}")
        if sort is not None and sort not in SORTS:
            raise InvalidRequest(f"sort {sort!r} is not one of {', '.join(SORTS)}")
        limit = min(limit, CURVES) if curve else limit
        best_first = sort == "-validation_accuracy"
        after = cursors.decode(cursor, (float, int, int) if best_first else (int, int))
        rows = self._store.read(
            lambda tx: tx.searches.trial_page(
                search_id,
                number=round,
                state=state,
                best_first=best_first,
                curve=curve,
                limit=limit + 1,
                after=after,
            )
        )
        more = None
        if len(rows) > limit:
            last = rows[limit - 1]
            key = (last.round, last.idx)
            more = cursors.encode((last.accuracy, *key) if best_first else key)
        return Page(items=[build.trial_view(row, curve=curve) for row in rows[:limit]], next=more)

    def result(self, search_id: str, *, owner: str) -> ResultView:
        """The best range and its test score.

        Raises
        ------
        Conflict
            The search has not completed.
        """
        row = found(self._store, owner, search_id)
        if row.state != SearchState.COMPLETED:
            why = f": {row.reason}" if row.state == SearchState.FAILED and row.reason else ""
            raise Conflict(f"search {search_id} is {row.state}{why}; it has no result{_yet(row)}")

        def read(tx: Tx) -> ResultView:
            final = tx.jobs.final(search_id)
            assert final is not None  # a completed search has one
            return answer.result(_stored(tx, row), final, _openings(tx, row))

        return self._store.read(read)

    def model(self, search_id: str, *, owner: str) -> tuple[int, Iterator[bytes]]:
        """The recommended model's file as the final test trained it: its size, and its pieces.

        Raises
        ------
        Conflict
            The search has not completed.
        NotFound
            No model was kept: it diverged, was trained elsewhere, or the search ended before
            models were kept.
        """
        row = found(self._store, owner, search_id)
        if not resolved(row).workload.trained_here:
            raise NotFound(
                f"search {search_id} was trained elsewhere; its model is with its trainer"
            )
        if row.state != SearchState.COMPLETED:
            raise Conflict(f"search {search_id} is {row.state}; it has no model{_yet(row)}")
        size = self._store.read(lambda tx: tx.models.size(search_id))
        if not size:
            raise NotFound(
                f"search {search_id} keeps no model: the recommended one diverged in the final "
                "test, or the search ended before models were kept; submit its spec again"
            )
        return size, self._pieces(search_id)

    def _pieces(self, search_id: str) -> Iterator[bytes]:
        for number in itertools.count():
            piece = self._store.read(lambda tx: tx.models.piece(search_id, number))  # noqa: B023  # called at once
            if piece is None:
                return
            yield piece

    def health(self, search_id: str, *, owner: str) -> HealthView:
        """What a careful reader of this search should know, in whatever state it is."""
        row = found(self._store, owner, search_id)
        notes = self._store.read(lambda tx: health.notes(_stored(tx, row)))
        return HealthView(id=row.id, state=row.state, revision=row.revision, notes=notes)

    def _status(self, row: Row) -> StatusView:
        return self._statuses([row])[0]

    def _statuses(self, rows: Sequence[Row]) -> Sequence[StatusView]:
        """The statuses of searches, with as many queries for many as for one."""
        ids = [row.id for row in rows]

        def read(tx: Tx) -> Sequence[StatusView]:
            rounds, running, time = tx.searches.rounds_of(ids), tx.searches.running(ids), tx.time()
            told = tx.deliveries.of([row.id for row in rows if row.webhook])
            return [
                build.status(
                    row,
                    resolved(row),
                    rounds[row.id],
                    running[row.id],
                    time,
                    delivery=told.get(row.id),
                )
                for row in rows
            ]

        return self._store.read(read)


def _yet(row: Row) -> str:
    return "" if row.state in ENDED else " yet"


def _stored(tx: Tx, row: Row) -> health.Stored:
    what = resolved(row)
    return health.Stored(
        search=row,
        resolved=what,
        rounds=tx.searches.rounds(row.id),
        decisions=tx.searches.decisions(row.id),
        full=tx.searches.full_trainings(row.id, epochs=what.spec.epochs.last, limit=FULL_TRAININGS),
        models=tx.jobs.models(row.id),
    )


def _openings(tx: Tx, row: Row) -> int:
    """How often the test part of a search's dataset has been opened; an external one has none."""
    content = None if row.dataset_digest is None else tx.library.content(row.dataset_digest)
    return 0 if content is None else int(content.openings)
