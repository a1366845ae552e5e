"""A table of each kind that is split, encoded or scored in a way of its own, and a small search on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hpsearch.data import DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.work import ingest
from hpsearch.service import Services
from hpsearch.service.datasets import Datasets
from support import mixed, visits, weighted
from support.bench import OWNER

SPEC: Mapping[str, Any] = {
    "model": {"hidden_sizes": [6], "batch_size": 32, "optimizer": "adam"},
    "space": {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 6,
    "epochs": {"first": 1, "last": 2},
    "stop_early": False,
    "final": {"epochs": 2, "models": 2},
}


@dataclass(frozen=True)
class Kind:
    """A table as a file, the parameters of its upload, and what its spec says beside `SPEC`."""

    text: str
    upload: Mapping[str, str]
    spec: Mapping[str, Any] = field(default_factory=dict)


def _mixed() -> str:
    """Numbers, words, ranks and gaps, with a mark of a unit and a column that numbers the rows."""
    made, y = mixed.table()
    made["fare"] = [f"${value:,.2f}" for value in made["fare"]]
    lines = [",".join(["", *made, "bought"])]
    for row, label in enumerate(y):
        cells = ["" if made[name][row] is None else str(made[name][row]) for name in made]
        lines.append(",".join([str(row), *(f'"{cell}"' for cell in cells), ("no", "yes")[label]]))
    return "\n".join([*lines, ""])


CONDITIONAL: Mapping[str, Any] = {
    "model": {"hidden_sizes": [6], "batch_size": 32},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
        "optimizer": {"choices": ["sgd", "momentum", "adam"]},
        "momentum": {"low": 0.1, "high": 0.95, "when": {"optimizer": ["momentum"]}},
        "beta2": {"low": 0.9, "high": 0.999, "when": {"optimizer": ["adam"]}},
    },
    "forbid": [{"optimizer": "adam", "learning_rate": {"low": 0.1, "high": 1}}],
    "sampler": "gp",
    "baseline": {"optimizer": "momentum", "learning_rate": 0.1},
}
"""A space that not all trials fill, with a setting to be beaten."""

KINDS: Mapping[str, Kind] = {
    "mixed": Kind(_mixed(), {"ordered": "size:small<medium<large"}),
    "groups": Kind(
        visits.table(), {"groups": "person", "drop": "day"}, {"validation": {"folds": 3}}
    ),
    "time": Kind(visits.table(), {"time": "day", "drop": "person"}, {"validation": {"repeats": 2}}),
    "weights": Kind(weighted.table(), {"weight": "w"}, {"objective": "balanced_accuracy"}),
    "regression": Kind(weighted.table(numbers=True), {"task": "regression", "drop": "w"}),
    "conditional": Kind(weighted.table(), {"drop": "w"}, CONDITIONAL),
}


def put(services: Services, folder: Path) -> Services:
    """Services that have the tables, each under the name of its kind."""
    settings = services.settings
    files = DatasetStore(settings.datasets_url, settings.cache, parse=ingest)
    datasets = Datasets(services.store, files, settings)
    file = folder / "table.csv"
    for name, kind in KINDS.items():
        file.write_text(kind.text)
        reading = reading_of(dict(kind.upload))
        datasets.put(name, file, content_type="text/csv", owner=OWNER, reading=reading)
    return replace(services, datasets=datasets)


def submit(services: Services, name: str) -> str:
    """A search on the table of a kind."""
    spec = {**SPEC, "dataset": name, **KINDS[name].spec}
    return services.searches.submit(spec, owner=OWNER)[0].id
