"""A worker that trains nothing: a formula says what each trial scores after each epoch.

Cohorts are halved, repeats report which examples they got right, and diverged trials stop, as
in a real job; two trials of the same round and index always get the same luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hpsearch.service import Services
from hpsearch.spec import schedule
from hpsearch.training.numerics import fingerprint
from hpsearch.trials import JobOrder, JobReport, Role, RoundKind, TrialReport, TrialState

Truth = Callable[[Mapping[str, Any], int], float | None]
TEST_EXAMPLES = 1000


def hill(params: Mapping[str, Any], epochs: int) -> float | None:
    """Accuracy with its top at a learning rate of 0.1; ten diverges."""
    away = math.log10(params["learning_rate"]) + 1
    return None if away >= 2 else 0.95 - 0.06 * away**2 - 0.1 / epochs


class Table:
    """Plays the loop and one worker; `truth(params, epochs)` is an accuracy, None diverges.

    `noise` is the sd of a training about the truth, `loss_on_test` what the test accuracy lacks.
    """

    def __init__(
        self, services: Services, truth: Truth = hill, *, noise: float = 0.003,
        loss_on_test: float = 0.0, jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.services, self.truth = services, truth
        self.noise, self.loss_on_test, self.jobs = noise, loss_on_test, jobs

    def __call__(self) -> int:
        """Advance and train what is published, at most `jobs` of it; how many jobs that was."""
        work, done = self.services.jobs, 0
        work.advance_due()
        work.register("table", host="here", pid=1, fingerprint={"numpy": "table"})
        for hint in work.hints():
            order = work.claim(hint, worker_run="table") if done != self.jobs else None
            if order is None:
                continue
            if order.kind is RoundKind.FINAL:
                work.open_test(hint, worker_run="table")
            work.finish(hint, self.report(order), worker_run="table")
            done += 1
        return done

    def report(self, order: JobOrder) -> JobReport:
        """What a worker would report."""
        examples = round(order.dataset["n_train"] * order.spec["validation_fraction"])
        ends = [order.epochs] * len(order.indices) if order.kind is RoundKind.FINAL else (
            self._halved(order)
        )  # fmt: skip
        trials = [self._trial(order, at, ends[at], examples) for at in range(len(order.indices))]
        tested = [t.test_correct for t in trials if t.test_correct is not None]
        ensemble = max(tested, default=None)
        return JobReport(trials, fingerprint(), seconds=0.01, ensemble_correct=ensemble)

    def _score(self, order: JobOrder, at: int, epoch: int) -> float | None:
        value = self.truth(order.params[at], epoch)
        if value is None:
            return None
        luck = np.random.default_rng([7, order.round, order.indices[at]]).standard_normal()
        return float(np.clip(value + self.noise * luck, 0.0, 1.0))

    def _halved(self, order: JobOrder) -> Sequence[int]:
        """The epoch at which each trial ends."""
        ends = [order.epochs] * len(order.indices)
        for cohort in set(order.cohorts):
            living = [i for i, c in enumerate(order.cohorts) if c == cohort]
            target = len(living)
            for rung in order.rungs[:-1]:
                target = schedule.survivors(target)
                ranked = sorted(living, key=lambda i: -(self._score(order, i, rung) or -1.0))
                for i in ranked[target:]:
                    ends[i] = rung
                living = ranked[:target]
        return ends

    def _trial(self, order: JobOrder, at: int, end: int, examples: int) -> TrialReport:
        index, final = order.indices[at], order.kind is RoundKind.FINAL
        scores = [self._score(order, at, epoch) for epoch in range(1, end + 1)]
        if scores[-1] is None:
            return TrialReport(index=index, state=TrialState.DIVERGED, epochs=end)
        counts = [round((s or 0.0) * examples) for s in scores]
        accuracies = [c / examples for c in counts]
        validated = not final or order.roles[at] is Role.OPTIMISM
        tested = round((scores[-1] - self.loss_on_test) * TEST_EXAMPLES)
        stopped = not final and end < order.epochs
        return TrialReport(
            index=index,
            state=TrialState.STOPPED if stopped else TrialState.COMPLETED,
            epochs=end,
            correct=counts[-1] if validated else 0,
            examples=examples if validated else 0,
            loss=1.0 - accuracies[-1] if validated else None,
            score=accuracies[-1] if validated else None,
            curve=[(e, 1.0 - a, c, a) for e, (a, c) in enumerate(zip(accuracies, counts, strict=True), 1)],
            correct_mask=_correct_mask(counts[-1], examples) if order.kind is RoundKind.REPEAT else None,
            test_correct=tested if final else None,
            test_examples=TEST_EXAMPLES if final else None,
        )  # fmt: skip


def _correct_mask(correct: int, examples: int) -> bytes:
    """Packed bits: the easiest examples are the ones that are got right."""
    return np.packbits(np.arange(examples) < correct).tobytes()
