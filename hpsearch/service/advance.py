"""Advancing a search: read a snapshot, decide without holding a transaction, write once.

Two processes may do this at the same moment; the write is conditional on the revision that
was read, so one of them writes and the other finds that it is too late.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from hpsearch.coordinator import Snapshot, decide
from hpsearch.errors import HpsearchError
from hpsearch.report import digest
from hpsearch.service.snapshots import snapshot
from hpsearch.service.stored import resolved
from hpsearch.settings import Settings
from hpsearch.spec import ResolvedSpec
from hpsearch.store import Row, Store, Tx
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import (
    ADVANCING,
    FinalPlan,
    GiveUp,
    JobState,
    RoundKind,
    RoundPlan,
    SearchState,
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
    row, now = read
    try:
        if row.state == SearchState.FINALIZING:
            return _complete(store, row)
        plan = decide(now, job_size=settings.job_size)
        if isinstance(plan, GiveUp):
            return _fail(store, row, plan.reason)
        return _apply(store, settings, row, now, plan)
    except HpsearchError:
        raise
    except (MemoryError, OSError):
        log.exception("the search has to wait")
        return False
    except Exception as error:  # see above
        log.exception("the search cannot go on")
        what = str(error).partition("\n")[0]  # a database adds its statement and all parameters
        reason = f"internal error after round {row.round}: {type(error).__name__}: {what}"
        return _fail(store, row, reason[:2000])


def _apply(
    store: Store, settings: Settings, row: Row, now: Snapshot, plan: RoundPlan | FinalPlan
) -> bool:
    """Write a plan; False when somebody else has moved the search on."""
    epochs, deadlines = durations(now.resolved, plan, settings)
    written = store.write(
        lambda tx: tx.searches.apply(
            row, plan, epochs=epochs, deadlines=deadlines, fingerprint=fingerprint()
        )
    )
    if written:
        kind = RoundKind.FINAL if isinstance(plan, FinalPlan) else plan.kind
        log.info("round %d begins: %s, %d trials", plan.number, kind, len(plan.trials))
    return written


def _fail(store: Store, seen: Row, reason: str) -> bool:
    """Fail a search, unless it has moved on since it was read."""
    failed = store.write(
        lambda tx: tx.searches.move(
            seen.id,
            from_=[SearchState(seen.state)],
            to=SearchState.FAILED,
            reason=reason,
            revision=seen.revision,
        )
    )
    if failed:
        log.warning("the search has failed: %s", reason)
    return failed


def durations(
    resolved: ResolvedSpec, plan: RoundPlan | FinalPlan, settings: Settings
) -> tuple[int, Sequence[float]]:
    """Epochs of the plan's trials, and the seconds that each of its jobs may take."""
    jobs: Sequence[Sequence[int]]
    if isinstance(plan, FinalPlan):
        epochs, jobs = resolved.spec.final.epochs, plan.jobs
    else:
        epochs, jobs = plan.epochs, plan.jobs
    seconds = resolved.workload.seconds
    return epochs, [seconds([plan.trials[i] for i in job], epochs, settings) for job in jobs]


def _complete(store: Store, row: Row) -> bool:
    """Close a search whose final test is done, with its digest."""

    def read(tx: Tx) -> tuple[str | None, str | None] | None:
        final = tx.jobs.final(row.id)
        if final is None or final.state != JobState.DONE:
            return None
        reason = digest.withheld(
            [*tx.jobs.fingerprints(row.id), *tx.searches.deciders(row.id)],
            tx.jobs.lost(row.id),
            row.spec.get("max_seconds"),
            rules=row.rules,
        )
        if reason is not None:
            return None, reason
        scored = not resolved(row).workload.classifies
        lines = digest.trial_lines(tx.searches.trials(row.id), scored=scored)
        ensemble = final.ensemble_correct
        return digest.search_digest(row, lines, ensemble), None

    found = store.read(read)
    if found is None:
        return False
    completed = store.write(
        lambda tx: tx.searches.finish(row.id, digest=found[0], digest_reason=found[1])
    )
    if completed:
        log.info("the search is completed, digest %s", found[0])
    return completed


def _snapshot(tx: Tx, search_id: str) -> tuple[Row, Snapshot] | None:
    """A search and what is known about it; None while jobs are open or it does not run."""
    row = tx.searches.get(search_id)
    if row is None or row.state not in ADVANCING:
        return None
    rounds = tx.searches.rounds(search_id)
    if any(r.open_jobs for r in rounds):
        return None
    trials = tx.searches.trials(search_id)
    since = 0.0 if row.started_at is None else tx.time() - row.started_at
    return row, snapshot(row, rounds, trials, after=row.round, seconds=since)
