"""Speed of two builds, in pairs that take turns: new over old, with a 95 % interval.

    python benchmarks/pairs.py OLD NEW [--what engine service jobs decision] [--pairs 9]

OLD and NEW are checkouts with a virtual environment each (`make .venv/.dev`), which run their own
copies of the benchmarks. Within a pair the build that begins changes from pair to
pair. A ratio above 1 says that NEW is faster; the interval is Student's, of the mean of the
logarithms of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import PIPE

from scipy import stats

Figures = Mapping[str, float]  # the higher, the faster
Measure = Callable[[], Figures]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def engine(checkout: Path) -> Iterator[Measure]:
    """Training steps a second of each network, one core, native kernels."""

    def measure() -> Figures:
        with tempfile.TemporaryDirectory() as folder:
            options = ("--rounds", "3", "--seconds", "0.2", "--kernels", "native", "--json", folder)
            done = subprocess.run(
                [str(checkout / ".venv" / "bin" / "python"), "benchmarks/engine.py", *options],
                cwd=checkout,
                env=_environment(),
                capture_output=True,
                text=True,
                check=False,
                preexec_fn=lambda: os.sched_setaffinity(0, {0}),
            )
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            results = json.loads((Path(folder) / "engine-native.json").read_text())
        return {r["network"]: r["steps_per_second"]["engine"] for r in results}

    yield measure


def _environment() -> Mapping[str, str]:
    return {**os.environ, **dict.fromkeys(THREADS, "1")}


@contextmanager
def service(checkout: Path) -> Iterator[Measure]:
    """Jobs a second on each store, and pages a second at the median time of a page.

    The service of a build stays up and idle while the other one is measured.
    """
    with _answering(checkout, _SERVICE) as measure:
        yield measure


@contextmanager
def jobs(checkout: Path) -> Iterator[Measure]:
    """Jobs per second of processor time on PostgreSQL, of one pool process and of the server."""
    with _answering(checkout, _JOBS) as measure:
        yield measure


@contextmanager
def decision(checkout: Path) -> Iterator[Measure]:
    """Decisions a second of CPU time after 500 and 10,000 trials of LCBench, rounds of 32."""
    with _answering(checkout, _DECISION) as measure:
        yield measure


@contextmanager
def _answering(checkout: Path, program: str) -> Iterator[Measure]:
    """A process of a checkout that answers each line with figures."""
    command = [str(checkout / ".venv" / "bin" / "python"), "-c", program]
    with subprocess.Popen(
        command, cwd=checkout, env=_environment(), stdin=PIPE, stdout=PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answers = process.stdin, process.stdout

        def measure() -> Figures:
            print("go", file=ask, flush=True)
            if not (line := answers.readline()):
                sys.exit(f"the process of {checkout} ended")
            return dict(json.loads(line))

        measure()  # also warms up
        yield measure
        ask.close()


# What a checkout runs, with the parts of its own benchmarks/service: services on both databases,
# two workers that train nothing, a search of 100,000 trials to read. A line is answered by figures.
_SERVICE = """
import contextlib, json, statistics, sys, tempfile
from pathlib import Path
import sqlalchemy as sa
from benchmarks.service import reading, throughput
from benchmarks.service.fleet import Site, wait
from hpsearch.store.tables import search

JOBS, FIRST, LAST, REQUESTS, TRIALS = 320, 40, 300, 20, throughput.TRIALS
reading.ROUNDS = 4

def idle(fleet):
    with fleet.services.store.engines.read.connect() as connection:
        unfinished = sa.select(sa.func.count()).where(search.c.finished_at.is_(None))
        return connection.execute(unfinished).scalar_one() == 0

def jobs(fleet):
    before = fleet.trials_done()
    fleet.submit(trials_per_round=TRIALS * JOBS, seed=before)
    marks = []
    for count in (FIRST, LAST):
        wait(lambda: fleet.trials_done() >= before + TRIALS * count, seconds=300, what="jobs")
        marks.append((fleet.trials_done(), reading.time.perf_counter()))
    wait(lambda: idle(fleet), seconds=300, what="the search's end")
    (done, began), (more, ended) = marks
    return (more - done) / TRIALS / (ended - began)

def begin(fleet):
    fleet.loop()
    fleet.workers(throughput.WORKERS)
    return lambda kind: {f"jobs, {kind}": jobs(fleet)}

def pages(fleet):
    ids = reading.load(fleet, 1)
    client = fleet.api()
    client.headers["Authorization"] = f"Bearer {reading._key(fleet)}"
    asked = reading._questions(client, ids)
    def measured(kind):
        return {
            f"{what}, {kind}": 1000 / statistics.median(reading._timed(ask) for _ in range(REQUESTS))
            for what, ask in asked.items()
        }
    return measured

