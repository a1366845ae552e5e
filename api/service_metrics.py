"""Metrics of the service for Prometheus: searches, queue, workers, and their work so far.

Every process of the API counts the same service, so a sum over processes counts it several
times: take one of them, or the maximum.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from hpsearch import disks
from hpsearch.service import Services
from hpsearch.service.metrics import Figures
from hpsearch.trials import SearchState

JOB_EVENTS = ("claimed", "done", "lost", "fenced", "failed", "cancelled")
SEARCH_EVENTS = (
    *("submitted", "advanced", "completed", "failed", "cancelled"),
    *("webhook_delivered", "webhook_given_up"),
)


class ServiceMetrics:
    """Gauges that are read at each scrape, and counters of what happened since the first one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"hpsearch_{name}", text, labels, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"hpsearch_{name}", text, labels, registry=registry)

        self._searches = gauge("searches", "Searches by state.", "state")
        self._undecided = gauge("searches_undecided", "Searches that wait for the loop.")
        self._unsent = gauge("hints_unsent", "Hints that belong on the broker and are not there.")
        self._jobs = gauge("jobs", "Jobs that have not ended.", "queue", "state")
        self._depth = gauge("queue_depth", "Queued jobs that a worker could claim now.", "queue")
        self._queued = gauge("oldest_queued_seconds", "Age of the oldest such job.", "queue")
        self._silent = gauge(
            "oldest_heartbeat_seconds", "Silence of the job that is silent longest.", "queue"
        )
        self._workers = gauge("workers", "Worker processes that have been heard within a lease.")
        self._loops = gauge("loops", "Loops that have been heard within a minute.")
        self._free = gauge("disk_free_bytes", "Room on the disk of a place.", "place")
        self._job_events = counter("job_events", "What happened to jobs.", "event")
        self._search_events = counter("search_events", "What happened to searches.", "event")
        self._trials = counter("trials_trained", "Trials of jobs that are done.")
        self._epochs = counter("epochs_trained", "Epochs of these trials.")
        # An event's first counts only where there was a 0 before.
        for kind in JOB_EVENTS:
            self._job_events.labels(kind)
        for kind in SEARCH_EVENTS:
            self._search_events.labels(kind)
        self._counting = threading.Lock()
        self._event: int | None = None

    def read(self, services: Services) -> None:
        """Bring everything up to date.

        Raises
        ------
        Unavailable
            The database does not answer.
        """
        with self._counting:  # two scrapes at once must not count the same events
            figures = services.metrics.figures(since=self._event)
            self._event = figures.event
            self._count(figures)
        for state in SearchState:
            self._searches.labels(state.value).set(figures.searches.get(state.value, 0))
        self._undecided.set(figures.undecided)
        self._unsent.set(figures.unsent)
        self._workers.set(figures.workers)
        self._loops.set(figures.loops)
        for name, queue in figures.queues.items():
            self._jobs.labels(name, "queued").set(queue.queued)
            self._jobs.labels(name, "running").set(queue.running)
            self._depth.labels(name).set(queue.claimable)
            self._queued.labels(name).set(queue.oldest_queued)
            self._silent.labels(name).set(queue.oldest_heartbeat)
        for place, folder in disks.places(services.settings).items():
            self._free.labels(place).set(_room(folder))

    def _count(self, figures: Figures) -> None:
        for kind, number in figures.job_events.items():
            self._job_events.labels(kind).inc(number)
        for kind, number in figures.search_events.items():
            self._search_events.labels(kind).inc(number)
        self._trials.inc(figures.trials)
        self._epochs.inc(figures.epochs)


def _room(folder: Path) -> float:
    """Free bytes; NaN of a disk that does not answer, which takes no other figure along."""
    try:
        return disks.free_bytes(folder)
    except OSError:
        return math.nan
