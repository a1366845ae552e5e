"""Findings about whoever trains: nobody does, or not everywhere in the ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Ints
from hpsearch.digits import told_apart
from hpsearch.plural import counted
from hpsearch.records import TrialRecord
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote
from hpsearch.space import Choices, Dimension
from hpsearch.trials import TrialState

CHANCE = 0.05  # of failures that lie together by luck, over all that was looked at
FAILED_LEAST = 3


def waiting_for_trainers(records: SearchRecords) -> Iterator[HealthNote]:
    """Trials that nobody claims."""
    waiting = records.waiting
    if waiting is None:
        return
    yield HealthNote(
        code="waiting_for_trainers",
        severity="warning",
        message=waiting.message,
        numbers={"seconds": waiting.seconds, "trials": waiting.trials},
        advice="start one, on any machine: hpsearch.client.external.run(client, ID, train)",
    )


def unreported_costs(records: SearchRecords) -> Iterator[HealthNote]:
    """A limit of costs of which nobody reports any."""
    limit = records.resolved.spec.max_cost
    ended = sum(r.ended for r in records.begun)
    if limit is None or not ended or any(r.cost is not None for r in records.begun):
        return
    yield HealthNote(
        code="unreported_costs",
        severity="warning",
        message=(
            f"the search may cost {limit:g}, and no trainer has reported a cost of its "
            f"{counted(ended, 'trial')} that have ended: its {records.resolved.spec.rounds} rounds "
            "are what ends it"
        ),
        numbers={"budget": limit, "trials": ended, "rounds": records.resolved.spec.rounds},
        advice='report "cost" with each score: what the trial has cost so far, in all',
    )


@dataclass(frozen=True, slots=True)
class _Region:
    """A part of one hyperparameter's values, and the trials that failed in it and elsewhere."""

    name: str
    where: str  # "above 5"
    advice: str
    trials: int
    failed: int
    chance: float


def failing_region(records: SearchRecords) -> Iterator[HealthNote]:
    """A part of the ranges in which trials fail, more than chance would have it."""
    trials = [*records.trained, *records.failed]
    if len(records.failed) < FAILED_LEAST or not records.trained:
        return
    regions = [
        region
        for name, now in records.box.items()
        for region in _regions(name, now, trials, len(records.failed))
    ]
    worst = min(regions, key=lambda region: region.chance, default=None)
    if worst is None or worst.chance * len(records.box) > CHANCE:
        return
    elsewhere, others = len(records.failed) - worst.failed, len(trials) - worst.trials
    fault = "" if records.resolved.workload.trained_here else (
        "where the parameters are at fault, report nan or the state diverged and the range moves "
        "away; or "
    )  # fmt: skip
    yield HealthNote(
        code="failing_region",
        severity="warning",
        message=(
            f"{worst.failed} of {worst.trials} trials with {worst.name} {worst.where} failed, "
            f"{elsewhere} of {others} others did; the range holds such values"
        ),
        numbers={
            "hyperparameter": worst.name, "failed": worst.failed, "trials": worst.trials,
            "failed_elsewhere": elsewhere, "trials_elsewhere": others, "chance": worst.chance,
        },
        advice=fault + worst.advice,
    )  # fmt: skip


def _regions(
    name: str, now: Dimension, trials: Sequence[TrialRecord], failed: int
) -> Iterator[_Region]:
    """The parts of the present values of a hyperparameter in which most trials failed."""
    known = [t for t in trials if name in t.params]
    bad = np.array([t.state is TrialState.FAILED for t in known])
    if len(known) < len(trials):  # it is not active in the others, which say nothing of its values
        failed = int(bad.sum())
    if isinstance(now, Choices):
        for level in now.choices:
            inside = np.array([t.params[name] == level for t in known])
            counts = np.array([inside.sum()]), np.array([bad[inside].sum()])
            advice = f"leave {level!r} out of space.{name}.choices"
            yield from _worst(name, [f"= {level!r}"], [advice], *counts, len(known), failed)
        return
    values = np.array([t.params[name] for t in known], np.float64)
    order = np.argsort(values, kind="stable")
    points, below = np.unique(values[order], return_index=True)
    cuts = range(1, len(points))  # between a point and the one before it
    bad_below = np.concatenate([[0], np.cumsum(bad[order])])[below]
    ends: list[tuple[str, str, Sequence[int], Ints, Ints]] = [
        ("above", "high", [i for i in cuts if points[i] <= now.high], len(known) - below, failed - bad_below),
        ("below", "low", [i for i in cuts if points[i - 1] >= now.low], below, bad_below),
    ]  # fmt: skip
    for word, end, at, trials_inside, bad_inside in ends:
        edges = [
            told_apart(points[i - 1] if end == "high" else points[i], now.high - now.low, 3)
            for i in at
        ]
        wheres = [f"{word} {edge}" for edge in edges]
        advised = [f"set space.{name}.hard_{end} to {edge}" for edge in edges]
        yield from _worst(
            name, wheres, advised, trials_inside[at], bad_inside[at], len(known), failed
        )


def _worst(
    name: str,
    wheres: Sequence[str],
    advice: Sequence[str],
    inside: Ints,
    bad: Ints,
    known: int,
    failed: int,
) -> Iterator[_Region]:
    """The region, of some alike, whose failures are the least likely; the others are counted as looks.

    inside, bad (n,): its trials, and those of them that failed. The chance is hypergeometric.
    """
    # Here, because the processes that only answer need not wait for it to load.
    from scipy.stats import hypergeom

    most = np.flatnonzero((bad >= FAILED_LEAST) & (2 * bad > inside))
    if not len(most):
        return
    chances = np.asarray(hypergeom.sf(bad[most] - 1, known, failed, inside[most]), np.float64)
    i = most[int(np.argmin(chances))]
    whole = bad[i] == failed == inside[i]  # only one cut can part them so
    looks = 2 * (1 if whole else len(wheres))
    yield _Region(
        name, wheres[i], advice[i], int(inside[i]), int(bad[i]), float(chances.min()) * looks
    )
