"""A search that is trained elsewhere: its spec, its truth, and trainers without a machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpsearch.report.views import OrderView, StatusView, TrialView, VerdictView
from hpsearch.service import Services
from hpsearch.service.external import TrialUpdate
from hpsearch.trials import SearchState, TrialState
from support.bench import OWNER
from support.waiting import until

SPEC: dict[str, Any] = {
    "objective": "external",
    "space": {
        "alpha": {"low": 1e-4, "high": 1.0, "scale": "log"},
        "depth": {"low": 1, "high": 12, "integer": True},
        "kernel": {"choices": ["flat", "round"]},
    },
    "rounds": 3,
    "trials_per_round": 16,
    "epochs": {"first": 1, "last": 4},
    "final": {"models": 3},
    "seed": 3,
}

SMALL: dict[str, Any] = {"rounds": 2, "trials_per_round": 4, "epochs": {"first": 1, "last": 4}}

Truth = Callable[[Mapping[str, Any], int, int], float | None]


def truth(params: Mapping[str, Any], epoch: int, seed: int) -> float | None:
    """A score below zero, highest at alpha = 0.01 and depth = 6; the largest alphas diverge."""
    away = math.log10(params["alpha"]) + 2
    if away > 1.9:
        return None
    deep = (params["depth"] - 6) / 10
    luck = (seed % 1000) / 1e5
    return -(away**2) - deep**2 - (0.3 if params["kernel"] == "flat" else 0.0) - 1 / epoch + luck


class Outside:
    """Plays the loop, and any number of trainers who take their steps in turn."""

    def __init__(self, services: Services, told: Truth = truth) -> None:
        self.services, self.truth = services, told
        self.epochs = 0  # that were trained, those of no use included

    def submit(self, **changes: Any) -> str:
        """A new search; its id."""
        return self.services.searches.submit({**SPEC, **changes}, owner=OWNER)[0].id

    def status(self, search_id: str) -> StatusView:
        """Its status."""
        return self.services.searches.status(search_id, owner=OWNER)

    def claim(self, search_id: str, **how: Any) -> OrderView | None:
        """The next trial, if one is open."""
        return self.services.external.claim(search_id, owner=OWNER, **how)

    def report(self, order: OrderView, epoch: int, **said: Any) -> VerdictView:
        """Report one epoch, or what is `said` instead of it."""
        if not said:
            score = self.truth(order.params, epoch, order.seed)
            said = {"score": score} if score is not None else {"state": TrialState.DIVERGED}
        told = TrialUpdate(order.lease.token, epoch=epoch, **said)
        return self.services.external.report(order.search, order.trial, told, owner=OWNER)

    def train(self, search_id: str, *, trainers: int = 1) -> StatusView:
        """Train a search to its end, each trainer one epoch at a time, in turns."""
        held: dict[int, tuple[OrderView, int]] = {}

        def over() -> bool:
            self.services.jobs.advance_due()
            while sum(self._step(search_id, number, held) for number in range(trainers)):
                pass
            return self.status(search_id).finished_at is not None

        until(over, seconds=150, what="the end of a search")
        return self.status(search_id)

    def turn(self, search_id: str) -> SearchState:
        """Train the round that has begun, and decide the next one; the state then."""
        held: dict[int, tuple[OrderView, int]] = {}
        while self._step(search_id, 0, held):
            pass
        self.services.jobs.advance_due()
        return self.status(search_id).state

    def _step(self, search_id: str, number: int, held: dict[int, tuple[OrderView, int]]) -> bool:
        """One epoch of one trainer; whether there was one to train."""
        order, epoch = held.get(number, (None, 0))
        if order is None and self.status(search_id).finished_at is None:
            order = self.claim(search_id)
        if order is None:
            return False
        self.epochs += 1
        held[number] = (order, epoch + 1)
        if self.report(order, epoch + 1).stop:
            del held[number]
        return True


def trials(outside: Outside, search_id: str, **which: Any) -> Sequence[TrialView]:
    """The trials of a search with their curves."""
    return outside.services.searches.trials(search_id, owner=OWNER, curve=True, **which).items


def trial_of(outside: Outside, order: OrderView) -> TrialView:
    """The trial of an order, with its curve."""
    return next(t for t in trials(outside, order.search) if t.id == order.trial)


def lose(outside: Outside, order: OrderView) -> OrderView | bool:
    """Let a trainer fall silent until its trial is taken away; the next order, if it is claimed again."""

    def taken() -> OrderView | bool:
        outside.services.jobs.reap()
        failed = trial_of(outside, order).state == "failed"
        return failed or outside.claim(order.search, lease=0.2) or False

    return until(taken, what="the reaper")
