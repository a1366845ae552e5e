"""The choice of the trials that go on after a rung: pure, and made within a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class RungScore(NamedTuple):
    """A trial at a rung: its score, the higher the better, and its loss."""

    score: float
    loss: float


def survivors(scores: Mapping[int, RungScore], places: int) -> frozenset[int]:
    """The trials that go on: the `places` best by score, then by lower loss and lower index.

    Parameters
    ----------
    scores
        By index, of those trials of the cohort that still train.
    places
        How many go on by the plan; it counts the trials that the cohort had at first, so that
        one that diverged or failed takes nobody's place, and frees one only if it had one.
    """
    ranked = sorted(scores, key=lambda i: _rank(i, scores[i]))
    return frozenset(ranked[:places])


# Where every trial has a trainer of its own, nobody waits at a rung for the others: a training
# goes on until it is known what became of it, and is cut back to the rung where it had ended.

Known = Mapping[int, Mapping[int, RungScore]]
"""By index, the scores of each trial of a cohort by the epoch they were reported for."""


def surely_out(index: int, known: Known, rungs: Sequence[int], places: Sequence[int]) -> bool:
    """Tell if a trial will have been stopped by its last rung, whatever the others report yet.

    It is where, at some rung, as many trials as go on were better at that rung and at every one
    before it: if it got that far, so did they.

    Parameters
    ----------
    rungs
        The round's rungs, the last one ends the training.
    places
        How many of the cohort train up to each rung, as `schedule.cohort_sizes` gives it.
    """
    mine, ahead = known[index], set(known) - {index}
    for epoch, left in zip(rungs[:-1], places[1:], strict=True):
        if epoch not in mine:
            return False
        ahead = {
            i for i in ahead
            if epoch in known[i] and _rank(i, known[i][epoch]) < _rank(index, mine[epoch])
        }  # fmt: skip
        if len(ahead) >= left:
            return True
    return False


def halved(known: Known, rungs: Sequence[int], places: Sequence[int]) -> Mapping[int, int]:
    """The rung at which each trial of a whole cohort was stopped; who went on is not in it.

    The parameters are those of `surely_out`. A trial without a score at a rung, as one that
    diverged before it, falls out there by itself.
    """
    stopped: dict[int, int] = {}
    live = set(known)
    for epoch, left in zip(rungs[:-1], places[1:], strict=True):
        scores = {i: known[i][epoch] for i in live if epoch in known[i]}
        live = set(survivors(scores, left))
        stopped |= dict.fromkeys(scores.keys() - live, epoch)
    return stopped


def _rank(index: int, at: RungScore) -> tuple[float, float, int]:
    """Sorts the best first."""
    return (-at.score, at.loss, index)
