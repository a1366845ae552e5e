"""The MNIST search of docs/benchmarks.md, over HTTP, with two workers.

    python benchmarks/mnist.py [--workers 2] [--runs 1]

All 60,000 training images, 4 rounds of 32 trials, 784-100-10, batch 100. Prints wall time,
the share of it that was not training, test accuracy, the digest, and the memory of workers.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import quantiles
from typing import Any

from deployment import bench_data, service

from hpsearch.settings import load
from hpsearch.store import Store
from hpsearch.store.tables import event, job
from hpsearch.trials import RoundKind

SPEC: dict[str, Any] = {
    "name": "MNIST, benchmark",
    "dataset": "mnist",
    "model": {"hidden_sizes": [100], "batch_size": 100},
    "space": {
        "learning_rate": {"low": 1e-5, "high": 10.0, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
    },
    "rounds": 4,
    "trials_per_round": 32,
    "epochs": {"first": 1, "last": 3},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    data = bench_data()
    mnist = None if data is None else data / "mnist"
    print(
        f"{options.workers} workers; " + ("MNIST from a folder" if mnist else "MNIST from OpenML")
    )
    for _ in range(options.runs):
        with service(workers=options.workers, mnist=mnist) as (client, home):
            client.dataset("mnist")  # ingested before the clock starts
            started = time.perf_counter()
            search = client.submit(SPEC)
            while search.finished_at is None:
                search = client.status(search.id, wait=20)
            wall = time.perf_counter() - started
            result = client.result(search.id)
            rows = figures(load(home=home).database, search.id, options.workers)
            print(json.dumps({
                "wall_seconds": round(wall, 1), **rows, "state": search.state,
                "test_accuracy": result.test.accuracy, "ci95": result.test.ci95,
                "mean_of_range": result.test.mean, "recommended": result.recommended.params,
                "ranges": {n: [r.low, r.high, r.verdict] for n, r in result.ranges.items()},
                "digest": result.digest,
            }, indent=1))  # fmt: skip


def figures(url: str, search_id: str, workers: int) -> dict[str, Any]:
    """Read time and memory of the jobs from the database."""
    store = Store(url)
    with store.engines.read.connect() as connection:
        jobs = connection.execute(job.select().where(job.c.search_id == search_id)).all()
        events = connection.execute(event.select().where(event.c.search_id == search_id)).all()
    store.close()
    explored = [j for j in jobs if j.kind != RoundKind.FINAL]
    last = {j.round: max(k.finished_at for k in jobs if k.round == j.round) for j in jobs}
    first = {j.round: min(k.claimed_at for k in jobs if k.round == j.round) for j in jobs}
    gaps = [first[r] - last[r - 1] for r in sorted(first) if r > 1]
    training = sum(j.seconds for j in explored)
    span = max(j.finished_at for j in explored) - min(j.claimed_at for j in explored)
    return {
        "training_seconds": round(training, 1),
        "final_seconds": round(sum(j.seconds for j in jobs if j.kind == RoundKind.FINAL), 1),
        "busy_share_of_workers": round(training / (workers * span), 3),
        "round_gaps_ms": [round(1000 * g) for g in gaps],
        "round_gap_p95_ms": round(1000 * quantiles(gaps, n=20)[-1]) if len(gaps) > 1 else None,
        "peak_rss_mb": round(max(j.peak_rss_bytes for j in jobs) / 1e6),
        "jobs": len(jobs),
        "events": len(events),
    }


if __name__ == "__main__":
    main()
