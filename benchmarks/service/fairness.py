"""A hundred searches at once: a small one must not wait behind the large ones."""

from __future__ import annotations

import sqlalchemy as sa

from benchmarks.service.fleet import Fleet, Site, wait
from benchmarks.service.tables import Section
from hpsearch.store.tables import event, job
from hpsearch.trials import JobState
from worker.tasks import STAY_SECONDS

WORKERS = 2
SECONDS = 0.02  # a job; the workers sleep that long, so that the queue is what is measured
MEDIUM, MEDIUM_TRIALS = 98, 300
LARGE_TRIALS = 9_990
SMALL_TRIALS = 10


def run(site: Site) -> Section:
    """The table."""
    section = Section(
        f"A search of {SMALL_TRIALS} trials, alone and beside 99 others, {WORKERS} workers",
        ["beside", "seconds to the end of its first round", "seconds to its result",
         "other jobs that were claimed before its own"],
    )  # fmt: skip
    with site.fleet("postgresql, synchronous_commit on") as fleet:
        fleet.loop()
        fleet.workers(WORKERS, seconds=SECONDS)
        _small(fleet, seed=1)  # loads what is loaded once
        section.add("nothing", *_small(fleet, seed=2))
        fleet.submit(trials_per_round=LARGE_TRIALS, seed=3)
        for seed in range(MEDIUM):
            fleet.submit(trials_per_round=MEDIUM_TRIALS, seed=100 + seed)
        wait(lambda: _searches_at_work(fleet) > MEDIUM, what="all searches to begin")
        before = _claims(fleet)
        first, whole, others = _small(fleet, seed=4)
        section.add(
            f"{MEDIUM} of {MEDIUM_TRIALS} trials, one of {LARGE_TRIALS:,}", first, whole, others
        )
        queued = _queued(fleet)
        if not queued:
            section.broken.append("nothing was left in the queue: there was nobody to wait behind")
        window = WORKERS * (fleet.settings.hints_per_slot + 1)
        most = round(window * (1 + STAY_SECONDS / SECONDS))
        section.notes.append(
            f"{queued:,} jobs were still queued when the small search had its result. With the "
            f"broker are {window} jobs at the most, each followed by those that fit into "
            f"{STAY_SECONDS:g} s: up to {most} may go first."
        )
        if others > most:
            section.broken.append(f"{others} jobs of others went before the small search's")
        served = _claims(fleet) - before
        section.notes.append(f"{served:,} jobs were claimed in that time.")
        fleet.stop()
        section.verify(fleet.settings.database, ended=False)
    return section


def _small(fleet: Fleet, *, seed: int) -> tuple[float, float, int]:
    """Seconds to its first round's end and to its result; jobs of others before its first."""
    before = _claims(fleet)
    search_id = fleet.submit(trials_per_round=SMALL_TRIALS, seed=seed)

    def ended() -> bool:
        return any(e.kind == "completed" for e in fleet.services.store.events(search_id))

    wait(ended, what="the small search")
    events = fleet.services.store.events(search_id)
    at = {e.kind: e.at for e in reversed(events)}  # the first of each kind
    first_claim = next(e for e in events if e.kind == "claimed")
    return (
        at["done"] - at["submitted"],
        at["completed"] - at["submitted"],
        _claims(fleet, until=first_claim.id) - before - 1,
    )


def _claims(fleet: Fleet, until: int | None = None) -> int:
    query = sa.select(sa.func.count()).where(event.c.kind == "claimed")
    if until is not None:
        query = query.where(event.c.id <= until)
    return _count(fleet, query)


def _queued(fleet: Fleet) -> int:
    return _count(fleet, sa.select(sa.func.count()).where(job.c.state == JobState.QUEUED))


def _searches_at_work(fleet: Fleet) -> int:
    """Searches that have had a first round."""
    return _count(fleet, sa.select(sa.func.count(job.c.search_id.distinct()))) - 2


def _count(fleet: Fleet, query: sa.Select[tuple[int]]) -> int:
    with fleet.services.store.engines.read.connect() as connection:
        return connection.execute(query).scalar_one()
