"""The figures of docs/sizing.md: memory, connections, disk, and what a slot gets done in a day.

It starts PostgreSQL, Valkey, an API, a loop and a worker of two slots, all our own, and runs three
searches, one after the other. Searches a day follow from the processor time of the slots, so that a
busy machine gives the figures of a quiet one.

    PYTHONPATH=tests python -m benchmarks.sizing
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import sqlalchemy as sa

from benchmarks.service.fleet import Fleet, Site, children, cpu_seconds, resident, wait
from benchmarks.service.tables import Section

SLOTS = 2
DAY = 86_400.0
SPACE = {
    "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-6, "high": 1e-2, "scale": "log"},
}


def spec(dataset: str, *, rounds: int, trials: int, epochs: int, units: int) -> dict[str, Any]:
    """A search of an example size."""
    return {
        "dataset": dataset, "space": SPACE, "model": {"hidden_sizes": [units]}, "rounds": rounds,
        "trials_per_round": trials, "epochs": {"first": epochs, "last": epochs},
        "final": {"epochs": epochs, "models": 3},
    }  # fmt: skip


EXAMPLES = {
    "150 rows, 4 columns": spec("iris", rounds=4, trials=24, epochs=20, units=16),
    "1,797 rows, 64 columns": spec("digits", rounds=4, trials=24, epochs=20, units=64),
    "20,000 rows, 20 columns": spec("table", rounds=3, trials=16, epochs=10, units=128),
}
# Pages have 8 kB, so that a short search says little about the size of rows.
LONG = spec("iris", rounds=4, trials=400, epochs=20, units=16)


def main() -> None:
    """Print the tables."""
    print(f"{platform.machine()}, {_processor()}, {datetime.now(UTC):%Y-%m-%d}\n")
    with tempfile.TemporaryDirectory(prefix="hpsearch-sizing-") as folder:
        site = Site(Path(folder))
        with site.fleet("postgresql, durable", numerics="portable") as fleet:
            for section in measured(fleet):
                print(section.markdown(), "\n")


def measured(fleet: Fleet) -> Iterator[Section]:
    """Run the searches; the tables."""
    client = fleet.api()
    fleet.start("loop", "worker", "loop")
    fleet.start("worker", "worker", "run", f"--concurrency={SLOTS}")
    wait(lambda: len(children(fleet.processes["worker"].pid)) >= SLOTS, what="the slots")
    wait(lambda: len(fleet.services.metrics.workers()) == SLOTS, what="their heartbeats")
    peaks = _memory(fleet, {})
    idle = dict(peaks)
    upload(client, fleet, peaks)
    speed = Section(
        "Searches of one slot in a day",
        ["data", "rounds, trials, epochs", "processor s of a search", "s of the loop", "a day"],
    )
    opened = 0
    for name, example in EXAMPLES.items():
        before, rows = _spent(fleet), _rows(fleet)
        opened = max(opened, completed(client, fleet, example, peaks))
        slots, loop = (after - was for after, was in zip(_spent(fleet), before, strict=True))
        rounds, trials = (now - was for now, was in zip(_rows(fleet), rows, strict=True))
        shape = f"{rounds}, {trials}, {example['epochs']['last']}"
        speed.add(name, shape, slots, loop, DAY / slots)
    sizes, rows = _sizes(fleet), _rows(fleet)
    opened = max(opened, completed(client, fleet, LONG, peaks))
    grown = {table: size - sizes[table] for table, size in _sizes(fleet).items()}
    rounds, trials = (now - was for now, was in zip(_rows(fleet), rows, strict=True))
    title = f"Disk, {rounds} rounds with {trials:,} trials of {LONG['epochs']['last']} epochs"
    disk = Section(title, ["table", "bytes", "of a trial", "of a round"])
    for table, size in sorted(grown.items(), key=lambda item: -item[1]):
        if size:
            disk.add(table, size, size / trials, size / rounds)
    disk.add("all", sum(grown.values()), sum(grown.values()) / trials, sum(grown.values()) / rounds)
    yield from (_of_memory(idle, peaks), speed, disk)
    section = Section("Connections to PostgreSQL", ["", "connections"])
    section.add(f"API, loop and {SLOTS} slots, the most at once", opened)
    yield section


def completed(
    client: httpx.Client, fleet: Fleet, example: dict[str, Any], peaks: dict[str, int]
) -> int:
    """Run a search to its end; the most connections that were open."""
    opened = 0
    made = client.post("/searches", json=example).raise_for_status().json()["id"]
    while (status := client.get(f"/searches/{made}").json())["finished_at"] is None:
        _memory(fleet, peaks)
        opened = max(opened, _connections(fleet))
        time.sleep(0.1)
    if status["state"] != "completed":
        raise SystemExit(f"not completed: {status}")
    return opened


def upload(client: httpx.Client, fleet: Fleet, peaks: dict[str, int]) -> None:
    """Make the largest dataset, by HTTP as a user does; its parser's memory is noted too."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(20_000, 20))
    labels = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(int)
    lines = [",".join([*(f"c{i}" for i in range(20)), "label"])]
    lines += [f"{','.join(f'{v:.5f}' for v in row)},{y}" for row, y in zip(x, labels, strict=True)]
    send = partial(client.put, headers={"Content-Type": "text/csv"}, content="\n".join(lines))
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(send, "/datasets/table")
        while not answer.done():
            _memory(fleet, peaks)
            time.sleep(0.01)
        answer.result().raise_for_status()


