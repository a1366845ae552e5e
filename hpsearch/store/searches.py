"""Searches, their rounds, decisions and trials, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.space import box_to_json
from hpsearch.store.base import Part, Row
from hpsearch.store.clock import now
from hpsearch.store.tables import decision, job, round_, search, trial
from hpsearch.trials import (
    ENDED,
    Decision,
    FinalPlan,
    JobState,
    RoundKind,
    RoundPlan,
    SearchState,
    TrialState,
)

ACTIVE = [s for s in SearchState if s not in ENDED]


class Searches(Part):
    """One method per question or change; every change is conditional on what was read."""

    def insert(self, values: Mapping[str, Any]) -> bool:
        """A new search; False when its id or its idempotency key is taken."""
        fresh = self.insert_once(search, {**values, "created_at": now()})
        if fresh:
            self.record("submitted", search_id=values["id"])
        return fresh

    def get(self, search_id: str, owner: str | None = None) -> Row | None:
        """One search; with `owner`, only if it is theirs."""
        query = sa.select(search).where(search.c.id == search_id)
        return self.one(query if owner is None else query.where(search.c.owner == owner))

    def by_idempotency_key(self, owner: str, key: str) -> Row | None:
        """The search that this owner submitted under this key."""
        return self.one(
            sa.select(search).where(search.c.owner == owner, search.c.idempotency_key == key)
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
        query = sa.select(search).where(search.c.owner == owner)
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
        states = (SearchState.QUEUED, SearchState.RUNNING, SearchState.FINALIZING)
        query = (
            sa.select(search.c.id)
            .where(search.c.state.in_(states), ~open_round)
            .order_by(search.c.created_at)
        )
        return self.connection.execute(query).scalars().all()

    def rounds(self, search_id: str) -> Sequence[Row]:
        """The rounds of a search in order."""
        query = sa.select(round_).where(round_.c.search_id == search_id).order_by(round_.c.number)
        return self.connection.execute(query).all()

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

    def running(self, search_id: str) -> Mapping[int, int]:
        """Trials in running jobs, by round."""
        query = (
            sa.select(job.c.round, sa.func.sum(job.c.trials))
            .where(job.c.search_id == search_id, job.c.state == JobState.RUNNING)
            .group_by(job.c.round)
        )
        return {row[0]: int(row[1]) for row in self.connection.execute(query)}

    def trial_page(
        self,
        search_id: str,
        *,
        number: int | None,
        state: str | None,
        best_first: bool,
        limit: int,
        after: tuple[Any, ...] | None,
    ) -> Sequence[Row]:
        """Trials by keyset: in order of (round, index), or best validation accuracy first."""
        columns: list[Any] = [trial.c.round, trial.c.idx]
        if best_first:
            columns.insert(0, trial.c.accuracy)
        query = sa.select(trial).where(trial.c.search_id == search_id)
        if number is not None:
            query = query.where(trial.c.round == number)
        if state is not None:
            query = query.where(trial.c.state == state)
        if after is not None:
            key, edge = sa.tuple_(*columns), sa.tuple_(*after)
            query = query.where(key < edge if best_first else key > edge)
        order = [c.desc() for c in columns] if best_first else columns
        return self.connection.execute(query.order_by(*order).limit(limit)).all()

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
        moved = self.changed(change.values(values))
        if moved:
            self.record(to.value, search_id=search_id, detail={"reason": reason})
        return moved

    def unpause(self, search_id: str, revision: int | None) -> bool:
        """Go on with a paused search: queued again, if nothing of it has been drawn yet."""
        target = sa.case((search.c.round > 0, SearchState.RUNNING), else_=SearchState.QUEUED)
        change = search.update().where(
            search.c.id == search_id, search.c.state == SearchState.PAUSED
        )
        if revision is not None:
            change = change.where(search.c.revision == revision)
        moved = self.changed(
            change.values(state=target, reason=None, revision=search.c.revision + 1)
        )
        if moved:
            self.record("resumed", search_id=search_id)
        return moved

    def cancel_work(self, search_id: str) -> None:
        """Take back everything that is queued or running; whoever runs it is fenced."""
        open_states = (JobState.QUEUED, JobState.RUNNING)
        self.connection.execute(
            job.update()
            .where(job.c.search_id == search_id, job.c.state.in_(open_states))
            .values(state=JobState.CANCELLED, finished_at=now())
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
        if gone:
            self.record("deleted", search_id=search_id)
        return gone

    def apply(
        self, seen: Row, plan: RoundPlan | FinalPlan, *, epochs: int, deadlines: Sequence[float]
    ) -> bool:
        """Write a plan, unless the search has moved on since `seen` was read.

        Parameters
        ----------
        seen
            The search's row as the decision knew it.
        epochs
            Epochs of each trial of the new round.
        deadlines
            Seconds that each job of the plan may take.
        """
        final = isinstance(plan, FinalPlan)
        values: dict[str, Any] = {
            "state": SearchState.FINALIZING if final else SearchState.RUNNING,
            "round": plan.number,
            "revision": search.c.revision + 1,
            "started_at": sa.func.coalesce(search.c.started_at, now()),
        }
        if isinstance(plan, FinalPlan):
            best = plan.recommended
            values["reason"] = plan.reason
            values["recommended"] = {
                "round": best.round,
                "index": best.index,
                "params": dict(best.params),
                "correct": best.correct,
                "examples": best.examples,
            }
        unmoved = sa.and_(
            search.c.id == seen.id,
            search.c.state == seen.state,
            search.c.round == seen.round,
            search.c.revision == seen.revision,
        )
        if not self.changed(search.update().where(unmoved).values(values)):
            return False
        self._insert_decisions(seen.id, seen.round, plan.decisions)
        self._insert_round(seen.id, plan, epochs, deadlines)
        self.record("final_frozen" if final else "advanced", search_id=seen.id,
                    detail={"round": plan.number})  # fmt: skip
        return True

    def _insert_decisions(self, search_id: str, number: int, decisions: Sequence[Decision]) -> None:
        if not decisions:
            return
        boxes = [box_to_json({"before": d.before, "after": d.after}) for d in decisions]
        self.connection.execute(
            decision.insert(),
            [
                {
                    "search_id": search_id,
                    "round": number,
                    "name": d.name,
                    **both,
                    "verdict": d.verdict,
                    "reason": d.reason,
                    "numbers": dict(d.numbers),
                }
                for d, both in zip(decisions, boxes, strict=True)
            ],
        )

    def _insert_round(
        self,
        search_id: str,
        plan: RoundPlan | FinalPlan,
        epochs: int,
        deadlines: Sequence[float],
    ) -> None:
        kind = RoundKind.FINAL if isinstance(plan, FinalPlan) else plan.kind
        jobs = [range(len(plan.trials))] if isinstance(plan, FinalPlan) else plan.jobs
        roles = plan.roles if isinstance(plan, FinalPlan) else [None] * len(plan.trials)
        self.connection.execute(
            round_.insert().values(
                search_id=search_id,
                number=plan.number,
                kind=kind,
                epochs=epochs,
                box=box_to_json(plan.box),
                created_at=now(),
                planned=len(plan.trials),
                open_jobs=len(jobs),
            )
        )
        rows = [
            {
                "search_id": search_id,
                "kind": kind,
                "round": plan.number,
                "number": number,
                "state": JobState.QUEUED,
                "trials": len(members),
                "epochs": epochs,
                "deadline_seconds": deadlines[number],
                "created_at": self._time(),
            }
            for number, members in enumerate(jobs)
        ]
        ids = self.connection.execute(
            job.insert().returning(job.c.id, sort_by_parameter_order=True), rows
        ).scalars()
        self.connection.execute(
            trial.insert(),
            [
                {
                    "search_id": search_id,
                    "round": plan.number,
                    "idx": index,
                    "job_id": job_id,
                    "role": roles[index],
                    "state": TrialState.PENDING,
                    "params": dict(plan.trials[index]),
                }
                for job_id, members in zip(ids, jobs, strict=True)
                for index in members
            ],
        )

    def _time(self) -> float:
        return self.connection.execute(sa.select(now())).scalar_one()

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
