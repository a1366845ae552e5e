"""A spec together with the facts of its dataset: what a search is, once and for all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hpsearch.space import Box, Space
from hpsearch.spec import reach, schedule
from hpsearch.spec.combinations import combinations
from hpsearch.spec.models import SearchSpec
from hpsearch.workloads import DatasetFacts, Setup, Workload

REPEAT_SHARE = 0.25  # of the rounds repeat the finalists
REPEAT_FROM = 3  # rounds; with fewer there is nothing to choose finalists from
RESERVED = 0.25  # of a budget is kept for the repeats, at the most


@dataclass(frozen=True)
class ResolvedSpec:
    """A valid spec with its dataset's facts; everything else about a search follows from it."""

    spec: SearchSpec
    facts: DatasetFacts

    @cached_property
    def workload(self) -> Workload:
        """The training of this search."""
        spec, validation = self.spec, self.spec.validation
        return spec.workload(
            Setup(
                dataset=spec.dataset,
                facts=self.facts,
                objective=spec.objective,
                space=spec.space,
                model=spec.model,
                folds=validation.folds,
                repeats=validation.repeats,
                fraction=spec.validation_fraction,
                trial_seconds=spec.external.trial_seconds,
                groups=validation.groups,
                time=validation.time,
                weight=self.weight,
                forbidden=combinations(spec.forbid, spec.space),
            )
        )

    @property
    def weight(self) -> str | None:
        """The column by which rows count; None where all count the same."""
        asked = self.spec.weight
        return (self.facts.weight or None) if asked == "auto" else asked

    @property
    def weighted(self) -> bool:
        """True where rows count by weights."""
        return self.weight is not None

    @cached_property
    def space(self) -> Space:
        """The asked space with every limit filled in, without what cannot meet a requirement."""
        space = self.workload.space
        return reach.cut(self, space) if self.spec.require else space

    @property
    def box(self) -> Box:
        """The first box: the asked ranges."""
        return self.space.dimensions

    @property
    def repeat_rounds(self) -> int:
        """Rounds that repeat the finalists; the others explore."""
        asked, rounds = self.spec.finalists.rounds, self.spec.rounds
        if asked is not None:
            return asked
        return max(1, round(rounds * REPEAT_SHARE)) if rounds >= REPEAT_FROM else 0

    @property
    def explore_rounds(self) -> int:
        """Rounds that explore."""
        return self.spec.rounds - self.repeat_rounds

    def trials(self, number: int) -> int:
        """Trials of exploring round 1, 2, ...; a repeat round has as many as the last one."""
        trials = self.spec.trials
        return schedule.between(trials.first, trials.last, number, self.explore_rounds)

    def rungs(self, number: int) -> tuple[int, ...]:
        """Rungs of exploring round 1, 2, ...: the first one grows from round to round."""
        epochs = self.spec.epochs
        first = schedule.between(epochs.first, epochs.last, number, self.explore_rounds)
        return schedule.rungs(first, epochs.last, halving=epochs.halving)

    def round_epochs(self, trials: int, rungs: Sequence[int]) -> int:
        """Epochs of a round of `trials` over all of them, when none diverges."""
        return schedule.round_epochs(trials, tuple(rungs), self.spec.cohort)

    @property
    def repeat_epochs(self) -> int:
        """Epochs of all rounds that repeat the finalists."""
        return self.repeat_rounds * self.spec.trials.last * self.spec.epochs.last

    @property
    def reserve(self) -> int:
        """Epochs that are kept for the repeats: a quarter of the budget at most."""
        budget = self.spec.epochs.budget
        return 0 if budget is None else min(self.repeat_epochs, int(RESERVED * budget))

    def affordable(self, left: int, trials: int, rungs: Sequence[int]) -> int:
        """Return how many of `trials` a round may have that takes at most `left` epochs."""
        # A cohort more or less makes small steps back: the bisection may end one such step too low.
        return bisect_right(range(1, trials + 1), left, key=lambda n: self.round_epochs(n, rungs))

    @property
    def epochs_planned(self) -> int:
        """Epochs of all planned rounds together, the final test not counted."""
        spec, last = self.spec, self.explore_rounds
        explored = (self.round_epochs(self.trials(r), self.rungs(r)) for r in range(1, last + 1))
        planned = sum(explored) + self.repeat_epochs
        return planned if spec.epochs.budget is None else min(planned, spec.epochs.budget)

    @property
    def trials_planned(self) -> int:
        """Trials of all planned rounds together; a round that repeats has two or is left out."""
        explored = sum(self.trials(r) for r in range(1, self.explore_rounds + 1))
        last = self.spec.trials.last
        return explored + (self.repeat_rounds * last if last > 1 else 0)
