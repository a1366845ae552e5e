"""A whole search with weights: one digest, however the work is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.alone import alone
from support.bench import OWNER
from support.weighted import SPEC, table

from hpsearch.data import Reading
from hpsearch.service import Services, replay
from hpsearch.wiring import build


@contextmanager
def served(settings, folder: Path) -> Iterator[Services]:
    file = folder / "weighted.csv"
    file.write_text(table())
    with build(settings) as built:
        built.datasets.put(
            "weighted", file, content_type="text/csv", owner=OWNER, reading=Reading(weight="w")
        )
        yield built


def test_one_digest_however_the_jobs_are_cut(
    configured: Callable, database_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    """Folds, halving, repeats and the final, on both databases, in small jobs and large ones."""
    spec, digests = {**SPEC, "validation": {"folds": 2}}, []
    for url, size in ((database_url, 2), (sqlite_url, 64)):
        with served(configured(database_url=url, job_size=size), tmp_path) as services:
            status, _ = services.searches.submit(spec, owner=OWNER)
            digests.append(alone(services, status.id))
            if size == 64:
                assert replay.again(services, status.id).differences == []
    assert digests[0] is not None
    assert len(set(digests)) == 1
