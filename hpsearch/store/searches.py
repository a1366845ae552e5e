"""Searches: what they are, and every change of them that no plan brings about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.records import EVERYBODY, Access, Edit, NewSearch, SearchRecord
from hpsearch.store.clock import now
from hpsearch.store.columns import has_tag
from hpsearch.store.outbox import OWE
from hpsearch.store.plans import Plans
from hpsearch.store.queries import Queries, columns
from hpsearch.store.queue import Queue
from hpsearch.store.statements import TIME, bind
from hpsearch.store.tables import event, round_, search, trial
from hpsearch.trials import ACTIVE, ADVANCING, EDITABLE, ENDED, SearchState, TrialState

SEARCH = columns(SearchRecord, search)
# What is read with every status leaves out what only decisions need: up to megabytes of it.
BRIEF = SEARCH[:-1]
_BY_ID = sa.select(*SEARCH).where(search.c.id == bind("an_id", search.c.id))
_OF_OWNER = sa.select(*BRIEF).where(
    search.c.id == bind("an_id", search.c.id), search.c.owner == bind("an_owner", search.c.owner)
)


class Searches(Queries):
    """A method per question or change; every change is conditional on what was read."""

    def insert(self, new: NewSearch) -> bool:
        """Insert a new search; False when its id or its idempotency key is taken."""
        values: dict[str, Any] = {
            "id": new.id,
            "owner": new.owner,
            "name": new.name,
            "state": SearchState.QUEUED,
            "spec": new.spec,
            "dataset": new.dataset,
            "dataset_digest": new.dataset_digest,
            "facts": new.facts,
            "idempotency_key": new.idempotency_key,
            "webhook": new.webhook,
            "body_sha256": new.body_sha256,
            "rules": new.rules,
            "tags": new.tags,
            "note": new.note or None,
            "created_at": now(),
        }
        if new.warm_start:
            values["warm_start"] = new.warm_start
        fresh = self.insert_once(search, values)
        if fresh:
            self.record("submitted", search_id=new.id)
        return fresh

    def get(self, search_id: str) -> SearchRecord | None:
        """A search with everything that it knows."""
        return self.one(SearchRecord, _BY_ID, an_id=search_id)

    def of(self, owner: Access, search_id: str) -> SearchRecord | None:
        """A search of an owner's, or that a reader may see, without its warm-start observations."""
        if not isinstance(owner, str):
            query = sa.select(*BRIEF).where(search.c.id == search_id, _visible(owner))
            return self.one(SearchRecord, query)
        return self.one(SearchRecord, _OF_OWNER, an_id=search_id, an_owner=owner)

    def by_idempotency_key(self, owner: str, key: str) -> SearchRecord | None:
        """The search that this owner submitted under this key, likewise."""
        query = sa.select(*BRIEF).where(search.c.owner == owner, search.c.idempotency_key == key)
        return self.one(SearchRecord, query)

    def count_active(self, owner: str) -> int:
        """Number of an owner's unfinished searches."""
        query = sa.select(sa.func.count()).where(
            search.c.owner == owner, search.c.state.in_(ACTIVE)
        )
        return self.connection.execute(query).scalar_one()

    def page(
        self,
        owner: Access,
        *,
        others: bool = False,
        state: str | None,
        limit: int,
        after: tuple[float, str] | None,
        tags: Sequence[str] = (),
        words: str | None = None,
        since: float | None = None,
    ) -> Sequence[SearchRecord]:
        """Searches of an owner, or that a reader may see, newest first, after this (created_at, id).

        others
            Only those that belong to somebody else.
        tags, words, since
            Only those with every one of these tags, with these words in name, note or a tag, and
            submitted at this time or later.
        """
        query = sa.select(*BRIEF).where(
            _visible(owner), *(has_tag(search.c.tags, tag) for tag in tags)
        )
        if others:
            query = query.where(
                search.c.owner != (owner if isinstance(owner, str) else owner.owner)
            )
        if state is not None:
            query = query.where(search.c.state == state)
        if words is not None:
            texts = (search.c.name, search.c.note, sa.type_coerce(search.c.tags, sa.Text))
            query = query.where(sa.or_(*(t.icontains(words, autoescape=True) for t in texts)))
        if since is not None:
            query = query.where(search.c.created_at >= since)
        if after is not None:
            query = query.where(sa.tuple_(search.c.created_at, search.c.id) < sa.tuple_(*after))
        query = query.order_by(search.c.created_at.desc(), search.c.id.desc()).limit(limit)
        return self.all(SearchRecord, query)

    def warm_start_trials(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The number of observations that searches with a warm start began with."""
        if not ids:
            return {}
        count = sa.func.json_array_length(search.c.warm_start, type_=sa.Integer)
        query = sa.select(search.c.id, count).where(
            search.c.id.in_(ids), search.c.warm_start.is_not(None)
        )
        return {search_id: int(n) for search_id, n in self.connection.execute(query)}

    def due(self) -> Sequence[str]:
        """Searches that wait for a decision: no round yet, a round over, or a final test done."""
        open_round = (
            sa.select(round_.c.number)
            .where(round_.c.search_id == search.c.id, round_.c.open_jobs > 0)
            .exists()
        )
        query = (
            sa.select(search.c.id)
            .where(search.c.state.in_(ADVANCING), ~open_round)
            .order_by(search.c.created_at)
        )
        return self.connection.execute(query).scalars().all()

    def move(
        self,
        search_id: str,
        *,
        from_: Sequence[SearchState],
        to: SearchState,
        reason: str | None,
        revision: int | None = None,
        **also: Any,
    ) -> bool:
        """Change a search's state: the one door for every change that no plan brings about.

        With `revision` only if the search is still at it.
        """
        values: dict[str, Any] = {
            "state": to,
            "reason": reason,
            "revision": search.c.revision + 1,
            **also,
        }
        if to in ENDED:
            values["finished_at"] = now()
        change = search.update().where(search.c.id == search_id, search.c.state.in_(from_))
        if revision is not None:
            change = change.where(search.c.revision == revision)
        if not self.changed(change.values(values)):
            return self.repeated(search_id)
        self.record(to.value, search_id=search_id, detail={"reason": reason, "work": self.work})
        if to in ENDED:
            self.connection.execute(OWE, {"a_search": search_id})
        return True

    def edit(self, basis: SearchRecord, changes: Mapping[str, Any]) -> bool:
        """Note a change that takes effect after the round that runs now.

        Only while the search is as `basis` has it, and may still be edited.
        """
        time = self.connection.execute(TIME).scalar_one()
        edit = Edit(basis.round, changes, time)
        done = self.changed(
            search.update()
            .where(
                search.c.id == basis.id,
                search.c.revision == basis.revision,
                search.c.state.in_(EDITABLE),
            )
            .values(edits=[*basis.edits, edit], revision=search.c.revision + 1)
        )
        if not done:
            return self.repeated(basis.id)
        self.record("edited", search_id=basis.id, detail={**edit.to_json(), "work": self.work})
        return True

    def label(
        self,
        search_id: str,
        *,
        tags: Sequence[str] | None,
        note: str | None,
        revision: int | None = None,
    ) -> bool:
        """Give a search other tags or another note, whatever its state; None leaves them as they are.

        With `revision` only if the search is still at it.
        """
        values: dict[str, Any] = {"revision": search.c.revision + 1}
        if tags is not None:
            values["tags"] = tags
        if note is not None:
            values["note"] = note or None
        change = search.update().where(search.c.id == search_id)
        if revision is not None:
            change = change.where(search.c.revision == revision)
        if not self.changed(change.values(values)):
            return self.repeated(search_id)
        self.record("labelled", search_id=search_id, detail={"work": self.work})
        return True

    def share(self, search_id: str, sharing: Sequence[str], revision: int | None = None) -> bool:
        """Let these owners read a search, and no others; with `revision` only if it is still at it."""
        change = search.update().where(search.c.id == search_id)
        if revision is not None:
            change = change.where(search.c.revision == revision)
        values = {"sharing": sharing, "revision": search.c.revision + 1}
        if not self.changed(change.values(values)):
            return self.repeated(search_id)
        self.record("shared", search_id=search_id, detail={"work": self.work})
        return True

    def unpause(
        self, search_id: str, revision: int | None = None, reason: str | None = None
    ) -> bool:
        """Go on with a paused search: queued again, if nothing of it has been drawn yet."""
        target = sa.case((search.c.round > 0, SearchState.RUNNING), else_=SearchState.QUEUED)
        change = search.update().where(
            search.c.id == search_id, search.c.state == SearchState.PAUSED
        )
        if revision is not None:
            change = change.where(search.c.revision == revision)
        values = {"state": target, "reason": reason, "revision": search.c.revision + 1}
        if not self.changed(change.values(values)):
            return self.repeated(search_id)
        self.record("resumed", search_id=search_id, detail={"reason": reason, "work": self.work})
        return True

    def cancel_work(self, search_id: str) -> None:
        """Take back everything that is queued or running, and cancel its trials."""
        taken = Queue(self.connection).cancel(search_id)
        if taken:
            self.connection.execute(
                event.insert().values(at=now(), kind="cancelled", search_id=search_id),
                [{"job_id": hint.job_id, "attempt": hint.attempt} for hint in taken],
            )
        pending = self.connection.execute(
            sa.select(trial.c.round, sa.func.count())
            .where(trial.c.search_id == search_id, trial.c.state == TrialState.PENDING)
            .group_by(trial.c.round)
        ).all()
        for number, count in pending:
            self.connection.execute(
                round_.update()
                .where(round_.c.search_id == search_id, round_.c.number == number)
                .values(cancelled=round_.c.cancelled + count, open_jobs=0, finished_at=now())
            )
        self.connection.execute(
            trial.update()
            .where(trial.c.search_id == search_id, trial.c.state == TrialState.PENDING)
            .values(state=TrialState.CANCELLED)
        )

    def delete(self, search_id: str) -> bool:
        """Remove an ended search with all its rows."""
        removed = self.changed(
            search.delete().where(search.c.id == search_id, search.c.state.in_(list(ENDED)))
        )
        if not removed:
            return self.repeated(search_id)
        self.record("deleted", search_id=search_id, detail={"work": self.work})
        return True

    def finish(self, search_id: str, *, digest: str | None, digest_reason: str | None) -> bool:
        """Complete a search whose final test is done.

        Its reason is why exploring ended, whatever was said since of a final test that was resumed.
        """
        present = sa.select(search.c.reason).where(search.c.id == search_id)
        return self.move(
            search_id,
            from_=[SearchState.FINALIZING],
            to=SearchState.COMPLETED,
            reason=Plans(self.connection).end_of_exploring(search_id)
            or self.connection.execute(present).scalar_one(),
            digest=digest,
            digest_reason=digest_reason,
        )


def _visible(access: Access) -> sa.ColumnElement[bool]:
    """True of the searches of an owner, or of those that a reader may see."""
    if isinstance(access, str):
        return search.c.owner == access
    if access.everyone:
        return sa.true()
    shared = (has_tag(search.c.sharing, name) for name in (access.owner, EVERYBODY))
    return sa.or_(search.c.owner == access.owner, *shared)
