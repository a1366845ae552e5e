"""What a user does with searches: submit, look, steer, read the result. Short transactions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

from hpsearch.errors import Conflict, InvalidRequest, Mistake, NotFound, Stale, TooMany
from hpsearch.report import answer, build
from hpsearch.report.digest import body_sha256
from hpsearch.report.views import Page, ResultView, RoundView, StatusView
from hpsearch.service import cursors
from hpsearch.service.datasets import Datasets
from hpsearch.settings import Settings
from hpsearch.spec import DatasetFacts, ResolvedSpec, SearchSpec, parse
from hpsearch.store import Row, Store, Tx
from hpsearch.trials import ENDED, JobState, SearchState, TrialState

POLL_SECONDS = 0.2  # how often a waiting caller's revision is looked up
SORTS = ("round", "-validation_accuracy")


class Searches:
    """The use cases about searches. `owner` restricts every one; a stranger's id is not found."""

    def __init__(self, store: Store, datasets: Datasets, settings: Settings) -> None:
        self._store = store
        self._datasets = datasets
        self._settings = settings

    def submit(
        self, data: object, *, owner: str, idempotency_key: str | None = None
    ) -> tuple[StatusView, bool]:
        """Store a new search; the loop sees it from there.

        Returns
        -------
        tuple
            The status, and whether the search is new: a repeated idempotency key gives the
            search that it made before.

        Raises
        ------
        InvalidSpec
            With every mistake; nothing is stored.
        Conflict
            The idempotency key belongs to another spec.
        TooMany
            The owner has as many unfinished searches as the settings allow.
        """
        if idempotency_key is not None and not 0 < len(idempotency_key) <= 200:
            raise InvalidRequest("Idempotency-Key must have 1 to 200 characters")
        if isinstance(data, dict) and idempotency_key is not None:
            known = self._repeated(owner, idempotency_key, body_sha256(data))
            if known is not None:
                return self._status(known), False
        facts = self._facts(data, owner)
        resolved = parse(data, facts if isinstance(facts, Mistake) else facts[0], self._settings)
        assert not isinstance(facts, Mistake)  # parse refuses it
        search_id, body = secrets.token_hex(10), body_sha256(data)
        values = {
            "id": search_id,
            "owner": owner,
            "name": resolved.spec.name,
            "state": SearchState.QUEUED,
            "spec": resolved.spec.to_json(),
            "dataset": resolved.spec.dataset,
            "dataset_digest": resolved.facts.digest,
            "facts": facts[1],
            "idempotency_key": idempotency_key,
            "body_sha256": body,
        }
        limit = self._settings.max_active_searches

        def insert(tx: Tx) -> None:
            if tx.searches.get(search_id) is not None:
                return  # the answer to an earlier COMMIT was lost
            if tx.library.content(resolved.facts.digest) is None:
                raise Conflict(f"dataset {resolved.spec.dataset!r} has just been deleted")
            active = tx.searches.count_active(owner)
            if active >= limit:
                raise TooMany(
                    f"{active} searches are unfinished, the limit is {limit}; wait or cancel"
                )
            tx.searches.insert(values)

        self._store.write(insert)
        row = self._store.read(lambda tx: tx.searches.get(search_id))
        if row is not None:
            return self._status(row), True
        known = self._repeated(owner, idempotency_key or "", body)
        assert known is not None  # its key kept ours from being inserted
        return self._status(known), False

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
            items=[self._status(row) for row in rows[:limit]],
            next=None if last is None else cursors.encode((last.created_at, last.id)),
        )

    def status(self, search_id: str, *, owner: str) -> StatusView:
        """Where a search stands."""
        return self._status(self._get(search_id, owner))

    def wait(self, search_id: str, *, owner: str, revision: int, seconds: float) -> StatusView:
        """The status as soon as its revision is not `revision`, or after `seconds`.

        An ended search does not change any more, so nobody has to wait for that.
        """
        deadline = time.monotonic() + seconds
        while True:
            row = self._get(search_id, owner)
            left = deadline - time.monotonic()
            if row.revision != revision or row.state in ENDED or left <= 0:
                return self._status(row)
            time.sleep(min(POLL_SECONDS, left))

    def rounds(
        self, search_id: str, *, owner: str, limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Every round with its ranges, counts and decisions, in order."""
        self._get(search_id, owner)
        after = cursors.decode(cursor, (int,))

        def read(tx: Tx) -> list[RoundView]:
            return build.round_views(
                tx.searches.rounds(search_id),
                tx.searches.decisions(search_id),
                tx.searches.running(search_id),
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
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Trials by (round, index), or with the best validation accuracy first."""
        self._get(search_id, owner)
        if state is not None and state not in set(TrialState):
            raise InvalidRequest(f"state {state!r} is not one of {', '.join(TrialState)}")
        if sort is not None and sort not in SORTS:
            raise InvalidRequest(f"sort {sort!r} is not one of {', '.join(SORTS)}")
        best_first = sort == "-validation_accuracy"
        after = cursors.decode(cursor, (float, int, int) if best_first else (int, int))
        rows = self._store.read(
            lambda tx: tx.searches.trial_page(
                search_id,
                number=round,
                state=state,
                best_first=best_first,
                limit=limit + 1,
                after=after,
            )
        )
        more = None
        if len(rows) > limit:
            last = rows[limit - 1]
            key = (last.round, last.idx)
            more = cursors.encode((last.accuracy, *key) if best_first else key)
        return Page(items=[build.trial_view(row) for row in rows[:limit]], next=more)

    def result(self, search_id: str, *, owner: str) -> ResultView:
        """The best range and its test score.

        Raises
        ------
        Conflict
            The search has not completed.
        """
        row = self._get(search_id, owner)
        if row.state != SearchState.COMPLETED:
            why = f": {row.reason}" if row.state == SearchState.FAILED and row.reason else ""
            raise Conflict(f"search {search_id} is {row.state}{why}; it has no result yet")

        def read(tx: Tx) -> ResultView:
            final = tx.jobs.final(search_id)
            content = tx.library.content(row.dataset_digest)
            assert final is not None  # a completed search has one
            assert content is not None  # a foreign key keeps it
            return answer.result(
                row,
                resolved(row),
                tx.searches.rounds(search_id),
                tx.searches.decisions(search_id),
                final,
                tx.jobs.members(final.id),
                content.openings,
            )

        return self._store.read(read)

    def pause(self, search_id: str, *, owner: str, if_revision: int | None = None) -> StatusView:
        """Start nothing more; jobs that run are finished and kept.

        Raises
        ------
        Conflict
            The search is neither queued nor running.
        """
        row = self._get(search_id, owner, if_revision)
        self._move(
            row,
            [SearchState.QUEUED, SearchState.RUNNING],
            SearchState.PAUSED,
            "paused on request",
            if_revision,
        )
        return self.status(search_id, owner=owner)

    def resume(self, search_id: str, *, owner: str, if_revision: int | None = None) -> StatusView:
        """Go on after a pause, or run the frozen final test again after it failed.

        Raises
        ------
        Conflict
            The search is neither paused nor failed in its final test.
        """
        row = self._get(search_id, owner, if_revision)

        def again(tx: Tx) -> bool:
            final = tx.jobs.final(search_id)
            if final is None:
                return False
            moved = tx.searches.move(
                search_id,
                from_=[SearchState.FAILED],
                to=SearchState.FINALIZING,
                reason="the frozen final test runs again on request",
                revision=if_revision,
                finished_at=None,
            )
            if moved and final.state == JobState.FAILED:
                tx.jobs.requeue_final(search_id)
            return moved

        if row.state == SearchState.FAILED:
            if not self._store.write(again):
                self._get(search_id, owner, if_revision)
                raise Conflict(f"search {search_id} failed before its final test; submit a new one")
        elif not self._store.write(lambda tx: tx.searches.unpause(search_id, if_revision)):
            row = self._get(search_id, owner, if_revision)
            raise Conflict(f"search {search_id} is {row.state}; this takes one that is paused")
        return self.status(search_id, owner=owner)

    def cancel(self, search_id: str, *, owner: str, if_revision: int | None = None) -> StatusView:
        """End a search for good; what was trained stays readable.

        Raises
        ------
        Conflict
            The search has ended already.
        """
        row = self._get(search_id, owner, if_revision)
        active = [s for s in SearchState if s not in ENDED]

        def cancel(tx: Tx) -> bool:
            moved = tx.searches.move(
                search_id,
                from_=active,
                to=SearchState.CANCELLED,
                reason="cancelled on request",
                revision=if_revision,
            )
            if moved:
                tx.searches.cancel_work(search_id)
            return moved

        if not self._store.write(cancel):
            row = self._get(search_id, owner, if_revision)
            raise Conflict(f"search {search_id} is {row.state}; it cannot be cancelled")
        return self.status(search_id, owner=owner)

    def delete(self, search_id: str, *, owner: str) -> None:
        """Remove an ended search and everything about it.

        Raises
        ------
        Conflict
            The search has not ended.
        """
        row = self._get(search_id, owner)
        if not self._store.write(lambda tx: tx.searches.delete(search_id)):
            raise Conflict(f"search {search_id} is {row.state}; cancel it first")
        self._datasets.sweep(row.dataset_digest)

    def _get(self, search_id: str, owner: str, if_revision: int | None = None) -> Row:
        row = self._store.read(lambda tx: tx.searches.get(search_id, owner))
        if row is None:
            raise NotFound(f"no search {search_id[:60]!r}")
        if if_revision is not None and row.revision != if_revision:
            raise Stale(
                f"search {search_id} is at revision {row.revision}, not {if_revision}; read it again"
            )
        return row

    def _move(
        self,
        row: Row,
        from_: Sequence[SearchState],
        to: SearchState,
        reason: str | None,
        revision: int | None,
    ) -> None:
        moved = self._store.write(
            lambda tx: tx.searches.move(
                row.id, from_=from_, to=to, reason=reason, revision=revision
            )
        )
        if not moved:
            row = self._get(row.id, row.owner, revision)
            allowed = " or ".join(from_)
            raise Conflict(f"search {row.id} is {row.state}; this takes one that is {allowed}")

    def _repeated(self, owner: str, key: str, body: str) -> Row | None:
        row = self._store.read(lambda tx: tx.searches.by_idempotency_key(owner, key))
        if row is not None and row.body_sha256 != body:
            raise Conflict(f"Idempotency-Key {key!r} was used for another spec; take a new one")
        return row

    def _facts(self, data: object, owner: str) -> Mistake | tuple[DatasetFacts, dict[str, Any]]:
        name = data.get("dataset") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name:
            return Mistake("dataset", "name a dataset, for example digits")
        try:
            info = self._datasets.find(name, owner=owner)
        except NotFound as error:
            return Mistake("dataset", str(error))
        facts = info.to_json()
        return DatasetFacts.from_json(facts), facts

    def _status(self, row: Row) -> StatusView:
        def read(tx: Tx) -> StatusView:
            return build.status(
                row,
                resolved(row),
                tx.searches.rounds(row.id),
                tx.searches.running(row.id),
                tx.time(),
            )

        return self._store.read(read)


def resolved(row: Row) -> ResolvedSpec:
    """The resolved spec of a stored search."""
    spec = SearchSpec.model_validate(row.spec)
    return ResolvedSpec(spec, DatasetFacts.from_json(row.facts))
