"""Advancing a search: read a snapshot, decide without holding a transaction, write once.

Two processes may do this at the same moment; the write is conditional on the revision that
was read, so one of them writes and the other finds that it is too late.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from hpsearch import reasons
from hpsearch.coordinator import Snapshot, decide
from hpsearch.errors import SystemFault
from hpsearch.records import SearchRecord
from hpsearch.report import digest
from hpsearch.settings import Settings
from hpsearch.spec import ResolvedSpec
from hpsearch.store import Store, Tx
from hpsearch.training.numerics import fingerprint, fitted_with
from hpsearch.trials import (
    ADVANCING,
    GiveUp,
    JobState,
    SearchState,
    TrainingPlan,
)

log = logging.getLogger(__name__)


def advance(store: Store, settings: Settings, search_id: str) -> bool:
    """Bring a search whose round is over to what comes next; False when there is nothing to do.

    A decision that raises, or cannot be written, is a fault of ours: it fails this one search,
    and no other search has to wait behind it. Faults of the machine pass, and the next turn
    tries again.
    """
    read = store.read(lambda tx: _snapshot(tx, search_id))
    if read is None:
        return False
    search, now = read
    try:
        if search.state is SearchState.FINALIZING:
            return _complete(store, search)
        plan = decide(now, job_size=settings.job_size)
        if isinstance(plan, GiveUp):
            return _fail(store, search, reasons.words(plan.reason))
        return _apply(store, settings, search, now, plan)
    except SystemFault:
        raise
    except (MemoryError, OSError):
        log.exception("the search has to wait")
        return False
    except Exception as error:  # see above
        log.exception("the search cannot go on")
        what = str(error).partition("\n")[0]  # a database adds its statement and all parameters
        reason = f"internal error after round {search.round}: {type(error).__name__}: {what}"
        return _fail(store, search, reason[:2000])


def _apply(
    store: Store, settings: Settings, search: SearchRecord, now: Snapshot, plan: TrainingPlan
) -> bool:
    """Write a plan; False when somebody else has moved the search on."""
    seconds = deadlines(now.resolved, plan, settings)
    numbers = {**fingerprint(), **fitted_with(search.spec, search.facts)}
    written = store.write(
        lambda tx: tx.plans.apply(search, plan, deadlines=seconds, fingerprint=numbers)
    )
    if written:
        log.info("round %d begins: %s, %d trials", plan.number, plan.kind, len(plan.trials))
    return written


def _fail(store: Store, search: SearchRecord, reason: str) -> bool:
    """Fail a search, unless it has moved on since it was read."""
    failed = store.write(
        lambda tx: tx.searches.move(
            search.id,
            from_=[search.state],
            to=SearchState.FAILED,
            reason=reason,
            revision=search.revision,
        )
    )
    if failed:
        log.warning("the search has failed: %s", reason)
    return failed


def deadlines(resolved: ResolvedSpec, plan: TrainingPlan, settings: Settings) -> Sequence[float]:
    """The seconds that each of the plan's jobs may take."""
    seconds = resolved.workload.seconds
    return [seconds([plan.trials[i] for i in job], plan.epochs, settings) for job in plan.jobs]


def _complete(store: Store, search: SearchRecord) -> bool:
    """Close a search whose final test is done, with its digest."""

    def read(tx: Tx) -> tuple[str | None, str | None] | None:
        final = tx.final.get(search.id)
        if final is None or final.state is not JobState.DONE:
            return None
        reason = digest.withheld(
            [*tx.queue.fingerprints(search.id), *tx.plans.deciders(search.id)],
            tx.queue.failed(search.id),
            search.resolved().spec.max_seconds,
            rules=search.rules,
        )
        if reason is not None:
            return None, reason
        lines = digest.trial_lines(tx.trials.of(search.id), digest.covered(search.resolved()))
        return digest.search_digest(search, lines, final.ensemble_correct), None

    outcome = store.read(read)
    if outcome is None:
        return False
    made, reason = outcome
    completed = store.write(
        lambda tx: tx.searches.finish(search.id, digest=made, digest_reason=reason)
    )
    if completed:
        log.info("the search is completed, digest %s", made)
    return completed


def _snapshot(tx: Tx, search_id: str) -> tuple[SearchRecord, Snapshot] | None:
    """A search and its state; None while jobs are open or it does not run."""
    search = tx.searches.get(search_id)
    if search is None or search.state not in ADVANCING:
        return None
    rounds = tx.trials.rounds(search_id)
    if any(r.open_jobs for r in rounds):
        return None
    trials = tx.trials.of(search_id)
    since = 0.0 if search.started_at is None else tx.time() - search.started_at
    return search, Snapshot.of(search, rounds, trials, after=search.round, seconds=since)
