"""Writes schema_0006.sql and schema_0006.json: a database of schema 0006, and what became of it.

It runs with the code of the build before, with the tests as they were when it was added:

    git archive b7a37a3 | tar -x -C FOLDER
    PYTHONPATH=FOLDER:tests python -P tests/upgrade/schema_0006.py

Searches of every kind: completed (with diverged trials, an edit, choices; trained elsewhere),
in round 2 of 4 (one job done, one held by a worker that is gone, others queued), paused there,
trained elsewhere with a trial that is held, about to be tested. Then the old build runs all of
them to their end: these are the digests that the file holds.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

from golden.__main__ import written
from golden.inside import Inside, inside, numbers_of
from golden.play import ENDED, Trainer, rounds_of, work
from golden.searches import FULL, RATE, log, outside, searched
from upgrade.onward import QUICK, ids, onward, reasons

from migrations.schema import head

HERE = Path(__file__).parent
# In an order that foreign keys allow.
TABLES = ("api_key", "dataset_content", "dataset", "search", "round", "decision", "job", "trial",
          "model_piece", "delivery", "event", "worker")  # fmt: skip
DIVERGING = {"learning_rate": log(1e-2, 1e3), "weight_decay": log(1e-6, 1e-1)}
CHOICES = {"learning_rate": log(1e-2, 1.0),
           "optimizer": {"choices": ["sgd", "momentum", "adam"]}}  # fmt: skip


def submitted(service: Inside, name: str, spec: dict[str, Any]) -> str:
    """The id of a new search."""
    made: str = service.call("POST", "/searches", {**spec, "name": name})["id"]
    return made


def until_round(service: Inside, search: str, number: int, *, trainer: Trainer | None) -> None:
    """Train until a round has begun."""
    trainers = [trainer] if trainer else []
    service.advance()
    while len(rounds_of(service, search)) < number:
        work(service, trainers)
        service.advance()


def complete(service: Inside, name: str, golden: dict[str, Any]) -> None:
    """A search that has ended before the upgrade, edited in its first round."""
    search = submitted(service, name, golden["spec"])
    until_round(service, search, 1, trainer=None)
    service.call("PATCH", f"/searches/{search}", {"rounds": 4})
    trainers = [Trainer(service, search)] if golden.get("trainers") else []
    while service.call("GET", f"/searches/{search}")["state"] not in ENDED:
        work(service, trainers)
        service.advance()


def fill(service: Inside) -> dict[str, Any]:
    """The searches; the answer is the trial that is held at the end."""
    complete(service, "completed", searched(seed=1, space=DIVERGING))
    complete(service, "completed, choices", searched(
        seed=2, space=CHOICES, sampler="gp", objective="log_loss", narrowing="quantile"))  # fmt: skip
    complete(service, "completed elsewhere", outside(seed=3, trials_per_round=8))
    middle = {}
    for name, seed, space in (("paused", 4, RATE), ("in mid-search", 5, DIVERGING)):
        spec = searched(seed=seed, rounds=4, trials_per_round=12, epochs=FULL, space=space)
        middle[name] = submitted(service, name, spec["spec"])
        until_round(service, middle[name], 2, trainer=None)
        service.train(at_most=1)
        service.call("POST", f"/searches/{middle[name]}/pause")
    tested = submitted(service, "about to be tested", searched(seed=6)["spec"])
    while service.call("GET", f"/searches/{tested}")["state"] != "finalizing":
        work(service, [])
        service.advance()
    service.call("POST", f"/searches/{middle['in mid-search']}/resume")
    service.abandon()
    elsewhere = submitted(service, "claimed elsewhere", outside(seed=7, trials_per_round=8)["spec"])
    trainer = Trainer(service, elsewhere)
    until_round(service, elsewhere, 2, trainer=trainer)
    trainer.step()
    assert trainer.order is not None
    return dict(trainer.order)


def main() -> None:
    """Make the database, write its rows, and what the old build makes of them."""
    if head() != "0006":
        sys.exit(f"this is revision {head()}, not 0006; see the head of this file")
    with tempfile.TemporaryDirectory() as folder, inside(Path(folder), **QUICK) as service:
        held = fill(service)
        with sqlite3.connect(Path(folder) / "hpsearch.db") as connection:
            lines = [line for line in connection.iterdump() if line.startswith("INSERT")]
        rows = [
            line for table in TABLES for line in lines if line.startswith(f'INSERT INTO "{table}"')
        ]
        assert all("\n" not in row for row in rows)
        (HERE / "schema_0006.sql").write_text("\n".join(rows) + "\n")
        shown = {name: reasons(service, search) for name, search in ids(service).items()}
        digests = onward(service, held)["digests"]
    outcome = {"fingerprint": numbers_of(), "digests": digests, "held": held, "shown": shown}
    (HERE / "schema_0006.json").write_text(written(outcome) + "\n")


if __name__ == "__main__":
    main()
