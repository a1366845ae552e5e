"""What workers and the loop do: claim, heartbeat, finish, give back, advance, publish, reap.

Every method is safe to call twice and from two processes at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.coordinator import Snapshot, decide
from hpsearch.errors import HpsearchError
from hpsearch.report import digest
from hpsearch.service.searches import resolved
from hpsearch.settings import Settings
from hpsearch.space import Params, box_from_json
from hpsearch.spec import ResolvedSpec
from hpsearch.store import Row, Store, Tx, Written
from hpsearch.trials import (
    FinalPlan,
    GiveUp,
    Hint,
    JobOrder,
    JobReport,
    JobState,
    Observation,
    Role,
    RoundKind,
    RoundPlan,
    SearchState,
    TrialState,
)

log = logging.getLogger(__name__)

OBSERVED = (TrialState.COMPLETED, TrialState.STOPPED, TrialState.DIVERGED)


class Work:
    """The use cases of the processes behind the API."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    # --- one job -------------------------------------------------------------------------

    def claim(self, hint: Hint, *, worker_run: str) -> JobOrder | None:
        """Take the job that a hint points at; None when there is nothing to do."""
        lease = self._settings.lease_seconds

        def take(tx: Tx) -> JobOrder | None:
            if not tx.jobs.claim(hint, worker_run=worker_run, lease=lease):
                return None
            row = tx.jobs.get(hint.job_id)
            assert row is not None  # just claimed
            members = tx.jobs.members(hint.job_id)
            return JobOrder(
                search_id=row.search_id,
                kind=RoundKind(row.kind),
                round=row.round,
                epochs=row.epochs,
                spec=row.spec,
                dataset=row.info,
                indices=[m.idx for m in members],
                params=[m.params for m in members],
                roles=[None if m.role is None else Role(m.role) for m in members],
            )

        return self._store.write(take)

    def heartbeat(self, hint: Hint, *, worker_run: str) -> bool:
        """Prolong the lease; False when the attempt is over and the work must stop."""
        lease = self._settings.lease_seconds
        return self._store.write(
            lambda tx: tx.jobs.heartbeat(hint, worker_run=worker_run, lease=lease)
        )

    def finish(self, hint: Hint, report: JobReport, *, worker_run: str) -> Written:
        """Store a job's results, once."""
        written = self._store.write(lambda tx: tx.jobs.finish(hint, report, worker_run=worker_run))
        if written is Written.FENCED:
            log.warning("results of job %d attempt %d come too late", hint.job_id, hint.attempt)
        return written

    def give_back(self, hint: Hint, error: str, *, losses: int = 0) -> Written:
        """Return a job whose worker could not finish it."""
        return self._give_back(hint, error, losses=losses, overdue=False)

    def open_test(self, hint: Hint, *, worker_run: str) -> bool:
        """Record an opening of the test part before it happens; False when fenced."""
        opened = self._store.write(lambda tx: tx.jobs.open_test(hint, worker_run=worker_run))
        if opened:
            log.info("the test part is opened by job %d attempt %d", hint.job_id, hint.attempt)
        return opened

    # --- the loop ------------------------------------------------------------------------

    def reap(self) -> int:
        """Take jobs back from workers that are gone or out of time; how many."""
        rows = self._store.read(lambda tx: tx.jobs.overdue())
        reaped = 0
        for row in rows:
            late = row[-1]
            error = (
                f"worker {row.worker_run} ran past the job's deadline"
                if late
                else f"worker {row.worker_run} stopped sending heartbeats"
            )
            hint = Hint(row.id, row.attempt)
            if self._give_back(hint, error, losses=row.losses, overdue=True) is not Written.FENCED:
                log.warning("job %d attempt %d: %s", row.id, row.attempt, error)
                reaped += 1
        return reaped

    def advance_due(self) -> int:
        """Advance every search whose round is over; how many moved on."""
        ids = self._store.read(lambda tx: tx.searches.due())
        return sum(self.advance(search_id) for search_id in ids)

    def advance(self, search_id: str) -> bool:
        """Decide what a search does next and write it; False when somebody else did.

        The decision is made outside any transaction, on rows read at one revision, and
        written only if that revision still stands. A decision that raises is a fault of ours:
        it fails this one search, and no other search has to wait behind it.
        """
        try:
            return self._advance(search_id)
        except HpsearchError:
            raise
        except Exception as error:  # see above
            log.exception("search %s cannot go on", search_id)
            reason = f"internal error after the last round: {type(error).__name__}: {error}"
            return self._fail(search_id, reason[:2000])

    def _fail(self, search_id: str, reason: str) -> bool:
        active = [SearchState.QUEUED, SearchState.RUNNING, SearchState.FINALIZING]
        return self._store.write(
            lambda tx: tx.searches.move(
                search_id, from_=active, to=SearchState.FAILED, reason=reason
            )
        )

    def _advance(self, search_id: str) -> bool:
        read = self._store.read(lambda tx: _snapshot(tx, search_id))
        if read is None:
            return False
        row, now = read
        if row.state == SearchState.FINALIZING:
            return self._complete(row)
        plan = decide(now, job_size=self._settings.job_size)
        if isinstance(plan, GiveUp):
            return self._fail(search_id, plan.reason)
        epochs, deadlines = self._durations(now.resolved, plan)
        return self._store.write(
            lambda tx: tx.searches.apply(row, plan, epochs=epochs, deadlines=deadlines)
        )

    def _durations(
        self, resolved: ResolvedSpec, plan: RoundPlan | FinalPlan
    ) -> tuple[int, Sequence[float]]:
        """Epochs of the plan's trials, and the seconds that each of its jobs may take."""
        jobs: Sequence[Sequence[int]]
        if isinstance(plan, FinalPlan):
            epochs, jobs = resolved.spec.final.epochs, [range(len(plan.trials))]
        else:
            epochs, jobs = plan.epochs, plan.jobs
        floor, pace = self._settings.deadline_floor_seconds, self._settings.deadline_gflops * 1e9
        return epochs, [
            floor + sum(resolved.flops(plan.trials[i], epochs) for i in job) / pace for job in jobs
        ]

    def hints(self, *, broker_is_empty: bool = False) -> Sequence[Hint]:
        """What to publish now. An empty broker has lost whatever was not claimed at once."""
        settings = self._settings
        republish = 2.0 if broker_is_empty else settings.republish_seconds
        return self._store.read(
            lambda tx: tx.jobs.hints(
                per_slot=settings.hints_per_slot,
                alive=settings.lease_seconds,
                republish=republish,
            )
        )

    def published(self, hints: Sequence[Hint]) -> None:
        """Note that hints have been sent."""
        if hints:
            self._store.write(lambda tx: tx.jobs.published(hints))

    # --- workers -------------------------------------------------------------------------

    def seen(self, worker_id: str, *, host: str, pid: int, fingerprint: Mapping[str, str]) -> None:
        """Note that a worker lives."""
        values = {"host": host, "pid": pid, "fingerprint": dict(fingerprint)}
        self._store.write(lambda tx: tx.jobs.seen(worker_id, values))

    def gone(self, worker_id: str) -> None:
        """Forget a worker that stopped."""
        self._store.write(lambda tx: tx.jobs.gone(worker_id))

    def sweep_workers(self) -> None:
        """Forget workers that have been silent for ten leases."""
        silent = 10 * self._settings.lease_seconds
        self._store.write(lambda tx: tx.jobs.gone(older_than=silent))

    # --- inside --------------------------------------------------------------------------

    def _give_back(self, hint: Hint, error: str, *, losses: int, overdue: bool) -> Written:
        delay = self._settings.retry_seconds * 2**losses
        return self._store.write(
            lambda tx: tx.jobs.give_back(
                hint,
                error[:2000],
                max_losses=self._settings.max_losses,
                delay=delay,
                overdue=overdue,
            )
        )

    def _complete(self, row: Row) -> bool:
        """Close a search whose final test is done, with its digest."""

        def read(tx: Tx) -> tuple[str | None, str | None] | None:
            final = tx.jobs.final(row.id)
            if final is None or final.state != JobState.DONE:
                return None
            reason = digest.withheld(tx.jobs.fingerprints(row.id), tx.jobs.lost(row.id))
            if reason is not None:
                return None, reason
            lines = digest.trial_lines(tx.searches.trials(row.id))
            return (
                digest.search_digest(row.spec, row.dataset_digest, lines, final.ensemble_correct),
                None,
            )

        found = self._store.read(read)
        if found is None:
            return False
        return self._store.write(
            lambda tx: tx.searches.finish(row.id, digest=found[0], digest_reason=found[1])
        )


