"""hpsearch itself on a benchmark: whole searches by its own coordinator, without training.

The one module that knows how a search runs inside: `decide` on snapshots, rounds that are
halved by their cohorts and rungs, observations with their curves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.search.axes import Axis
from hpsearch.arrays import Floats, Ints
from hpsearch.coordinator import Snapshot, decide, recommend
from hpsearch.records import sparse_curve
from hpsearch.settings import load
from hpsearch.space import Params, Range, Space
from hpsearch.spec import ResolvedSpec, SearchSpec, parse
from hpsearch.spec.schedule import survivors
from hpsearch.surrogate import Surrogate, fitted
from hpsearch.trials import FinalPlan, GiveUp, Observation, RoundPlan, TrialState
from hpsearch.workloads import NO_DATASET, DatasetFacts, Dense, ShapeKey

JOB_SIZE = 64  # a matter of speed alone
POWERS = tuple(2**k for k in range(20))
# values (n, axes), epochs, numbers of the trials (n,) in their order -> noisy scores (n,)
Scores = Callable[[Floats, int, Ints], Floats]
Limits = Mapping[str, tuple[float, float]]


class Alike(Dense):
    """Trials that all have one shape."""

    def shape_key(self, params: Params) -> ShapeKey:  # noqa: ARG002  # the interface's
        """One shape for all."""
        return ((1,), "relu", "sgd", 1, False)


@dataclass(frozen=True)
class BenchmarkSpec(ResolvedSpec):
    """A spec whose space is given by a benchmark's axes, with no room beyond them.

    Every trial has one shape, as with a user's own objective: nothing is stacked here.
    """

    axes: Sequence[Axis] = ()

    @cached_property
    def space(self) -> Space:
        """The benchmark's axes under hpsearch's names."""
        return Space({
            axis.ours: Range(
                low=axis.low, high=axis.high, scale="log" if axis.log else "linear",
                integer=axis.integer, hard_low=axis.low, hard_high=axis.high,
            )
            for axis in self.axes
        })  # fmt: skip

    @cached_property
    def workload(self) -> Alike:
        """Networks of one shape."""
        return Alike(super().workload.setup)


def spec(axes: Sequence[Axis], *, examples: int, **fields: Any) -> BenchmarkSpec:
    """A spec over `axes`; `fields` are those of a search spec."""
    asked = {axis.ours: {"low": axis.low, "high": axis.high} for axis in axes}
    search = SearchSpec.model_validate({"dataset": "benchmark", "space": asked, **fields})
    facts = DatasetFacts(digest="0" * 64, n_train=10 * examples, features=1, classes=2)
    return BenchmarkSpec(search, facts, tuple(axes))


@dataclass(frozen=True)
class AskedSpec(ResolvedSpec):
    """A spec as a user sends it, with the axes that it was made of."""

    axes: Sequence[Axis] = ()


def asked(axes: Sequence[Axis], *, most: int | None = None, **fields: Any) -> AskedSpec:
    """The spec of a user who trains elsewhere: the ranges, and `fields`; the rest is planned.

    `most` is the service's cap on epochs, where the objective knows no longer training.
    """
    space = {
        axis.name: {
            "low": axis.low, "high": axis.high, "scale": "log" if axis.log else "linear",
            "integer": axis.integer,
        }
        for axis in axes
    }  # fmt: skip
    data = {"objective": "external", "space": space, **fields}
    caps = load() if most is None else load(max_epochs=most)
    resolved = parse(data, NO_DATASET, caps)
    named = [replace(axis, ours=axis.name) for axis in axes]
    return AskedSpec(resolved.spec, resolved.facts, tuple(named))


@dataclass(slots=True)
class Search:
    """A search: its plans, its observations, and the time that each decision took."""

    resolved: BenchmarkSpec | AskedSpec
    scores: Scores
    examples: int
    plans: list[RoundPlan] = field(default_factory=list)
    seen: list[Observation] = field(default_factory=list)
    picks: list[tuple[int, Floats]] = field(default_factory=list)  # epochs spent, values (axes,)
    seconds: list[float] = field(default_factory=list)
    final: FinalPlan | None = None

    def run(self, *, anytime: bool = False) -> Search:
        """The whole search; `anytime` keeps the pick after every round."""
        now = Snapshot(self.resolved, self.resolved.box, ())
        while True:
            started = time.perf_counter()
            plan = decide(now, job_size=JOB_SIZE)
            self.seconds.append(time.perf_counter() - started)
            assert not isinstance(plan, GiveUp), "a benchmark never diverges"
            if anytime and self.seen:
                self._pick(plan.box)
            if isinstance(plan, FinalPlan):
                self.final = plan
                return self
            self.train(plan)
            now = Snapshot(
                self.resolved, plan.box, tuple(self.seen),
                kinds=tuple(p.kind for p in self.plans),
                ended=now.ended if plan.evidence is None else plan.evidence.explored or now.ended,
            )  # fmt: skip

    @property
    def spent(self) -> int:
        """Epochs of all trials so far."""
        return sum(o.epochs for o in self.seen)

    @property
    def recommended(self) -> Floats:
        """Values (axes,) of the final recommendation."""
        assert self.final is not None
        return self.values([self.final.recommended.best.params])[0]

    @property
    def edges(self) -> Floats:
        """Edges (2, axes) of the final range, in values."""
        assert self.final is not None
        box = self.final.box
        edges = [
            [getattr(box[a.ours], edge) for a in self.resolved.axes] for edge in ("low", "high")
        ]
        return np.array(edges, dtype=float)

    def values(self, trials: Sequence[Params]) -> Floats:
        """Values (n, axes) of trials, in the order of the axes."""
        names = [axis.ours for axis in self.resolved.axes]
        return np.array([[float(params[name]) for name in names] for params in trials])  # type: ignore[arg-type]  # all axes are numbers

    def model(self) -> Surrogate | None:
        """The surrogate of everything seen so far."""
        return fitted(self.resolved.space, self.seen, epochs=self.resolved.spec.epochs.last)

    def _pick(self, box: Any) -> None:
        pick = recommend(box, self.seen, self.model(), self.resolved.spec.epochs.last)
        if pick is not None:
            self.picks.append((self.spent, self.values([pick.best.params])[0]))

    def train(self, plan: RoundPlan) -> None:
        """Train a round: every cohort is compared at every rung, and its better half goes on.

        Scores are made for the epochs that the product keeps of a curve, and for the rungs.
        """
        values = self.values(plan.trials)
        numbers = len(self.seen) + np.arange(len(plan.trials))
        rows: list[list[tuple[int, None, None, float]]] = [[] for _ in plan.trials]
        going = [list(cohort) for cohort in plan.cohorts]
        for before, rung in pairwise((0, *plan.rungs)):
            members = [i for cohort in going for i in cohort]
            for epochs in [e for e in POWERS if before < e < rung] + [rung]:
                scores = self.scores(values[members], epochs, numbers[members])
                for i, score in zip(members, scores, strict=True):
                    rows[i].append((epochs, None, None, float(score)))
            going = [
                sorted(cohort, key=lambda i: -rows[i][-1][-1])[: survivors(len(cohort))]
                for cohort in going
            ]
        self.seen += [self._observation(plan, i, row) for i, row in enumerate(rows)]
        self.plans.append(plan)

    def _observation(
        self, plan: RoundPlan, index: int, rows: Sequence[tuple[int, None, None, float]]
    ) -> Observation:
        epochs, *_, score = rows[-1]
        full = epochs == plan.rungs[-1]
        return Observation(
            round=plan.number, index=index, params=plan.trials[index],
            state=TrialState.COMPLETED if full else TrialState.STOPPED, epochs=epochs,
            correct=round(min(max(score, 0.0), 1.0) * self.examples), examples=self.examples,
            loss=1.0 - score if self.examples else None, score=score, curve=sparse_curve(rows),
        )  # fmt: skip
