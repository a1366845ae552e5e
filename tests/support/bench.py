"""Searches whose training is a formula: the queue is what is tested here."""

from __future__ import annotations

import math
from typing import Any

from hpsearch.report.views import StatusView
from hpsearch.service import Services
from hpsearch.store import Written
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import Hint, JobOrder, JobReport, Role, RoundKind, TrialReport, TrialState
from support.waiting import until

OWNER = "tester"
SPEC: dict[str, Any] = {
    "dataset": "iris",
    "model": {"hidden_sizes": [4], "batch_size": 8},
    "space": {
        "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
    },
    "rounds": 2,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 2, "halving": False},
    "final": {"epochs": 2, "models": 2},
}


def formula(order: JobOrder) -> JobReport:
    """A report that follows from the order alone: best at a learning rate of 0.1."""
    reports = []
    for index, params, role in zip(order.indices, order.params, order.roles, strict=True):
        away = abs(math.log10(float(params["learning_rate"])) + 1)  # type: ignore[arg-type]
        correct = round(100 - 10 * away)
        tested = order.kind is RoundKind.FINAL
        validated = not tested or role is Role.OPTIMISM
        reports.append(
            TrialReport(
                index=index,
                state=TrialState.COMPLETED,
                epochs=order.epochs,
                correct=correct if validated else 0,
                examples=100 if validated else 0,
                loss=away if validated else None,
                score=correct / 100 if validated else None,
                curve=[(order.epochs, away, correct, correct / 100)],
                test_correct=correct - 1 if tested else None,
                test_examples=100 if tested else None,
            )
        )
    ensemble = 99 if order.kind is RoundKind.FINAL else None
    return JobReport(reports, fingerprint(), 0.01, ensemble_correct=ensemble)


class Bench:
    """A search and the steps that processes would take for it, one at a time."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.work = services.jobs

    def submit(self, **changes: Any) -> str:
        """A new search; its id."""
        status, created = self.services.searches.submit({**SPEC, **changes}, owner=OWNER)
        assert created
        return status.id

    def status(self, search_id: str) -> StatusView:
        """Its status, without the estimate that passing time changes."""
        status = self.services.searches.status(search_id, owner=OWNER)
        return status.model_copy(update={"eta_seconds": None})

    def hint(self) -> Hint:
        """The next hint."""
        return self.work.hints()[0]

    def claim(self, hint: Hint, run: str = "worker") -> JobOrder:
        """The order behind a hint, which must be there."""
        order = self.work.claim(hint, worker_run=run)
        assert order is not None
        return order

    def do(self, hint: Hint, run: str = "worker") -> Written:
        """Claim, train by formula, finish."""
        order = self.claim(hint, run)
        if order.kind is RoundKind.FINAL:
            assert self.work.open_test(hint, worker_run=run)
        return self.work.finish(hint, formula(order), worker_run=run)

    def round(self) -> None:
        """Advance and do every job of the round."""
        self.work.advance_due()
        while hints := self.work.hints():
            for hint in hints:
                self.do(hint)

    def complete(self, search_id: str) -> None:
        """Run a search to its end; lost jobs come back after their delay."""

        def ended() -> bool:
            self.round()
            self.work.advance_due()
            return self.status(search_id).finished_at is not None

        until(ended, what="the end of a search")