def observations(rows: Sequence[Any]) -> list[Observation]:
    """The observations in stored trials, in order of (round, index)."""
    return [
        Observation(
            round=r.round,
            index=r.idx,
            params=restored(r.params),
            state=TrialState(r.state),
            epochs=r.epochs,
            correct=r.correct,
            examples=r.examples,
            loss=r.loss,
        )
        for r in rows
        if r.role is None and r.state in OBSERVED
    ]


def restored(params: Mapping[str, Any]) -> Params:
    """Parameters as they were before JSON turned tuples into lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}


def _snapshot(tx: Tx, search_id: str) -> tuple[Row, Snapshot] | None:
    """A search and what is known about it; None while jobs are open or it does not run."""
    row = tx.searches.get(search_id)
    active = (SearchState.QUEUED, SearchState.RUNNING, SearchState.FINALIZING)
    if row is None or row.state not in active:
        return None
    rounds = tx.searches.rounds(search_id)
    if any(r.open_jobs for r in rounds):
        return None
    what = resolved(row)
    trials = tx.searches.trials(search_id)
    return row, Snapshot(
        resolved=what,
        round=row.round,
        box=box_from_json(rounds[-1].box) if rounds else what.box,
        observations=observations(trials),
        failed=sum(t.state == TrialState.FAILED for t in trials),
    )
