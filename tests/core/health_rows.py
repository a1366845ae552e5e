"""The rows of a search without findings, and what is planted in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from core.builders import resolve
from core.report_rows import Made, Round, Search, Trial, models, rate

from hpsearch.report import health
from hpsearch.space import box_to_json

LAST = 8  # epochs of a full training
FINALIST: dict[str, Any] = {
    "params": {"learning_rate": 0.1}, "trainings": 4, "mean": 0.93, "sd": 0.004,
    "posterior_mean": 0.93, "difference": 0.0, "p": None, "paired": False,
    "indistinguishable": True,
}  # fmt: skip


def beaten(difference: float, p: float | None, *, alike: bool) -> dict[str, Any]:
    params = {"learning_rate": 0.2 if alike else 0.3}
    told = {"difference": difference, "p": p, "indistinguishable": alike}
    return {**FINALIST, "params": params, **told}


def answering(learning_rate: float, right: range) -> Trial:
    """A training that got these of 100 examples right."""
    bits = np.isin(np.arange(100), right)
    return Trial(3, params={"learning_rate": learning_rate}, right=np.packbits(bits).tobytes())


CLEAN: dict[str, Any] = {
    "frontier": None, "epochs": LAST, "noise_sd": 0.005, "expected_gain": 0.0001,
    "importance": [], "agreement": {"1": 0.9},
    "finalists": [FINALIST, beaten(0.08, 0.001, alike=False)],
}  # fmt: skip


def notes(
    *, search: Search | None = None, rounds: Any = None, evidence: Any = None, box: Any = None,
    made: Any = None, full: Any = None, final: Any = None, **spec: Any,
) -> dict[str, Any]:  # fmt: skip
    """The notes by code of a search that is clean but for what is given."""
    resolved = resolve(warm_start=["earlier"], **spec)
    told = {**CLEAN, **(evidence or {})}
    box = box_to_json(box or {"learning_rate": rate(low=0.01, high=0.5)})
    stored = health.Stored(
        search or Search(state="completed"),
        resolved,
        rounds or [Round(rungs=[2, 4, 8], box=box, evidence=told), Round(2, kind="final", box=box)],
        made or [Made()],
        clean_trainings() if full is None else full,
        models() if final is None else final,
    )
    found = health.notes(stored)
    assert len({note.code for note in found}) == len(found)
    for note in found:
        assert note.message
        assert note.advice
        assert note.numbers
        assert note.sentence == f"{note.message}; {note.advice}"
    return {note.code: note for note in found}


def training(index: int, learning_rate: float, short: float, full: float) -> Trial:
    return Trial(
        1, index, params={"learning_rate": learning_rate}, epochs=LAST, score=full,
        curve=[(2, 0.5, None, short), (LAST, 0.3, None, full)],
    )  # fmt: skip


def clean_trainings() -> list[Trial]:
    """Twelve configurations in the same order after 2 epochs and after 8."""
    return [training(i, 0.01 * 1.3**i, 0.6 + 0.01 * i, 0.9 + 0.002 * i) for i in range(12)]
