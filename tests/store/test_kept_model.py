"""The trained winner in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import sqlalchemy as sa
from support.bench import OWNER, formula

from hpsearch.store import Written, models
from hpsearch.store.tables import model_piece
from hpsearch.trials import Hint

CONTENT = bytes(range(50))


def finalizing(bench):
    """A search whose final job waits."""
    search_id = bench.submit()
    bench.round()
    bench.round()
    bench.work.advance_due()
    return search_id, bench.hint()


def test_it_is_kept_once_by_the_attempt_that_ends_the_job(bench, monkeypatch):
    monkeypatch.setattr(models, "PIECE", 7)
    search_id, hint = finalizing(bench)
    order = bench.claim(hint)
    assert bench.work.open_test(hint, worker_run="worker")
    report = replace(formula(order), model=CONTENT)
    read = bench.services.store.read
    late = Hint(hint.job_id, hint.attempt + 1)
    assert bench.work.finish(late, report, worker_run="worker") is Written.FENCED
    assert bench.work.finish(hint, report, worker_run="another") is Written.FENCED
    assert read(lambda tx: tx.models.size(search_id)) == 0
    assert bench.work.finish(hint, report, worker_run="worker") is Written.ROUND_OVER
    other = replace(report, model=b"another")
    assert bench.work.finish(hint, other, worker_run="worker") is Written.REPEATED
    bench.work.advance_due()
    size, pieces = bench.services.searches.model(search_id, owner=OWNER)
    found = list(pieces)
    assert (size, b"".join(found), len(found)) == (50, CONTENT, 8)
    assert read(lambda tx: tx.models.sha256(search_id)) == hashlib.sha256(CONTENT).hexdigest()


def test_it_goes_with_its_search(bench):
    search_id, hint = finalizing(bench)
    order = bench.claim(hint)
    bench.work.open_test(hint, worker_run="worker")
    bench.work.finish(hint, replace(formula(order), model=CONTENT), worker_run="worker")
    bench.work.advance_due()
    bench.services.searches.delete(search_id, owner=OWNER)
    with bench.services.store.engines.read.connect() as connection:
        query = sa.select(sa.func.count()).select_from(model_piece)
        assert connection.execute(query).scalar_one() == 0