with contextlib.ExitStack() as stack:
    site = Site(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hps-pairs-"))))
    sessions = []
    for kinds, made in ((throughput.STORES, begin), (reading.SEARCHES, pages)):
        for kind in kinds:
            fleet = stack.enter_context(site.fleet(kind))
            stack.callback(fleet.stop)
            sessions.append((kind, made(fleet)))
    for _ in sys.stdin:
        figures = {}
        for kind, measured in sessions:
            figures |= measured(kind)
        print(json.dumps(figures), flush=True)
"""


# One pool process of the checkout, which trains nothing, on PostgreSQL: jobs of 30 trials.
_JOBS = """
import contextlib, json, sys, tempfile, time
from pathlib import Path
from benchmarks.service import throughput
from benchmarks.service.fleet import Site, children, cpu_seconds
from support import noop
from support.bench import OWNER
from worker import tasks
from worker.app import make

FIRST, LAST, SEARCHES, JOBS = 40, 240, 4, 80

class Enough(BaseException):
    pass

class Trainer(noop.Trainer):
    def run(self, order, *, stopped):
        self.jobs = getattr(self, "jobs", 0) + 1
        if self.jobs in (FIRST, LAST):
            server = sum(map(cpu_seconds, children(fleet.servers[0])))
            marks.append((time.process_time(), server, time.perf_counter()))
        if self.jobs == LAST:
            raise Enough
        return super().run(order, stopped=stopped)

tasks.Trainer, tasks.STAY_SECONDS = Trainer, 1e9
with contextlib.ExitStack() as stack:
    site = Site(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hps-pairs-"))))
    fleet = stack.enter_context(site.fleet("postgresql, synchronous_commit off"))
    work, number = fleet.services.jobs, 0
    for _ in sys.stdin:
        ids = [
            fleet.submit(trials_per_round=throughput.TRIALS * JOBS, seed=number + seed)
            for seed in range(SEARCHES)
        ]
        number += SEARCHES
        work.advance_due()
        hints, marks = work.hints(), []
        runner = tasks.Runner(make(fleet.settings), fleet.services)
        runner.start()
        with contextlib.suppress(Enough):
            runner(hints[0])
        runner._lease.close()
        for search_id in ids:  # nobody follows the hints that are with the broker
            fleet.services.searches.cancel(search_id, owner=OWNER)
        spent = [(LAST - FIRST) / (after - before) for before, after in zip(*marks)]
        worker, server, passed = spent
        figures = {"worker": worker, "server": server, "both": 1 / (1 / worker + 1 / server)}
        figures = {f"jobs per second of processor, {k}": v for k, v in figures.items()}
        print(json.dumps({**figures, "jobs a second, one worker": passed}), flush=True)
"""


# What a checkout decides, with the parts of its own benchmarks/search.
_DECISION = """
import json, statistics, sys, time
from benchmarks.search import decisions, product
from benchmarks.search.lcbench import FULL
from hpsearch.coordinator import decide

CASES = {"full": (FULL, False), "halved": (2, True)}
CALLS = {500: 5, 10_000: 2}
known = {
    f"{count:,} trials, {mode}, {sampler}": (
        decisions.observed(count, sampler, first=first, halving=halving, n=32), CALLS[count]
    )
    for count in CALLS for mode, (first, halving) in CASES.items() for sampler in ("gp", "sobol")
}

def seconds(now):
    began = time.process_time()
    decide(now, job_size=product.JOB_SIZE)
    return time.process_time() - began

for _ in sys.stdin:
    figures = {
        name: 1 / statistics.median(seconds(now) for _ in range(calls))
        for name, (now, calls) in known.items()
    }
    print(json.dumps(figures), flush=True)
"""


WHAT: Mapping[str, Callable[[Path], AbstractContextManager[Measure]]] = {
    "engine": engine,
    "service": service,
    "jobs": jobs,
    "decision": decision,
}


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Mean ratio and its 95 % interval."""
    logs = [math.log(ratio) for ratio in ratios]
    mean, error = statistics.mean(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * error
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("old", type=Path)
    options.add_argument("new", type=Path)
    options.add_argument("--what", nargs="+", choices=list(WHAT), default=list(WHAT))
    options.add_argument("--pairs", type=int, default=9)
    asked = options.parse_args()
    for name in asked.what:
        old, new = in_turns(WHAT[name], asked.old.resolve(), asked.new.resolve(), asked.pairs)
        print(f"\n## {name}, {asked.pairs} pairs\n")
        print("| figure | old | new / old | 95 % interval |\n|---|---|---|---|")
        for row in old[0]:
            mean, low, high = interval([b[row] / a[row] for a, b in zip(old, new, strict=True)])
            median = statistics.median(figures[row] for figures in old)
            print(f"| {row} | {median:,.1f} | {mean:.3f} | {low:.3f} to {high:.3f} |", flush=True)


def in_turns(
    what: Callable[[Path], AbstractContextManager[Measure]], old: Path, new: Path, pairs: int
) -> tuple[list[Figures], list[Figures]]:
    """Figures of both builds, pair by pair."""
    made: tuple[list[Figures], list[Figures]] = ([], [])
    with what(old) as of_old, what(new) as of_new:
        for number in range(pairs):
            turns = [(made[0], of_old), (made[1], of_new)]
            for figures, measure in turns if number % 2 == 0 else reversed(turns):
                figures.append(measure())
    return made


if __name__ == "__main__":
    main()
