"""The rounds that a spec leads to, as long as nothing diverges and nothing ends them early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hpsearch.spec.resolved import ResolvedSpec
from hpsearch.trials import RoundKind


@dataclass(frozen=True, slots=True)
class PlannedRound:
    """A round before its trials are drawn; `epochs` are those of all its trials together."""

    number: int
    kind: RoundKind
    trials: int
    rungs: tuple[int, ...]
    epochs: int


def rounds(resolved: ResolvedSpec) -> list[PlannedRound]:
    """Return the rounds of a whole search, as far as its budget of epochs pays for them."""
    planned: list[PlannedRound] = []
    budget, kept = resolved.spec.epochs.budget, resolved.reserve
    for kind, asked, rungs in _asked(resolved):
        trials, least, reserve = asked, 2, 0
        if kind is RoundKind.EXPLORE:
            least, reserve = 1, kept
        if budget is not None:
            left = budget - sum(r.epochs for r in planned) - reserve
            trials = resolved.affordable(left, asked, rungs)
        if trials >= least:
            epochs = resolved.round_epochs(trials, rungs)
            planned.append(PlannedRound(len(planned) + 1, kind, trials, rungs, epochs))
    return planned


def _asked(resolved: ResolvedSpec) -> Iterator[tuple[RoundKind, int, tuple[int, ...]]]:
    """Kind, trials and rungs of each round, whatever they cost."""
    for number in range(1, resolved.explore_rounds + 1):
        yield RoundKind.EXPLORE, resolved.trials(number), resolved.rungs(number)
    last = resolved.spec.trials.last, (resolved.spec.epochs.last,)
    for _ in range(resolved.repeat_rounds):
        yield RoundKind.REPEAT, *last
