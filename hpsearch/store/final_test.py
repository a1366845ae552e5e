"""The final test of a search: its openings of the sealed part, its models, its second run."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from hpsearch.records import FinalRecord, JobRecord, SearchRecord, TrialRecord
from hpsearch.store.clock import now
from hpsearch.store.queries import Queries, columns
from hpsearch.store.statements import ours
from hpsearch.store.tables import dataset_content, job, search, trial
from hpsearch.trials import Hint, JobState, Role, RoundKind, TrialState


class FinalTest(Queries):
    """The final jobs of searches, and how often the test part of a dataset was opened."""

    def get(self, search_id: str) -> FinalRecord | None:
        """The one final job of a search.

        Of several, where every trial is a job, the recommended model's, with the openings of the
        one that was handed out most often.
        """
        most = sa.func.max(job.c.openings).over().label("openings")
        selected = [most if c is job.c.openings else c for c in columns(FinalRecord, job)]
        query = sa.select(*selected).where(
            job.c.search_id == search_id, job.c.kind == RoundKind.FINAL
        )
        return self.one(FinalRecord, query.order_by(job.c.number).limit(1))

    def is_spare(self, job_id: int) -> bool:
        """True of a final job without the recommended model: its test does not depend on it."""
        return not self.exists(_recommended(sa.literal(job_id)))

    def failed_spares(self, search_id: str) -> Sequence[tuple[JobRecord, int]]:
        """The failed jobs without the recommended model whose trial is pending, and its index."""
        query = (
            sa.select(*columns(JobRecord, job), trial.c.idx)
            .join(trial, trial.c.job_id == job.c.id)
            .where(*_failed(search_id), ~_recommended(job.c.id).exists())
            .order_by(job.c.number)
        )
        return [(JobRecord(*row[:-1]), row[-1]) for row in self.connection.execute(query)]

    def models(self, search_id: str) -> Sequence[TrialRecord]:
        """The models of the final test by index; none before it is frozen."""
        query = sa.select(*columns(TrialRecord, trial)).where(
            trial.c.search_id == search_id, trial.c.role.is_not(None)
        )
        return self.all(TrialRecord, query.order_by(trial.c.idx))

    def open(self, hint: Hint, *, worker_run: str) -> bool:
        """Count an opening of the sealed test part, before it happens; False when fenced.

        An attempt opens once: asked again, because an answer was lost, it counts nothing.
        """
        mine = sa.and_(*ours(hint, worker_run), job.c.kind == RoundKind.FINAL)
        if not self._count_attempt(mine, hint):
            return self.exists(sa.select(job.c.id).where(mine))
        digest = self.connection.execute(
            sa.select(search.c.dataset_digest)
            .join(job, job.c.search_id == search.c.id)
            .where(job.c.id == hint.job_id)
        ).scalar_one()
        self.count_opening(digest)
        self.record_job("test_opened", hint, {"dataset": digest})
        return True

    def hand_out(self, hint: Hint) -> None:
        """Count that a final trial goes to a trainer elsewhere, who then sees the test part.

        Once for each attempt, also where a claim is repeated because its answer was lost.
        """
        self._count_attempt(job.c.id == hint.job_id, hint)

    def _count_attempt(self, mine: sa.ColumnElement[bool], hint: Hint) -> bool:
        """Count an opening by this attempt; False where it was counted before."""
        first = sa.func.coalesce(job.c.opened_attempt, 0) != hint.attempt
        return self.changed(
            job.update()
            .where(mine, first)
            .values(
                openings=job.c.openings + 1,
                opened_at=sa.func.coalesce(job.c.opened_at, now()),
                opened_attempt=hint.attempt,
            )
        )

    def open_again(self, replayed: SearchRecord) -> None:
        """Record that a replay opens the test part once more, for a completed search."""
        assert replayed.dataset_digest is not None  # the service has trained it
        self.count_opening(replayed.dataset_digest)
        detail = {"dataset": replayed.dataset_digest}
        self.record("test_opened", search_id=replayed.id, detail=detail)

    def count_opening(self, digest: str) -> None:
        """Count one more opening of a dataset's test part."""
        self.connection.execute(
            dataset_content.update()
            .where(dataset_content.c.digest == digest)
            .values(openings=dataset_content.c.openings + 1)
        )

    def requeue(self, search_id: str) -> None:
        """Put what has failed of the frozen final test back into the queue."""
        again = self.connection.execute(
            job.update()
            .where(*_failed(search_id), _recommended(job.c.id).exists())
            .values(
                state=JobState.QUEUED,
                attempt=job.c.attempt + 1,
                losses=0,
                published_at=None,
                not_before=None,
                finished_at=None,
                worker_run=None,
            )
            .returning(job.c.id, job.c.attempt)
        ).all()
        for job_id, attempt in again:
            self.record("requeued", search_id=search_id, job_id=job_id, attempt=attempt)


_MEMBER = trial.alias("member")  # in subqueries, beside the trials of the query itself


def _failed(search_id: str) -> list[sa.ColumnElement[bool]]:
    """The conditions of failed final jobs whose trials are still pending."""
    pending = sa.select(_MEMBER.c.idx).where(
        _MEMBER.c.job_id == job.c.id, _MEMBER.c.state == TrialState.PENDING
    )
    return [
        job.c.search_id == search_id,
        job.c.kind == RoundKind.FINAL,
        job.c.state == JobState.FAILED,
        pending.exists(),
    ]


def _recommended(job_id: sa.ColumnElement[int]) -> sa.Select[tuple[int]]:
    """The recommended model in a final job."""
    return sa.select(_MEMBER.c.idx).where(
        _MEMBER.c.job_id == job_id, _MEMBER.c.role == Role.RECOMMENDED
    )
