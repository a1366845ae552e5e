"""Jobs on iris, and what halving must make of them, worked out from full trainings."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch import nn
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.settings import load
from hpsearch.spec import parse
from hpsearch.trials import JobOrder, RoundKind, TrialReport, TrialState
from hpsearch.workloads import DatasetFacts

SPEC = {
    "dataset": "iris",
    "model": {"hidden_sizes": [6], "batch_size": 16, "class_weight": "balanced"},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 1e4, "scale": "log"},
        "dropout": {"low": 0.0, "high": 0.5},
        "activation": {"choices": ["relu", "tanh"]},
        "optimizer": {"choices": ["sgd", "adam"]},
    },
    "final": {"epochs": 3, "models": 3},
    "seed": 5,
}
PARAMS = [
    {"learning_rate": rate, "dropout": 0.1, "activation": kind, "optimizer": optimizer}
    for rate in (0.01, 0.1, 0.5, 2e3)
    for kind in ("relu", "tanh")
    for optimizer in ("sgd", "adam")
]
RUNGS = (1, 2, 4)


@pytest.fixture(scope="session")
def files(data_folder: Path) -> DatasetStore:
    return DatasetStore(str(data_folder), data_folder)


@pytest.fixture(scope="session")
def info(files: DatasetStore) -> DatasetInfo:
    return files.ingest_builtin("iris")


def order(
    info: DatasetInfo,
    params: Sequence[Mapping] = PARAMS,
    *,
    kind: RoundKind = RoundKind.EXPLORE,
    roles: Sequence | None = None,
    rungs: Sequence[int] = (3,),
    cohorts: Sequence[int] | None = None,
    round: int = 1,
    **changes: object,
) -> JobOrder:
    facts = info.to_json()
    spec = parse({**SPEC, **changes}, DatasetFacts.from_json(facts), load()).spec
    return JobOrder(
        search_id="s",
        kind=kind,
        round=round,
        epochs=rungs[-1],
        spec=spec.to_json(),
        dataset=facts,
        indices=range(len(params)),
        params=params,
        roles=roles or [None] * len(params),
        rungs=rungs,
        cohorts=cohorts or [0] * len(params),
    )


def part_of(whole: JobOrder, positions: Sequence[int]) -> JobOrder:
    """A job with some of the trials of another."""
    return replace(
        whole,
        **{
            name: [getattr(whole, name)[p] for p in positions]
            for name in ("indices", "params", "roles", "cohorts")
        },
    )


def halved(
    full: Mapping[int, TrialReport],
    cohort: Collection[int],
    rungs: Sequence[int],
    failing: Mapping[int, int] | None = None,
) -> dict[int, TrialReport]:
    """What halving makes of trials that were trained to the end, each by itself.

    failing: index -> the last epoch that this trial finishes before it raises.
    """
    found, going = {}, set(cohort)
    places = len(cohort)
    for rung in rungs[:-1]:
        places = math.ceil(places / 2) if places >= 4 else places
        for index in sorted(going):
            if (failing or {}).get(index, rung) < rung:
                found[index] = failed(index)
            elif full[index].epochs < rung:
                found[index] = full[index]
        going -= found.keys()
        rows = {index: full[index].curve[rung - 1] for index in going}
        ranked = sorted(going, key=lambda i: (-rows[i][3], rows[i][1], i))
        found |= {index: stopped(full[index], rung) for index in ranked[places:]}
        going = set(ranked[:places])
    return found | {i: failed(i) if i in (failing or {}) else full[i] for i in going}


def failed(index: int) -> TrialReport:
    return TrialReport(index, TrialState.FAILED, error="FloatingPointError: no")


def stopped(report: TrialReport, epoch: int) -> TrialReport:
    _, loss, correct, score = report.curve[epoch - 1]
    return replace(
        report,
        state=TrialState.STOPPED,
        epochs=epoch,
        correct=correct,
        loss=loss,
        score=score,
        curve=report.curve[:epoch],
    )


def picky(culprit: int, after: int = 0, fold: int = 0) -> type[nn.Training]:
    """An engine that raises when trial `culprit` is to go beyond epoch `after`."""
    key = (culprit, 0, *([fold] if fold else []))

    class Picky(nn.Training):
        def __init__(self, shape, members, *args, **options) -> None:
            super().__init__(shape, members, *args, **options)
            self.culprits = {i for i, m in enumerate(members) if m.init_key[3:] == key}

        def run_to(self, epoch: int) -> Mapping[int, nn.EpochScore]:
            if epoch > after and self.culprits & set(self.live):
                raise FloatingPointError("no")
            return super().run_to(epoch)

    return Picky
