"""Figures of the whole service, over all owners, for its monitoring."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpsearch.data import DatasetStore
from hpsearch.records import LoopRecord, WorkerRecord
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx
from hpsearch.store.metrics_queries import Connections
from hpsearch.trials import Hint

# A turn of the loop may decide several searches by Gaussian processes, and beats between turns.
LOOP_SILENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """The jobs of one queue. Seconds are 0 where there is no such job."""

    queued: int = 0
    claimable: int = 0  # queued, of a search that runs, and due
    running: int = 0
    oldest_queued: float = 0.0
    oldest_heartbeat: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The service at one moment, and what has happened since an earlier one.

    searches
        By state; a state without any is left out.
    queues
        `jobs` and `final`.
    loops
        Those that have been heard within `LOOP_SILENT_SECONDS`.
    undecided
        Searches that wait for the loop.
    unsent
        Hints that belong on the broker and are not there.
    job_events, search_events
        Since the last look, by kind.
    event
        Up to which event was counted, for the next look.
    """

    searches: Mapping[str, int]
    queues: Mapping[str, QueueFigures]
    workers: int
    loops: int
    undecided: int
    unsent: int
    job_events: Mapping[str, int]
    search_events: Mapping[str, int]
    trials: int
    epochs: int
    event: int


class Metrics:
    """The use cases of whoever runs the service."""

    def __init__(self, store: Store, files: DatasetStore, settings: Settings) -> None:
        self._store, self._files = store, files
        self._lease, self._settings = settings.lease_seconds, settings

    def figures(self, *, since: int | None = None) -> Figures:
        """Count, and what has happened after the event `since`: nothing, where it is None.

        Costs as much as is queued, running and new, however much is stored.
        """
        return self._store.read(lambda tx: self._figures(tx, since))

    def workers(self) -> Sequence[WorkerRecord]:
        """The workers that have been heard within a lease."""
        return self._store.read(lambda tx: tx.metrics.workers(alive=self._lease))

    def loops(self) -> Sequence[LoopRecord]:
        """Every loop that has not stopped in order, the one that was heard last first."""
        return self._store.read(lambda tx: tx.loops.all_heard())

    def installation(self) -> str:
        """The id of this database's installation."""
        return self._store.read(lambda tx: tx.installation.id())

    def database(self) -> Mapping[str, str]:
        """Kind of the database and the way to it, as `Store.described` says it."""
        return self._store.described()

    def connections(self) -> Connections | None:
        """Connections that the database allows and has; None where it is SQLite, or a pooler's to say."""
        if self.database().get("pooler") == "yes":
            return None
        return self._store.read(lambda tx: tx.metrics.connections())

    def clock_offset(self) -> float:
        """Seconds by which the database's clock is ahead of this machine's."""
        before = time.time()
        theirs = self._store.read(lambda tx: tx.time())
        return theirs - (before + time.time()) / 2

    def missing_datasets(self) -> Sequence[str]:
        """Digests that the database names and whose files are not where this process looks.

        Raises
        ------
        Unavailable
            The datasets' place does not answer.
        """
        digests = self._store.read(lambda tx: tx.library.digests())
        return [digest for digest in digests if not self._files.exists(digest)]

    def _figures(self, tx: Tx, since: int | None) -> Figures:
        newest = tx.metrics.newest_event()
        events = [] if since is None else tx.metrics.events(after=since, until=newest)
        queued = {row.final: row for row in tx.metrics.queued()}
        running = {row.final: row for row in tx.metrics.running(lease=self._lease)}
        return Figures(
            searches=tx.metrics.searches(),
            queues={
                name: QueueFigures(
                    queued=waiting.jobs if waiting else 0,
                    claimable=waiting.claimable if waiting else 0,
                    running=taken.jobs if taken else 0,
                    oldest_queued=max((waiting and waiting.oldest) or 0.0, 0.0),
                    oldest_heartbeat=max(taken.oldest, 0.0) if taken else 0.0,
                )
                for name, final in (("jobs", False), ("final", True))
                for waiting, taken in [(queued.get(final), running.get(final))]
            },
            workers=len(tx.metrics.workers(alive=self._lease)),
            loops=sum(loop.silent < LOOP_SILENT_SECONDS for loop in tx.loops.all_heard()),
            undecided=len(tx.searches.due()),
            unsent=len(self._unsent(tx)),
            job_events={e.kind: e.number for e in events if e.about_job},
            search_events={e.kind: e.number for e in events if not e.about_job},
            trials=sum(e.trials for e in events),
            epochs=sum(e.epochs for e in events),
            event=max(newest, since or 0),
        )

    def _unsent(self, tx: Tx) -> Sequence[Hint]:
        """The hints that the loop sends at its next turn, if it can."""
        waiting = tx.window.waiting(
            per_slot=self._settings.hints_per_slot,
            alive=self._lease,
            republish=self._settings.republish_seconds,
        )
        return waiting.window