def _of_memory(idle: dict[str, int], peaks: dict[str, int]) -> Section:
    section = Section("Memory", ["process", "MB before the first search", "MB at the most"])
    for name in sorted(peaks):
        section.add(name, idle.get(name, 0) / 1e6, peaks[name] / 1e6)
    return section


def _memory(fleet: Fleet, peaks: dict[str, int]) -> dict[str, int]:
    """Raise the peaks to what each process has resident now."""
    for name, process in fleet.processes.items():
        pids = {f"{name}, first process": process.pid}
        kinds = "slot" if name == "worker" else "process"
        for number, child in enumerate(children(process.pid), 1):
            pids[f"{name}, {kinds} {number}"] = child
            for parser in _of_threads(child):
                pids[f"{name}, parser of a dataset"] = parser
        for label, pid in pids.items():
            try:
                peaks[label] = max(peaks.get(label, 0), resident(pid))
            except OSError:  # a parser that has ended
                continue
    return peaks


def _of_threads(pid: int) -> list[int]:
    """The children that any thread of a process has."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found += [int(word) for word in file.read_text().split()]
    return found


def _rows(fleet: Fleet) -> tuple[int, int]:
    """Rounds and trials so far; a search may end before its last round."""
    query = "SELECT (SELECT count(*) FROM round), (SELECT count(*) FROM trial)"
    with fleet.services.store.engines.read.connect() as connection:
        rounds, trials = connection.execute(sa.text(query)).one()
    return int(rounds), int(trials)


def _spent(fleet: Fleet) -> tuple[float, float]:
    """Processor seconds of the slots and of the loop so far."""
    slots = sum(map(cpu_seconds, children(fleet.processes["worker"].pid)))
    return slots, cpu_seconds(fleet.processes["loop"].pid)


def _sizes(fleet: Fleet) -> dict[str, int]:
    query = (
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    with fleet.services.store.engines.read.connect() as connection:
        return {str(name): int(size) for name, size in connection.execute(sa.text(query))}


def _connections(fleet: Fleet) -> int:
    """Open connections but those of this program."""
    found = fleet.services.metrics.connections()
    own = fleet.services.store.engines.read.pool.checkedin()  # type: ignore[attr-defined]
    return 0 if found is None else found.open - own


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
