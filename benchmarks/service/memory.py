"""Memory over 20,000 jobs: what a process holds must not follow what it has done."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.service.fleet import Fleet, Site, children, resident
from benchmarks.service.tables import Section

WORKERS = 2
JOBS = 20_000
SEARCHES = 2
SAMPLES = 20
SETTLED = 0.3  # of the jobs: caches of statements and connections are full by then
SECONDS = 600  # at the most
GROWTH_MOST = 5.0  # MB in 10,000 jobs


def run(site: Site) -> Section:
    """The table."""
    section = Section(
        f"Memory over {JOBS:,} jobs of one trial, no-op training",
        ["process", f"MB at {SETTLED:.0%} of the jobs", "MB at the end", "MB in 10,000 jobs"],
    )
    with site.fleet("postgresql, synchronous_commit off", job_size=1) as fleet:
        client = fleet.api()
        for seed in range(SEARCHES):
            fleet.submit(trials_per_round=JOBS // SEARCHES, seed=seed)
        fleet.services.jobs.advance_due()
        fleet.loop()
        fleet.workers(WORKERS)
        samples: list[tuple[int, dict[str, int]]] = []
        end = time.monotonic() + SECONDS
        # Whoever finishes a round's last job decides on 10,000 trials: that is another table.
        while (done := fleet.trials_done()) < JOBS * 0.99 and time.monotonic() < end:
            client.get("/searches").raise_for_status()
            if done >= len(samples) * JOBS / SAMPLES:
                samples.append((done, _resident(fleet)))
        if done < JOBS * 0.99:
            section.broken.append(f"{done:,} of {JOBS:,} jobs after {SECONDS} s")
        late = [sample for sample in samples if sample[0] >= SETTLED * JOBS]
        for name in sorted(late[0][1]):
            growth = _slope([(n, held[name]) for n, held in late if name in held])
            section.add(name, late[0][1][name] / 1e6, late[-1][1].get(name, 0) / 1e6, growth)
            if growth > GROWTH_MOST:
                section.broken.append(f"{name} grows by {growth:.1f} MB in 10,000 jobs")
        fleet.stop()
        section.verify(fleet.settings.database, ended=False)
    return section


def _resident(fleet: Fleet) -> dict[str, int]:
    """Bytes of each process of ours, by name."""
    held = {}
    for name, process in fleet.processes.items():
        held[name] = resident(process.pid)
        for number, child in enumerate(children(process.pid)):
            held[f"{name}, child {number + 1}"] = resident(child)
    return held


def _slope(points: Sequence[tuple[int, int]]) -> float:
    """MB in 10,000 jobs, by least squares."""
    jobs, held = np.array(points, dtype=float).T
    return float(np.polyfit(jobs / 10_000, held / 1e6, 1)[0])
