"""Jobs per second without training, against Optuna and against Celery alone, in one run."""

from __future__ import annotations

import time

from benchmarks.service import peers
from benchmarks.service.fleet import Fleet, Site, wait
from benchmarks.service.tables import Section

WORKERS = 2
TRIALS = 30  # a job
JOBS_OF_SEARCH = 333
SEARCHES = 4
WARM, MEASURED = 150, 1_000  # jobs
STORES = {
    "postgresql, synchronous_commit off": "fsync on",
    "postgresql, synchronous_commit on": "fsync on; claims do not wait for the disk",
    "sqlite": "WAL, synchronous FULL; claims NORMAL",
}


def run(site: Site) -> Section:
    """The table."""
    section = Section(
        f"Jobs per second, no-op training, {WORKERS} workers",
        ["what", "durability", "jobs/s", "trials/s", "CPU ms a job", "ratio to Celery alone"],
    )
    bare = peers.celery(site, WORKERS)
    section.add("Celery alone, empty task", "none", bare, None, None, 1.0)
    for kind, durability in STORES.items():
        with site.fleet(kind) as fleet:
            rate, cpu = measured(fleet)
            total = 1000 * sum(cpu.values()) / MEASURED
            section.add(kind, durability, rate, rate * TRIALS, total, rate / bare)
            parts = ", ".join(f"{k} {1000 * v / MEASURED:.2f}" for k, v in cpu.items())
            section.notes.append(f"CPU ms a job on {kind}: {parts}.")
            fleet.stop()
            section.verify(fleet.settings.database, ended=False)
        with site.database(kind) as (url, _):
            trials = peers.optuna(url, WORKERS)
        if trials is None:
            section.notes.append("Optuna is not installed: pip install --editable '.[bench]'.")
            continue
        section.add(f"Optuna, RDB storage, {kind}", durability, None, trials, None, None)
        section.notes.append(
            f"{kind}: {rate * TRIALS / trials:.0f} times Optuna's trials a second."
        )
    return section


def measured(fleet: Fleet) -> tuple[float, dict[str, float]]:
    """Jobs per second, and CPU seconds by part, over `MEASURED` jobs."""
    for seed in range(SEARCHES):
        fleet.submit(trials_per_round=TRIALS * JOBS_OF_SEARCH, seed=seed)
    fleet.services.jobs.advance_due()
    fleet.loop()
    fleet.workers(WORKERS)
    wait(lambda: fleet.trials_done() >= WARM * TRIALS, what="the first jobs")
    first, began, before = fleet.trials_done(), time.perf_counter(), fleet.cpu()
    wait(
        lambda: fleet.trials_done() >= first + MEASURED * TRIALS,
        seconds=300, what=f"{MEASURED} jobs",
    )  # fmt: skip
    done, ended, after = fleet.trials_done(), time.perf_counter(), fleet.cpu()
    jobs = (done - first) / TRIALS
    scale = MEASURED / jobs
    return jobs / (ended - began), {k: scale * (after[k] - before[k]) for k in after}
