"""The golden searches' only file that calls more than HTTP routes: a service in this process.

A change of the internals is followed here, and nowhere else in this folder.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from support.parsing import without_children

from api import create_app
from hpsearch import logs, nn
from hpsearch.service import Services, replay
from hpsearch.settings import load
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import Hint, JobReport, RoundKind
from hpsearch.wiring import build
from migrations.schema import Database

KEY = "bootstrap-key-of-the-golden-searches"
RUN = "golden"  # the worker's id


class Inside:
    """A loop, a worker and the API, one step at a time."""

    def __init__(self, services: Services, client: FlaskClient, folder: Path) -> None:
        self._services = services
        self._file = folder / "model.npz"
        self._work = services.jobs
        self._trainer = Trainer(services.files)
        self._client = client

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that a route answers with; None where it has nothing to say."""
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = self._client.open(f"/api/v1{path}", method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return None if answer.status_code == 204 else answer.json

    def model_sha256(self, path: str) -> str:
        """SHA-256 of the model that a route answers with, in the first layout of the file.

        The ranges of training came with the second.
        """
        headers = {"Authorization": f"Bearer {KEY}"}
        with self._client.get(f"/api/v1{path}", headers=headers) as answer:
            assert answer.status_code == 200, answer.text
            self._file.write_bytes(answer.data)
        model = replace(nn.Model.load(self._file), ranges=None)
        return hashlib.sha256(model.dump()).hexdigest()

    def advance(self) -> None:
        """Decide what is due."""
        self._work.advance_due()

    def train(self, *, at_most: int | None = None) -> int:
        """Train what is handed out, at most so many jobs; their number."""
        hints = list(self._work.hints())[:at_most]
        for hint in hints:
            self._work.finish(hint, self._report(hint), worker_run=RUN)
        return len(hints)

    def abandon(self) -> None:
        """Claim a job for a worker that is then gone; no final test."""
        hint = next(hint for hint in self._work.hints() if hint.kind is not RoundKind.FINAL)
        assert self._work.claim(hint, worker_run="gone") is not None

    def reap(self) -> None:
        """Take jobs back from workers that are gone."""
        self._work.reap()

    def replayed(self, search: str, *, training: bool) -> list[str]:
        """Where a replay of a completed search differs from what is stored."""
        redo = replay.again if training else replay.decisions
        return list(redo(self._services, search).differences)

    def _report(self, hint: Hint) -> JobReport:
        order = self._work.claim(hint, worker_run=RUN)
        assert order is not None
        if order.kind is not RoundKind.FINAL:
            return self._trainer.run(order)
        return run_final(
            self._trainer, order, open_test=lambda: self._work.open_test(hint, worker_run=RUN)
        )


def count_ids() -> None:
    """Draw the ids of this process's searches from a counter.

    A spec that names an earlier search holds its id, and so does the digest.
    """
    numbers = itertools.count(1)
    secrets.token_hex = lambda size: f"{next(numbers):0{2 * (size or 32)}x}"


@contextmanager
def inside(home: Path, **settings: object) -> Iterator[Inside]:
    """A service in a folder of its own; its jobs are small, so that a round has some.

    `settings` override, such as the address of a database.
    """
    logs.configure("error", process="golden")
    defaults = {"home": home, "api_key": KEY, "job_size": 4, "sqlite_synchronous": "NORMAL"}
    loaded = load(**{**defaults, **settings})
    database = Database(loaded.database)
    database.upgrade()
    database.close()
    with build(loaded) as services:
        without_children(services)  # each would load scikit-learn anew
        yield Inside(services, create_app(services, loaded).test_client(), home)


def numbers_of() -> dict[str, str]:
    """The numeric fingerprint under which this process computes."""
    return dict(fingerprint())
