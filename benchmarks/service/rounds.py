"""From the last finish of a round to the first start of the next, and what of it is deciding."""

from __future__ import annotations

import time

from support.bench import OWNER

from benchmarks.service.fleet import Fleet, Site, wait
from benchmarks.service.tables import Section, percentile
from hpsearch.coordinator import Snapshot, decide

SEARCHES = 6
SPEC = {
    "rounds": 4, "trials_per_round": 32, "sampler": "sobol", "narrowing": "level_set",
    "epochs": {"first": 1, "last": 3},
}  # fmt: skip


def run(site: Site) -> Section:
    """The table."""
    section = Section(
        "Gap between rounds, 4 rounds of 32 trials, sobol and level_set",
        ["store", "gaps", "p50 ms", "p95 ms", "longest ms", "of it deciding, p50 ms"],
    )
    for kind in ("postgresql, synchronous_commit on", "sqlite"):
        with site.fleet(kind, job_size=8) as fleet:
            fleet.loop()
            fleet.workers(2)
            ids = []
            for seed in range(SEARCHES):
                ids.append(fleet.submit(**SPEC, seed=seed))
                wait(lambda: _ended(fleet, ids[-1]), what="a search")  # noqa: B023  # at once
            fleet.stop()
            gaps = [g for i in ids[1:] for g in _gaps(fleet, i)]  # the first one loads modules
            deciding = [1000 * s for i in ids[1:] for s in _deciding(fleet, i)]
            section.add(
                kind, len(gaps), percentile(gaps, 0.5), percentile(gaps, 0.95), max(gaps),
                percentile(deciding, 0.5),
            )  # fmt: skip
            section.verify(fleet.settings.database, ended=True)
    section.notes.append("Deciding: the coordinator alone, on the same snapshots, in one process.")
    return section


def _ended(fleet: Fleet, search_id: str) -> bool:
    return fleet.services.searches.status(search_id, owner=OWNER).finished_at is not None


def _gaps(fleet: Fleet, search_id: str) -> list[float]:
    """Milliseconds, by the database's clock, between rounds that train."""
    events = fleet.services.store.events(search_id)
    rounds: list[list[float]] = []
    done = 0.0
    for event in events:
        if event.kind in ("advanced", "final_frozen"):
            rounds.append([done])
        elif event.kind == "claimed" and len(rounds[-1]) == 1:
            rounds[-1].append(event.at)
        elif event.kind == "done":
            done = event.at
    return [1000 * (start - end) for end, start in rounds[1:]]


def _deciding(fleet: Fleet, search_id: str) -> list[float]:
    """Seconds that each decision after a round takes."""
    row, rounds, trials = fleet.services.store.read(
        lambda tx: (
            tx.searches.get(search_id), tx.trials.rounds(search_id),
            tx.trials.of(search_id),
        )
    )  # fmt: skip
    took = []
    for after in range(1, len(rounds)):
        seen = Snapshot.of(row, rounds, trials, after=after, seconds=None)
        began = time.perf_counter()
        decide(seen, job_size=8)
        took.append(time.perf_counter() - began)
    return took
