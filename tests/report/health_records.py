"""The records of a search without findings, and what is planted in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from support.builders import caps, resolve
from support.records import RATE, make_decision, make_round, make_search, make_trial, models, rate

from hpsearch.evidence import Evidence, Finalist, FinalScores
from hpsearch.records import DecisionRecord, RoundRecord, SearchRecord, TrialRecord
from hpsearch.report import health
from hpsearch.report.views import HealthNote
from hpsearch.space import Box, Params, box_to_json
from hpsearch.spec import ResolvedSpec, parse
from hpsearch.trials import SearchState
from hpsearch.workloads import NO_DATASET

LAST = 8  # epochs of a full training
FINALIST = Finalist(
    RATE, trainings=4, mean=0.93, sd=0.004, posterior_mean=0.93, difference=0.0, p=None,
    paired=False, indistinguishable=True,
)  # fmt: skip


def beaten(difference: float, p: float | None, *, alike: bool) -> Finalist:
    params = {"learning_rate": 0.2 if alike else 0.3}
    return replace(FINALIST, params=params, difference=difference, p=p, indistinguishable=alike)


def answering(learning_rate: float, right: range) -> TrialRecord:
    """A training that got these of 100 examples right."""
    bits = np.packbits(np.isin(np.arange(100), right)).tobytes()
    return make_trial(3, params={"learning_rate": learning_rate}, right=bits)


CLEAN = Evidence(
    epochs=LAST, noise_sd=0.005, expected_gain=0.0001, importance=(), agreement={1: 0.9},
    finalists=(FINALIST, beaten(0.08, 0.001, alike=False)),
)  # fmt: skip


def records(
    *,
    search: SearchRecord | None = None,
    rounds: Sequence[RoundRecord] | None = None,
    evidence: Evidence = CLEAN,
    box: Box | None = None,
    made: Sequence[DecisionRecord] | None = None,
    full: Sequence[TrialRecord] | None = None,
    final: Sequence[TrialRecord] | None = None,
    tried: Sequence[Params] = (),
    test: FinalScores | None = None,
    final_epochs: int = LAST,
    **spec: Any,
) -> health.SearchRecords:
    """The records of a search that is clean but for these."""
    last = box_to_json(box or {"learning_rate": rate(low=0.01, high=0.5)})
    first = make_round(rungs=[2, 4, 8], box=last, evidence=evidence)
    ended = make_round(2, kind="final", box=last, evidence=Evidence(test=test))
    return health.SearchRecords(
        search or make_search(state=SearchState.COMPLETED),
        resolve(warm_start=["earlier"], final={"epochs": final_epochs}, **spec),
        rounds or [first, ended],
        made or [make_decision()],
        clean_trainings() if full is None else full,
        models() if final is None else final,
        tried=tried,
    )


def all_notes(**planted: Any) -> list[HealthNote]:
    """The notes of a search that is clean but for these records."""
    findings = health.notes(records(**planted))
    # Of one hyperparameter, both ends may be open.
    assert len({(n.code, n.numbers.get("side")) for n in findings}) == len(findings)
    for note in findings:
        assert note.message
        assert note.advice
        assert note.numbers
        assert note.sentence == f"{note.message}; {note.advice}"
    return findings


def notes(**planted: Any) -> dict[str, HealthNote]:
    """The same by code."""
    return {note.code: note for note in all_notes(**planted)}


def external(**fields: Any) -> ResolvedSpec:
    """The spec of a search that is trained elsewhere."""
    space = {"x": {"low": 0.1, "high": 0.9}}
    return parse({"objective": "external", "space": space, **fields}, NO_DATASET, caps())


def training(index: int, learning_rate: float, short: float, full: float) -> TrialRecord:
    return make_trial(
        1, index, params={"learning_rate": learning_rate}, epochs=LAST, score=full, examples=287,
        curve=[(2, 0.5, None, short), (LAST, 0.3, None, full)],
    )  # fmt: skip


def clean_trainings() -> list[TrialRecord]:
    """Twelve configurations in the same order after 2 epochs and after 8."""
    return [training(i, 0.01 * 1.3**i, 0.6 + 0.01 * i, 0.9 + 0.002 * i) for i in range(12)]
