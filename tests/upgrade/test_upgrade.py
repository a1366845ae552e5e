"""A database of the first released schema: it opens, moves up under running workers, and down.

`first_schema.sql` holds rows that the first version really wrote; `first_schema.py` made it.
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest
from support.bench import OWNER, Bench
from support.checker.history import read
from support.checker.search import digest_of_rows
from support.waiting import until
from upgrade.rows import columns, contents, emptied, fill

from hpsearch import rules
from hpsearch.errors import Unavailable
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import RoundKind, SearchState
from hpsearch.wiring import build
from migrations import schema

ROWS = Path(__file__).with_name("first_schema.sql").read_text()
FIRST = "0001"
# As if the old version had run on this machine: a digest is withheld where processors are mixed.
HERE = re.sub(r'\{"machine": [^}]*\}', lambda _: json.dumps(dict(fingerprint())), ROWS)


@pytest.fixture
def old_url(database_url):
    """The old rows on each kind of database."""
    fill(emptied(database_url), HERE, FIRST)
    return database_url


def test_up_and_down_again_every_old_row_is_what_it_was(old_url):
    """An old version can take its database back, as long as nothing new was written into it."""
    old = columns(old_url)
    before = contents(old_url, old)
    untouched = {
        table: [name for name in names if name != "accuracy"]  # NULL takes the place of -1
        for table, names in old.items()
        if table != "search"
    }
    same = contents(old_url, untouched)
    database = schema.Database(old_url)
    database.upgrade()
    assert database.current() == schema.head()
    assert contents(old_url, untouched) == same
    database.downgrade(FIRST)
    database.close()
    assert columns(old_url) == old
    assert contents(old_url, old) == before


class Worker:
    """One of our workers and a loop, in a thread."""

    def __init__(self, services):
        self._services, self._trainer = services, Trainer(services.files)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.refusals, self.broken = [], []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)
        assert self.broken == []

    def has_waited(self):
        assert self.broken == []
        return self.refusals

    def _run(self):
        while not self._stop.wait(0.02):
            try:
                self._turn()
            except Unavailable as error:
                self.refusals.append(str(error))
            except Exception as error:  # noqa: BLE001  # the test shows it
                self.broken.append(error)
                return

    def _turn(self):
        work = self._services.jobs
        work.reap()
        work.advance_due()
        for hint in work.hints():
            order = work.claim(hint, worker_run="new")
            if order is not None:
                work.finish(hint, self._train(hint, order), worker_run="new")

    def _train(self, hint, order):
        if order.kind is not RoundKind.FINAL:
            return self._trainer.run(order)
        return run_final(
            self._trainer,
            order,
            open_test=lambda: self._services.jobs.open_test(hint, worker_run="new"),
        )


def finish_all(services):
    """Wait for every search that can end; the digests of their rows by name."""
    bench = Bench(services)
    ids = {s.name: s.id for s in services.searches.list(owner=OWNER).items}
    services.searches.resume(ids["paused"], owner=OWNER)

    def open_ones():
        return [name for name, key in ids.items() if bench.status(key).finished_at is None]

    until(lambda: not open_ones(), seconds=120, what="the end of every old search")
    states = {name: bench.status(key).state for name, key in ids.items()}
    assert states.pop("cancelled") is SearchState.CANCELLED
    assert set(states.values()) == {SearchState.COMPLETED}
    for name in states:
        result = services.searches.result(ids[name], owner=OWNER)
        reason = None if name == "completed" else rules.mixed(1)
        assert (result.digest is None, result.digest_reason) == (reason is not None, reason), name
    seen = read(services.settings.database)
    return {s.name: digest_of_rows(seen, s) for s in seen.searches.values() if s.name in states}


def settings(configured, url):
    """What the old version had published is lost at once."""
    return configured(database_url=url, republish_seconds=0.01)


@pytest.fixture
def undisturbed(configured, tmp_path):
    """What becomes of the old searches where nobody works during the upgrade."""
    path = tmp_path / "undisturbed.db"
    fill(f"sqlite:///{path}", HERE, FIRST)
    database = schema.Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    with build(settings(configured, f"sqlite:///{path}")) as services:
        services.files.ingest_builtin("iris")
        with Worker(services):
            return finish_all(services)


def test_it_moves_up_under_running_workers(old_url, configured, undisturbed):
    """They wait for the new schema, and then finish what the old version began."""
    with build(settings(configured, old_url)) as services, Worker(services) as worker:
        until(worker.has_waited, what="a worker that waits for the new schema")
        assert services.ready()["migrations"].startswith(f"at {FIRST}")
        database = schema.Database(old_url)
        database.upgrade()
        database.close()
        assert finish_all(services) == undisturbed
        stored = {
            s.name: services.searches.result(s.id, owner=OWNER).digest
            for s in services.searches.list(owner=OWNER).items
            if s.state is SearchState.COMPLETED
        }
    assert stored.pop("completed") in ROWS
    assert set(stored.values()) == {None}
