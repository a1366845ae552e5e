"""Winners of final tests on tables as people have them, with the raw rows of their sealed parts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from support.parsing import in_this_process

from hpsearch import nn
from hpsearch.data import DatasetStore, Reading
from hpsearch.settings import load
from hpsearch.spec import parse
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import JobOrder, Role, RoundKind
from hpsearch.workloads import DatasetFacts

ROWS = 260


@dataclass(frozen=True)
class Winner:
    """A model, and the sealed rows of its file as raw columns."""

    model: nn.Model
    sealed: pd.DataFrame

    @property
    def answers(self) -> np.ndarray:
        """Ours: probabilities, or numbers."""
        return self.model.predict_values(self.sealed)


def people() -> pd.DataFrame:
    """Numbers with gaps and heavy tails, words, ranks, booleans, dates, moments in a narrow range."""
    rng = np.random.default_rng(0)
    age, fare = rng.gamma(4, 10, ROWS).round(1), np.exp(rng.normal(3, 1.5, ROWS)).round(2)
    city = np.minimum(rng.geometric(0.3, ROWS) - 1, 10)
    frame = pd.DataFrame({
        "age": age,
        "fare": fare,
        "city": [("Ada", "Bonn", "Oslo", "Rome")[i] if i < 4 else f"town {i}" for i in city],
        "size": [("small", "medium", "large")[i] for i in rng.integers(0, 3, ROWS)],
        "member": [("no", "yes")[i] for i in rng.integers(0, 2, ROWS)],
        "since": [f"20{18 + i % 6}-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(ROWS)],
        "stamp": 1.6e9 + rng.integers(0, 9000, ROWS),
        "flat": np.where(np.arange(ROWS) % 50, 3, 4),
    })  # fmt: skip
    frame["price"] = (20 + age / 4 + 5 * (city % 3) + rng.normal(0, 2, ROWS)).round(3)
    frame["bought"] = np.where(age / 20 + city % 3 + rng.normal(0, 0.7, ROWS) > 2.5, "yes", "no")
    for name, share in (("age", 0.15), ("city", 0.1), ("member", 0.05), ("since", 0.05)):
        frame[name] = frame[name].astype(object).where(rng.random(ROWS) >= share, None)
    return frame


def numbers() -> pd.DataFrame:
    """Numbers alone, a constant one and one in a narrow range among them; three classes by number."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 3)).round(4), columns=["a", "b", "c"])
    frame["stamp"] = 1.6e9 + rng.integers(0, 9000, ROWS)
    frame["kind"] = (2 * (frame.a > 0) + (frame.b > 0.3)) * 5
    return frame


def plain() -> pd.DataFrame:
    """Numbers that float32 holds, and a number as target."""
    return numbers().drop(columns=["stamp", "kind"]).assign(y=lambda f: 100 + 7 * f.a - f.b * f.c)


@dataclass(frozen=True)
class Case:
    """A table, its label, and the model that is trained on it."""

    table: Callable[[], pd.DataFrame]
    label: str
    drop: tuple[str, ...]
    model: Mapping[str, Any]
    networks: int = 1
    task: str = "classification"


CASES = {
    "mixed classes, several networks": Case(
        people, "bought", ("price",),
        {"hidden_sizes": [12], "activation": "relu", "scaling": "robust", "dropout": 0.2,
         "layers": [{"kind": "waves", "numbers": 2, "count": 3},
                    {"kind": "waves", "first": 1, "numbers": 1, "base": 8.0}]}, networks=3,
    ),
    "mixed regression, batch norm": Case(
        people, "price", ("bought",),
        {"hidden_sizes": [10, 6], "activation": "tanh", "batch_norm": True, "scaling": "standard",
         "max_levels": 2}, networks=2, task="regression",
    ),
    "numbers, narrow range": Case(
        numbers, "kind", (), {"hidden_sizes": [9, 7, 5], "activation": "sigmoid", "batch_norm": True}
    ),
    "numbers, regression": Case(
        plain, "y", (), {"hidden_sizes": [8], "activation": "relu"}, task="regression"
    ),
    "no hidden layer": Case(numbers, "kind", ("stamp",), {"hidden_sizes": []}, networks=5),
}  # fmt: skip


@cache
def winner(name: str) -> Winner:
    """The winner of a case, trained and tested once."""
    case, folder = CASES[name], Path(tempfile.mkdtemp())
    files = DatasetStore(str(folder / "data"), folder / "cache", parse=in_this_process)
    frame, file = case.table(), folder / "table.csv"
    frame.to_csv(file, index=False, na_rep="NA")
    ordered = (("size", ("small", "medium", "large")),) if "size" in frame else ()
    reading = Reading(
        label=case.label, drop=case.drop, task=case.task, ordered=ordered, missing=("NA",)
    )
    info = files.ingest_upload(file, "text/csv", reading)
    params = {"learning_rate": 0.02}
    roles = [Role.RECOMMENDED, *[Role.NETWORK] * (case.networks - 1)]
    final = {"epochs": 12, "models": 1, "networks": case.networks}
    spec = parse(
        {"dataset": "mine", "model": {"optimizer": "adam", "batch_size": 32, **case.model},
         "space": {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}}, "final": final,
         "rounds": 1, "trials_per_round": 8, "epochs": {"first": 1, "last": 1}, "seed": 5},
        DatasetFacts.from_json(info.to_json()), load(),
    ).spec  # fmt: skip
    order = JobOrder(
        search_id="s", kind=RoundKind.FINAL, round=2, epochs=12, spec=spec.to_json(),
        dataset=info.to_json(), indices=range(len(roles)), params=[params] * len(roles),
        roles=roles, rungs=(12,), cohorts=[0] * len(roles),
    )  # fmt: skip
    report = run_final(Trainer(files), order, open_test=lambda: True)
    assert report.model is not None
    model = nn.Model.loads(report.model)
    assert len(model.weights) == case.networks
    sealed = frame.iloc[files.test_rows(info)].reset_index(drop=True)
    return Winner(model, sealed.drop(columns=[case.label]))
