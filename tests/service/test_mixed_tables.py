"""A whole search on a table with words and gaps: one digest, however the work is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import mixed
from support.alone import alone
from support.bench import OWNER

from hpsearch.data import DatasetStore
from hpsearch.errors import InvalidSpec
from hpsearch.service import Services, replay
from hpsearch.service.datasets import Datasets
from hpsearch.wiring import build

SPEC = {
    "dataset": "mixed",
    "model": {"hidden_sizes": [6], "batch_size": 32, "optimizer": "adam"},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"},
        "max_levels": {"low": 1, "high": 12, "integer": True},
        "scaling": {"choices": ["standard", "robust"]},
    },
    "rounds": 2,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 2},
    "validation": {"folds": 2},
    "final": {"epochs": 2, "models": 2},
}


@contextmanager
def served(settings, folder: Path) -> Iterator[Services]:
    """Services that have the table under the name mixed."""
    folder.mkdir(exist_ok=True)
    file = folder / "mixed.csv"
    file.write_text("made, not read")
    with build(settings) as built:
        files = DatasetStore(settings.datasets_url, settings.cache, parse=mixed.parse)
        datasets = Datasets(built.store, files, settings)
        datasets.put("mixed", file, content_type="text/csv", owner=OWNER)
        yield replace(built, datasets=datasets)


def submitted(services: Services, **changes: object) -> str:
    status, _ = services.searches.submit({**SPEC, **changes}, owner=OWNER)
    return status.id


def test_one_digest_however_the_jobs_are_cut(
    configured: Callable, database_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    digests = []
    for number, (url, size) in enumerate([(database_url, 2), (sqlite_url, 64)]):
        with served(
            configured(database_url=url, job_size=size), tmp_path / str(number)
        ) as services:
            search = submitted(services)
            digests.append(alone(services, search))
            if number == 0:
                assert replay.again(services, search).differences == []
                spec = services.searches.spec(search, owner=OWNER)
                assert "scaling" not in spec["model"]
    assert digests[0] is not None
    assert len(set(digests)) == 1


def test_more_levels_than_the_cap_holds_are_refused_with_the_column(
    configured: Callable, sqlite_url: str, tmp_path: Path
) -> None:
    settings = configured(database_url=sqlite_url, max_parameters=200)
    with served(settings, tmp_path / "small") as services:
        with pytest.raises(InvalidSpec) as refused:
            submitted(services, model={"hidden_sizes": [10], "max_levels": 12},
                      space={"learning_rate": SPEC["space"]["learning_rate"]})  # fmt: skip
        assert [m.path for m in refused.value.mistakes] == ["model.max_levels"]
        assert "column 'city' alone has 12 levels: give a lower number" in str(
            refused.value.mistakes[0].message
        )
