"""Searches, their rounds, decisions and trials, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.store.base import Row
from hpsearch.store.clock import now
from hpsearch.store.constants import constant
from hpsearch.store.deliveries import OWE
from hpsearch.store.plans import Plans, chosen
from hpsearch.store.tables import decision, event, job, round_, search, trial
from hpsearch.trials import (
    ACTIVE,
    ADVANCING,
    EDITABLE,
    ENDED,
    OBSERVED,
    JobState,
    SearchState,
    TrialState,
)

__all__ = ["Searches", "chosen"]

# What is read with every status leaves out what only decisions need: up to megabytes of it.
BRIEF = [c for c in search.c if c is not search.c.warm_start]
COUNTS = [c for c in round_.c if c is not round_.c.evidence]
LIGHT: list[sa.Column[Any]] = [c for c in trial.c if c.name not in ("curve", "right")]
CURVED = [*LIGHT, trial.c.curve]


class Searches(Plans):
    """One method per question or change; every change is conditional on what was read."""

    def insert(self, values: Mapping[str, Any]) -> bool:
        """A new search; False when its id or its idempotency key is taken."""
        fresh = self.insert_once(search, {**values, "created_at": now()})
        if fresh:
            self.record("submitted", search_id=values["id"])
        return fresh

    def get(self, search_id: str) -> Row | None:
        """One search with everything that it knows."""
        return self.one(sa.select(search).where(search.c.id == search_id))

    def of(self, owner: str, search_id: str) -> Row | None:
        """One search of an owner's, without its warm-start observations."""
        return self.one(sa.select(*BRIEF).where(search.c.id == search_id, search.c.owner == owner))

    def by_idempotency_key(self, owner: str, key: str) -> Row | None:
        """The search that this owner submitted under this key, likewise."""
        return self.one(
            sa.select(*BRIEF).where(search.c.owner == owner, search.c.idempotency_key == key)
        )

    def count_active(self, owner: str) -> int:
        """Unfinished searches of an owner."""
        query = sa.select(sa.func.count()).where(
            search.c.owner == owner, search.c.state.in_(ACTIVE)
        )
        return self.connection.execute(query).scalar_one()

    def page(
        self, owner: str, *, state: str | None, limit: int, after: tuple[float, str] | None
    ) -> Sequence[Row]:
        """Searches of an owner, newest first, after the given (created_at, id)."""
        query = sa.select(*BRIEF).where(search.c.owner == owner)
        if state is not None:
            query = query.where(search.c.state == state)
        if after is not None:
            query = query.where(sa.tuple_(search.c.created_at, search.c.id) < sa.tuple_(*after))
        query = query.order_by(search.c.created_at.desc(), search.c.id.desc()).limit(limit)
        return self.connection.execute(query).all()

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

    def rounds(self, search_id: str) -> Sequence[Row]:
        """The rounds of a search in order, with their evidence."""
        query = sa.select(round_).where(round_.c.search_id == search_id)
        return self.connection.execute(query.order_by(round_.c.number)).all()

    def rounds_of(self, ids: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """The rounds of searches, by search and in order, without their evidence."""
        query = sa.select(*COUNTS).where(round_.c.search_id.in_(ids)).order_by(round_.c.number)
        found: dict[str, list[Row]] = {search_id: [] for search_id in ids}
        for row in self.connection.execute(query):
            found[row.search_id].append(row)
        return found

    def decisions(self, search_id: str) -> Sequence[Row]:
        """Every decision of a search in order of round and name."""
        query = (
            sa.select(decision)
            .where(decision.c.search_id == search_id)
            .order_by(decision.c.round, decision.c.name)
        )
        return self.connection.execute(query).all()

    def trials(self, search_id: str) -> Sequence[Row]:
        """Every trial of a search by round and index."""
        query = (
            sa.select(trial)
            .where(trial.c.search_id == search_id)
            .order_by(trial.c.round, trial.c.idx)
        )
        return self.connection.execute(query).all()

    def full_trainings(self, search_id: str, *, epochs: int, limit: int) -> Sequence[Row]:
        """Trials that were trained for all `epochs`, the newest first, the final's left out."""
        query = (
            sa.select(trial)
            .where(
                trial.c.search_id == search_id,
                trial.c.role.is_(None),
                trial.c.state == TrialState.COMPLETED,
                trial.c.epochs == epochs,
            )
            .order_by(trial.c.round.desc(), trial.c.idx)
            .limit(limit)
        )
        return self.connection.execute(query).all()

    def observed(self, search_id: str, *, best: bool, limit: int) -> Sequence[Row]:
        """Trials that have ended, the final's left out: the best by score, or the newest."""
        query: sa.Select[Any] = sa.select(*CURVED).where(
            trial.c.search_id == search_id,
            trial.c.role.is_(None),
            trial.c.state.in_(OBSERVED),
        )
        if best:
            query = query.where(trial.c.score.is_not(None)).order_by(trial.c.score.desc())
        query = query.order_by(trial.c.round.desc(), trial.c.idx.desc()).limit(limit)
        return self.connection.execute(query).all()

    def running(self, ids: Sequence[str]) -> Mapping[str, Mapping[int, int]]:
        """Trials in running jobs, by search and round."""
        query = (
            sa.select(job.c.search_id, job.c.round, sa.func.sum(job.c.trials))
            .where(job.c.search_id.in_(ids), job.c.state == constant(JobState.RUNNING))
            .group_by(job.c.search_id, job.c.round)
        )
        found: dict[str, dict[int, int]] = {search_id: {} for search_id in ids}
        for search_id, number, trials in self.connection.execute(query):
            found[search_id][number] = int(trials)
        return found

    def trial_page(
        self,
        search_id: str,
        *,
        number: int | None,
        state: str | None,
        best_first: bool,
        curve: bool,
        limit: int,
        after: tuple[Any, ...] | None,
    ) -> Sequence[Row]:
        """Trials by keyset: in order of (round, index), or best validation accuracy first.

        Their learning curves are left out unless `curve` asks for them.
        """
        columns: list[Any] = [trial.c.round, trial.c.idx]
        if best_first:
            columns.insert(0, trial.c.accuracy)
        query = sa.select(*(CURVED if curve else LIGHT)).where(trial.c.search_id == search_id)
        if number is not None:
            query = query.where(trial.c.round == number)
        if state is not None:
            query = query.where(trial.c.state == state)
        if after is not None:
            key, edge = sa.tuple_(*columns), sa.tuple_(*after)
            query = query.where(key < edge if best_first else key > edge)
        order = [c.desc() for c in columns] if best_first else columns
        return self.connection.execute(query.order_by(*order).limit(limit)).all()

    def sampled(self, search_id: str, *, every: int, limit: int) -> Sequence[Row]:
        """Trials that have ended, the final's left out: of each round every so many-th one."""
        query = (
            sa.select(*LIGHT)
            .where(
                trial.c.search_id == search_id,
                trial.c.role.is_(None),
                trial.c.state.in_(OBSERVED),
                trial.c.idx % every == 0,
            )
            .order_by(trial.c.round, trial.c.idx)
            .limit(limit)
        )
        return self.connection.execute(query).all()

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
        """The one door for a change of state that no plan brings about.

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
        self.record(to.value, search_id=search_id, detail={"reason": reason, "work": self._work})
        if to in ENDED:
            self.connection.execute(OWE, {"a_search": search_id})
        return True

    def edit(self, seen: Row, changes: Mapping[str, Any]) -> bool:
        """Note a change that takes effect after the round that runs now.

        Only while the search is as it was `seen`, and may still be edited.
        """
        edit = {"after_round": seen.round, "changes": dict(changes), "at": self._time()}
        done = self.changed(
            search.update()
            .where(
                search.c.id == seen.id,
                search.c.revision == seen.revision,
                search.c.state.in_(EDITABLE),
            )
            .values(edits=[*(seen.edits or ()), edit], revision=search.c.revision + 1)
        )
        if not done:
            return self.repeated(seen.id)
        self.record("edited", search_id=seen.id, detail={**edit, "work": self._work})
        return True

    def unpause(self, search_id: str, revision: int | None) -> bool:
        """Go on with a paused search: queued again, if nothing of it has been drawn yet."""
        target = sa.case((search.c.round > 0, SearchState.RUNNING), else_=SearchState.QUEUED)
        change = search.update().where(
            search.c.id == search_id, search.c.state == SearchState.PAUSED
        )
        if revision is not None:
            change = change.where(search.c.revision == revision)
        values = {"state": target, "reason": None, "revision": search.c.revision + 1}
        if not self.changed(change.values(values)):
            return self.repeated(search_id)
        self.record("resumed", search_id=search_id, detail={"work": self._work})
        return True

    def cancel_work(self, search_id: str) -> None:
        """Take back everything that is queued or running; whoever runs it is fenced."""
        open_states = (JobState.QUEUED, JobState.RUNNING)
        taken = self.connection.execute(
            job.update()
            .where(job.c.search_id == search_id, job.c.state.in_(open_states))
            .values(state=JobState.CANCELLED, finished_at=now())
            .returning(job.c.id, job.c.attempt)
        ).all()
        if taken:
            self.connection.execute(
                event.insert().values(at=now(), kind="cancelled", search_id=search_id),
                [{"job_id": row.id, "attempt": row.attempt} for row in taken],
            )
        for row in self.connection.execute(
            sa.select(trial.c.round, sa.func.count())
            .where(trial.c.search_id == search_id, trial.c.state == TrialState.PENDING)
            .group_by(trial.c.round)
        ).all():
            self.connection.execute(
                round_.update()
                .where(round_.c.search_id == search_id, round_.c.number == row[0])
                .values(cancelled=round_.c.cancelled + row[1], open_jobs=0, finished_at=now())
            )
        self.connection.execute(
            trial.update()
            .where(trial.c.search_id == search_id, trial.c.state == TrialState.PENDING)
            .values(state=TrialState.CANCELLED)
        )

    def delete(self, search_id: str) -> bool:
        """Remove an ended search with all its rows."""
        gone = self.changed(
            search.delete().where(search.c.id == search_id, search.c.state.in_(list(ENDED)))
        )
        if not gone:
            return self.repeated(search_id)
        self.record("deleted", search_id=search_id, detail={"work": self._work})
        return True

    def finish(self, search_id: str, *, digest: str | None, digest_reason: str | None) -> bool:
        """Complete a search whose final test is done."""
        return self.move(
            search_id,
            from_=[SearchState.FINALIZING],
            to=SearchState.COMPLETED,
            reason=self.connection.execute(
                sa.select(search.c.reason).where(search.c.id == search_id)
            ).scalar_one(),
            digest=digest,
            digest_reason=digest_reason,
        )
