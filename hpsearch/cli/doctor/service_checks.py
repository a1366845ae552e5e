"""Checks of the service: database, workers, loop and datasets, as its processes see them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from hpsearch.cli.doctor.findings import Finding, fault, ok, warning
from hpsearch.errors import Unavailable
from hpsearch.plural import counted
from hpsearch.report.digest import differing
from hpsearch.service import Services
from hpsearch.settings import Settings
from hpsearch.supervisor.child import module

SKEW_SECONDS = 5.0
LOOK_SECONDS = 0.2  # between two looks at the work of the loop
CHECK_SECONDS = 60.0
# Connections of a process at the most (docs/sizing.md).
PER_SLOT, PER_LOOP, PER_API = 2, 2, 25
WAL = "wal"
UTF8 = "UTF8"


def database(services: Services) -> Iterator[Finding]:
    """Check that the database answers, takes writes, and has this version's tables."""
    parts = services.ready(writing=True)
    if parts["database"] != "ok":
        yield fault("database", parts["database"],
                    "is the server up, is DATABASE_URL right, is there room on its disk?")  # fmt: skip
        return
    about = services.metrics.database()
    journal = about.get("journal")
    message = f"{about['kind']} {about['version']}" + (f", journal {journal}" if journal else "")
    message += ", through a pooler" if about.get("pooler") == "yes" else ""
    if journal not in (None, WAL):
        yield warning("database", f"{message}: this SQLite has a fault that can corrupt a WAL, so "
                      "writers wait for readers", "install pysqlite3, or SQLite 3.51.3 and later")  # fmt: skip
    elif about.get("pooler") == "yes" and about["prepared"] == "yes":
        yield warning("database", f"{message}, with prepared statements, which only poolers that know "
                      "of them bear", "HPSEARCH_PREPARED_STATEMENTS=auto, and no prepare_threshold "
                      "in DATABASE_URL; or PgBouncer 1.21 with max_prepared_statements")  # fmt: skip
    elif about.get("encoding") not in (None, UTF8):
        yield warning("database", f"{message}, encoding {about['encoding']}: names that it cannot hold "
                      "are refused", "dump it and restore it into one of ENCODING 'UTF8'")  # fmt: skip
    else:
        yield ok("database", message)
    if parts["migrations"] == "ok":
        yield ok("migrations", "up to date")
    else:
        yield fault("migrations", parts["migrations"],
                    "run: python -P -m migrations upgrade (`hpsearch serve` does); a newer database "
                    "needs the newer version of hpsearch")  # fmt: skip


def connections(services: Services) -> Iterator[Finding]:
    """Compare the connections that the processes may open with those that PostgreSQL allows."""
    server = services.metrics.connections()
    if server is None:
        return
    slots, loops = len(services.metrics.workers()), services.metrics.figures().loops
    needed = PER_SLOT * slots + PER_LOOP * max(loops, 1) + PER_API
    said = (
        f"{counted(slots, 'slot')}, a loop and one API open up to {needed}, the database allows "
        f"{server.most}; {server.open} are open"
    )
    if needed <= server.most:
        yield ok("connections", said)
    else:
        yield warning("connections", said, "raise max_connections of PostgreSQL, which restarts it, "
                      "or the limit of role or database; or start fewer slots; each further API "
                      f"opens {PER_API} more")  # fmt: skip


def clock(services: Services) -> Iterator[Finding]:
    """Compare the database's clock with this machine's. No job depends on it."""
    offset = services.metrics.clock_offset()
    if abs(offset) <= SKEW_SECONDS:
        yield ok("clock", f"{offset:+.2f} s from the database's")
        return
    yield warning("clock", f"the database's clock is {abs(offset):.0f} s "
                  f"{'ahead of' if offset > 0 else 'behind'} this machine's: times in logs and "
                  "answers differ, and keys expire by the database's",
                  "set both by NTP: timedatectl set-ntp true")  # fmt: skip


