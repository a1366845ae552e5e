"""Searches on groups and on time: one digest however the work is cut; replay, edits and warm start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import visits
from support.alone import alone
from support.bench import OWNER

from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.work import ingest
from hpsearch.errors import InvalidSpec
from hpsearch.service import Services, replay
from hpsearch.service.datasets import Datasets
from hpsearch.training.data_splits import splits
from hpsearch.wiring import build

SPEC = {
    "dataset": "visits",
    "model": {"hidden_sizes": [6], "batch_size": 32, "optimizer": "adam"},
    "space": {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}},
    "rounds": 1,
    "trials_per_round": 4,
    "epochs": {"first": 1, "last": 2},
    "stop_early": False,
    "final": {"epochs": 2, "models": 2},
}
WAYS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"groups": "person", "drop": "day"}, {"folds": 3, "groups": "person"}),
    ({"time": "day", "drop": "person"}, {"folds": 2, "time": "day"}),
    ({"groups": "person", "time": "day"}, {"repeats": 2}),
]


@contextmanager
def served(settings: Any, folder: Path, parameters: dict[str, str]) -> Iterator[Services]:
    """Services that have the table under the name visits."""
    folder.mkdir(exist_ok=True)
    file = folder / "visits.csv"
    file.write_text(visits.table())
    with build(settings) as built:
        files = DatasetStore(settings.datasets_url, settings.cache, parse=ingest)
        datasets = Datasets(built.store, files, settings)
        datasets.put(
            "visits", file, content_type="text/csv", owner=OWNER, reading=reading_of(parameters)
        )
        yield replace(built, datasets=datasets)


def submitted(services: Services, **changes: Any) -> str:
    status, _ = services.searches.submit({**SPEC, **changes}, owner=OWNER)
    return status.id


def edited(services: Services, way: dict[str, Any]) -> str:
    """A search with more and longer rounds than it was submitted with."""
    search = submitted(services, validation=way)
    services.searches.edit(search, {"rounds": 2, "epochs": {"last": 3}}, owner=OWNER)
    return search


@pytest.mark.parametrize(("parameters", "way"), WAYS, ids=["groups", "time", "both"])
def test_one_digest_however_the_jobs_are_cut(
    configured: Callable[..., Any], postgres_url: str, sqlite_url: str, tmp_path: Path,
    parameters: dict[str, str], way: dict[str, Any],
) -> None:  # fmt: skip
    """On both databases, trial by trial and all at once; an edit and a warm start replay."""
    found = []
    for number, (url, size) in enumerate([(postgres_url, 1), (sqlite_url, 64)]):
        settings = configured(database_url=url, job_size=size)
        with served(settings, tmp_path / str(number), parameters) as services:
            searches = [submitted(services, validation=way), edited(services, way)]
            found.append([alone(services, one) for one in searches])
            if number:
                warm = submitted(services, validation=way, warm_start=searches[:1])
                assert alone(services, warm)
                for one in (searches[1], warm):
                    assert replay.again(services, one).differences == []
    assert None not in found[0]
    assert found[0][0] != found[0][1]
    assert found[0] == found[1]


@pytest.mark.parametrize(("parameters", "way"), WAYS, ids=["groups", "time", "both"])
def test_a_search_knows_how_many_rows_validate(
    configured: Callable[..., Any], sqlite_url: str, tmp_path: Path,
    parameters: dict[str, str], way: dict[str, Any],
) -> None:  # fmt: skip
    """Before the first trial: those that the splits have, where a share of all rows is no answer."""
    with served(configured(database_url=sqlite_url), tmp_path / "a", parameters) as services:
        search = submitted(services, validation=way)
        stored = services.store.read(lambda tx: tx.searches.get(search))
        info = DatasetInfo.from_json(stored.facts)
        y, facts = services.files.train_rows(info)
        ways = {"folds": None, "repeats": 1, **way}
        parts = splits(
            y, seed=0, fraction=0.2, folds=ways["folds"], repeats=ways["repeats"], facts=facts
        )
        validate = set(np.concatenate([part.validation for part in parts]).tolist())
        assert stored.resolved().workload.validation_examples == len(validate)


def test_a_plan_is_refused_as_the_search_would_be(
    configured: Callable[..., Any], sqlite_url: str, tmp_path: Path
) -> None:
    spec = {**SPEC, "validation": {"repeats": 20}}
    parameters = {"time": "day", "drop": "person"}
    with served(configured(database_url=sqlite_url), tmp_path / "a", parameters) as services:
        with pytest.raises(InvalidSpec) as of_plan:
            services.searches.plan(spec, owner=OWNER)
        with pytest.raises(InvalidSpec) as of_search:
            services.searches.submit(spec, owner=OWNER)
    assert [m.path for m in of_plan.value.mistakes] == ["validation.repeats"]
    assert of_plan.value.mistakes == of_search.value.mistakes
