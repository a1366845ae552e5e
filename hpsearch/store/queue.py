"""The queue: claims, leases, and what runs. Every write is fenced by the attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hpsearch.records import ClaimedJob, JobRecord, RunningJob, Task
from hpsearch.space import params_from_json
from hpsearch.store import compound, statements
from hpsearch.store.clock import now
from hpsearch.store.constants import constant
from hpsearch.store.queries import Queries, columns
from hpsearch.store.tables import job, search
from hpsearch.trials import Hint, JobState, Role, RoundKind

JOB = columns(JobRecord, job)


class Queue(Queries):
    """Jobs that wait or run, and who runs them."""

    def get(self, job_id: int) -> JobRecord | None:
        """A job."""
        query = sa.select(*JOB, search.c.dataset_digest).join(
            search, search.c.id == job.c.search_id
        )
        return self.one(JobRecord, query.where(job.c.id == job_id))

    def claim(
        self, hint: Hint, *, worker_run: str, lease: float, external: bool = False
    ) -> ClaimedJob | None:
        """Take a queued job; None when the hint is stale or the search does not run.

        A job belongs to workers, or to trainers elsewhere (`external`), never to both.
        """
        single = statements.CLAIM_EXTERNAL if external else statements.CLAIM
        fence = statements.fence(hint, worker_run)
        values = {**fence, "a_lease": lease}
        recorded = {"a_kind": "claimed", "a_detail": {"worker_run": worker_run}}
        if self.dialect.compound:
            statement = compound.claim(single)
            row = self.connection.execute(statement, {**values, **recorded}).first()
            if row is not None:
                *of_job, tasks = row
                return ClaimedJob._make((*of_job, _tasks(tasks)))
        else:
            row = self.connection.execute(single, values).first()
            if row is not None:
                subject = {**fence, **recorded, "a_search": row.search_id}
                self.connection.execute(statements.RECORD, subject)
                return self._claimed(statements.SERVE, hint, *row)
        # The answer to an earlier COMMIT may have been lost: the row says if it is ours.
        held = self.connection.execute(statements.HELD, fence).first()
        return None if held is None else self._claimed(statements.SUBJECT, hint, *held)

    def claim_beside(
        self,
        claimed: ClaimedJob,
        *,
        worker_run: str,
        lease: float,
        most: int,
        seconds: float,
        republish: float,
    ) -> Sequence[tuple[Hint, ClaimedJob]]:
        """Take up to `most` further jobs of the round of one that this transaction has claimed.

        None where the search does not run, and none that was held before, may take longer than `seconds`,
        or was published within `republish` seconds.
        """
        recorded = {"a_kind": "claimed", "a_detail": {"worker_run": worker_run}}
        values = {
            "a_search": claimed.search_id, "a_round": claimed.round, "a_run": worker_run,
            "a_lease": lease, "a_limit": seconds, "republish": republish, "some_jobs": most,
        }  # fmt: skip
        if self.dialect.compound:
            statement = compound.claim_beside(statements.CLAIM_BESIDE)
            rows = self.connection.execute(statement, {**values, **recorded})
            return [
                (Hint(job_id, attempt), claimed._replace(epochs=epochs, tasks=_tasks(tasks)))
                for job_id, attempt, epochs, tasks in rows
            ]
        further = []
        for row in self.connection.execute(statements.CLAIM_BESIDE, values).all():
            hint = Hint(row.id, row.attempt)
            subject = {**statements.fence(hint, worker_run), **recorded}
            self.connection.execute(statements.RECORD, {**subject, "a_search": claimed.search_id})
            further.append((hint, claimed._replace(epochs=row.epochs, tasks=self._tasks(hint))))
        return further

    def _claimed(
        self,
        statement: sa.Executable,
        hint: Hint,
        search_id: str,
        kind: RoundKind,
        number: int,
        epochs: int,
    ) -> ClaimedJob:
        """The claimed job, with all there is to know of it."""
        values = {"a_search": search_id, "a_round": number}
        spec, info, rungs = self.connection.execute(statement, values).one()
        return ClaimedJob(search_id, kind, number, epochs, spec, info, rungs, self._tasks(hint))

    def _tasks(self, hint: Hint) -> Sequence[Task]:
        rows = self.connection.execute(statements.TASKS, {"a_job": hint.job_id})
        return [Task._make(task) for task in rows]

    def held(self, worker_run: str) -> Sequence[Hint]:
        """The jobs that a worker has claimed and not ended, the newest claims first."""
        query = (
            sa.select(job.c.id, job.c.attempt)
            .where(job.c.state == constant(JobState.RUNNING), job.c.worker_run == worker_run)
            .order_by(job.c.claimed_at.desc(), job.c.id)
        )
        return [Hint(*row) for row in self.connection.execute(query)]

    def waiting_of(self, search_id: str, limit: int) -> Sequence[Hint]:
        """The first jobs of one search that wait for a trainer."""
        query = (
            sa.select(job.c.id, job.c.attempt, job.c.kind)
            .where(
                job.c.search_id == search_id,
                job.c.state == constant(JobState.QUEUED),
                statements.due(),
            )
            .order_by(job.c.round, job.c.number)
            .limit(limit)
        )
        return [Hint(*row) for row in self.connection.execute(query)]

    def heartbeat(self, hint: Hint, *, worker_run: str, lease: float) -> bool:
        """Prolong the lease; False when the attempt is over."""
        return self.changed(
            job.update()
            .where(*statements.ours(hint, worker_run))
            .values(heartbeats=job.c.heartbeats + 1, lease_until=now() + lease)
        )

    def put_back(self, hint: Hint, *, worker_run: str) -> bool:
        """Queue a job again that its trainer returned: the next attempt, at once, and no loss."""
        returned = self.changed(
            job.update()
            .where(*statements.ours(hint, worker_run))
            .values(
                state=JobState.QUEUED,
                attempt=job.c.attempt + 1,
                not_before=None,
                lease_until=None,  # `worker_run` stays: who returned it may say so again
            )
        )
        if returned:
            self.record_job("returned", hint, {"worker_run": worker_run})
        return returned

    def put_back_unbegun(self, hints: Sequence[Hint], search_id: str, *, worker_run: str) -> int:
        """Queue jobs of a search again that their worker has not begun; how many there were."""
        returned = sum(self.put_back(hint, worker_run=worker_run) for hint in hints)
        if returned:
            self.connection.execute(statements.TOUCH, {"a_search": search_id})
        return returned

    def running(self) -> Sequence[RunningJob]:
        """The running jobs of all searches."""
        expired = (job.c.lease_until < now()).label("expired")
        query = sa.select(*columns(RunningJob, job), expired)
        return self.all(RunningJob, query.where(job.c.state == constant(JobState.RUNNING)))

    def fingerprints(self, search_id: str) -> Sequence[Mapping[str, str]]:
        """The numeric fingerprints under which a search's jobs ran."""
        query = sa.select(job.c.fingerprint).where(
            job.c.search_id == search_id, job.c.fingerprint.is_not(None)
        )
        # Trainers elsewhere have none.
        return [made for made in self.connection.execute(query).scalars() if made]

    def failed(self, search_id: str) -> int:
        """Number of a search's jobs that failed because their workers were lost."""
        query = sa.select(sa.func.count()).where(
            job.c.search_id == search_id, job.c.state == JobState.FAILED
        )
        return self.connection.execute(query).scalar_one()

    def cancel(self, search_id: str) -> Sequence[Hint]:
        """Take back everything of a search that is queued or running; whoever runs it is fenced."""
        open_states = (JobState.QUEUED, JobState.RUNNING)
        taken = self.connection.execute(
            job.update()
            .where(job.c.search_id == search_id, job.c.state.in_(open_states))
            .values(state=JobState.CANCELLED, finished_at=now())
            .returning(job.c.id, job.c.attempt)
        ).all()
        return [Hint(*row) for row in taken]


def _tasks(rows: Sequence[tuple[int, Mapping[str, Any], str | None, int]]) -> Sequence[Task]:
    """The tasks of a job from the JSON that a compound statement makes of its trials' rows."""
    return [
        Task(idx, params_from_json(params), None if role is None else Role(role), cohort)
        for idx, params, role, cohort in rows
    ]