def queue(services: Services) -> Iterator[Finding]:
    """Check that workers train the jobs that wait, and that their results can be compared."""
    workers = services.metrics.workers()
    waiting = sum(q.claimable for q in services.metrics.figures().queues.values())
    start = "start some: python -P -m worker run --concurrency N (or `hpsearch serve`)"
    if not workers:
        make = fault if waiting else warning
        yield make("workers", f"none is alive, {waiting} jobs wait for one", start)
        return
    hosts = len({w.host for w in workers})
    message = f"{len(workers)} alive on {counted(hosts, 'host')}, {waiting} jobs wait"
    others = differing([w.fingerprint for w in workers])
    if not others:
        yield ok("workers", message)
        return
    example = "; ".join(f"{name}: {' or '.join(values)}" for name, values in others.items())
    yield warning("workers", f"{message}; they compute different last bits ({example}), so searches "
                  "end without a digest", "the same versions everywhere, and "
                  "HPSEARCH_NUMERICS=portable")  # fmt: skip


def loop(services: Services) -> Iterator[Finding]:
    """Check that a loop lives, decides, and takes back the jobs of silent workers."""
    settings = services.settings
    deadline = time.monotonic() + 2.0 + 5 * settings.tick_seconds
    figures = services.metrics.figures()
    while (figures.undecided or not figures.loops) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)  # a loop that runs needs a moment
        figures = services.metrics.figures()
    silent = max(q.oldest_heartbeat for q in figures.queues.values())
    start = "start it: python -P -m worker loop (or `hpsearch serve`); else look at its log"
    waiting = f"{figures.undecided} searches wait for a decision"
    heard = services.metrics.loops()
    last = f"{heard[0].host} (pid {heard[0].pid}), {heard[0].silent:.0f} s ago" if heard else ""
    if not figures.loops:
        said = (
            f"the last one was heard on {last}"
            if last
            else "it was stopped in order, or has not run for a day"
        )
        yield fault("loop", f"none is alive, {waiting}; {said}", start)
    elif figures.undecided:
        yield fault("loop", f"{waiting} and get none; one was heard on {last}", start)
    elif silent > 3 * settings.lease_seconds:
        yield fault("loop", f"a job whose worker fell silent {silent:.0f} s ago has not been taken "
                    "back", start)  # fmt: skip
    else:
        yield ok("loop", f"{figures.loops} alive, heard on {last}; nothing waits")


def datasets(services: Services) -> Iterator[Finding]:
    """Check that the files of all datasets are where this process looks for them."""
    place = services.settings.datasets_url
    missing = services.metrics.missing_datasets()
    if not missing:
        yield ok("datasets", f"all are in {place}")
        return
    named = ", ".join(digest[:12] for digest in missing[:5])
    yield fault("datasets", f"{len(missing)} are not in {place}: {named}",
                "set HPSEARCH_DATA_URL alike on all machines, or take the files from a backup")  # fmt: skip


def worker(settings: Settings) -> Iterator[Finding]:
    """Check the surroundings of a worker that starts here: broker and linear algebra."""
    answer = _worker_check(settings)
    if not settings.embedded:
        if answer["broker"] == "ok":
            yield ok("broker", f"answers, with {answer['hints']} hints")
        else:
            yield fault("broker", answer["broker"],
                        "is it up, is REDIS_URL right, is its password? Nothing is lost meanwhile")  # fmt: skip
    if answer["numerics"] == "ok":
        about = answer["fingerprint"]
        yield ok("numerics", f"one BLAS thread, {about['blas']}, numpy {about['numpy']}, "
                 f"probe {about['probe']}")  # fmt: skip
    else:
        yield fault("numerics", answer["numerics"],
                    "something loads NumPy before the worker can say how many threads: look into "
                    "sitecustomize and .pth files, or set OPENBLAS_NUM_THREADS=1 for the service")  # fmt: skip


def _worker_check(settings: Settings) -> dict[str, Any]:
    """The answer of `python -m worker check`, a process with a worker's environment."""
    environment = {**os.environ, **settings.child_environment()}
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            module("worker", "check"), env=environment, capture_output=True, text=True,
            timeout=CHECK_SECONDS, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        words = "" if isinstance(error, subprocess.TimeoutExpired) else done.stderr.strip()[-500:]
        raise Unavailable(f"a worker cannot start here: {words or error}") from error
    return dict(answer)
