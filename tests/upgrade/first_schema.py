"""Writes tests/upgrade/first_schema.sql: what the first released version left in its database.

It runs with that version's code, so that every row is one that it really wrote:

    git archive 8522aff | tar -x -C FOLDER
    PYTHONPATH=FOLDER:FOLDER/tests python -P tests/upgrade/first_schema.py > tests/upgrade/first_schema.sql

Searches of every kind: completed, in mid-round (one job done, one held by a worker that is
gone, the rest queued), paused, about to be tested, and cancelled.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from support.bench import OWNER, Bench

from hpsearch.settings import load
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import RoundKind, SearchState
from hpsearch.wiring import build
from migrations.schema import Database, head

# In an order that foreign keys allow.
TABLES = ("api_key", "dataset_content", "dataset", "search", "round", "decision", "job", "trial",
          "event", "worker")  # fmt: skip


class Old(Bench):
    """The steps of the old version's processes, with its real training."""

    def train(self, hint) -> None:
        """Claim, train, finish."""
        order, trainer = self.claim(hint), Trainer(self.services.files)
        if order.kind is RoundKind.FINAL:
            report = run_final(
                trainer, order, open_test=lambda: self.work.open_test(hint, worker_run="worker")
            )
        else:
            report = trainer.run(order)
        self.work.finish(hint, report, worker_run="worker")

    def until(self, search_id: str, state: SearchState) -> None:
        """Train until a search is in `state`."""
        while self.status(search_id).state is not state:
            self.work.advance_due()
            if self.status(search_id).state is not state:
                for hint in self.work.hints():
                    self.train(hint)


def fill(old: Old) -> None:
    """One search of every kind, the busiest last, so that nothing moves it on."""
    searches = old.services.searches
    old.until(old.submit(name="completed", seed=1), SearchState.COMPLETED)
    old.until(old.submit(name="about to be tested", seed=2), SearchState.FINALIZING)
    tested = old.work.hints()
    paused = old.submit(name="paused", seed=3)
    old.work.advance_due()
    old.train(next(hint for hint in old.work.hints() if hint not in tested))
    searches.pause(paused, owner=OWNER)
    searches.cancel(old.submit(name="cancelled", seed=4), owner=OWNER)
    old.submit(name="in mid-round", seed=5)
    old.work.advance_due()
    first, second, *_ = [hint for hint in old.work.hints() if hint not in tested]
    old.train(first)
    old.work.claim(second, worker_run="gone")
    old.work.seen("gone", host="elsewhere", pid=1, fingerprint={})


def main() -> None:
    """Make the database and print its rows."""
    if head() != "0001":
        sys.exit(f"this is revision {head()}, not the first; see the head of this file")
    with tempfile.TemporaryDirectory() as folder:
        settings = load(home=Path(folder), job_size=2, sqlite_synchronous="NORMAL")
        database = Database(settings.database)
        database.upgrade()
        database.close()
        with build(settings) as services:
            services.keys.create(name="ann", owner="ann", scopes=["read", "submit"], days=None)
            fill(Old(services))
        with sqlite3.connect(Path(folder) / "hpsearch.db") as connection:
            lines = [line for line in connection.iterdump() if line.startswith("INSERT")]
        for table in TABLES:
            print(*(line for line in lines if line.startswith(f'INSERT INTO "{table}"')), sep="\n")


if __name__ == "__main__":
    main()
