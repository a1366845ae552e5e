"""The basis of a verdict: evidence enough, or the reason why there is none yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hpsearch.space import Choices, Dimension, Level, same_level
from hpsearch.trials import Basis, Numbers, Verdict

SURE = 0.9  # probability of an effect below the noise, from which it is shown to be small
EACH_LEAST = 4  # trials for each hyperparameter, and of each level, below which nothing is shown
MEDIANS = 2.5  # of an effect lie above nine tenths of it: those of a half-normal, rounded up
FAIR = 0.2  # of an even chance: a level that is less likely the best one is not like the others
_DIVERGED = ("all_diverged", "retreat", "nothing_finite")  # kinds of reasons


def basis_of(
    verdict: str,
    numbers: Numbers,
    facts: Mapping[str, Any] | None,
    now: Dimension,
    *,
    hyperparameters: int,
    untried: bool = False,
) -> Basis:
    """Return what a verdict on one hyperparameter rests on.

    Parameters
    ----------
    numbers, facts
        Those of the decision; `facts` are the reason's, in its stored form.
    now
        The range, or the levels that are left.
    hyperparameters
        How many are searched together.
    untried
        Some level that is left is known to have had no trial.
    """
    reason = facts or {}
    while isinstance(reason.get("reason"), Mapping):  # one that another is about
        reason = reason["reason"]
    if reason.get("kind") in _DIVERGED:
        return Basis.ALL_DIVERGED
    if untried or _has_untried(numbers):
        return Basis.UNTRIED_LEVELS
    if verdict == Verdict.UNIDENTIFIED and not shown_small(numbers, now, hyperparameters):
        return Basis.TOO_FEW_TRIALS
    return Basis.ENOUGH


def shown_small(numbers: Numbers, now: Dimension, hyperparameters: int) -> bool:
    """Tell whether the evidence shows an effect below the noise; too little evidence shows none.

    Levels: each has been tried, none is unlikely to be the best, and their best places hardly differ.
    """
    enough = EACH_LEAST * hyperparameters
    if not isinstance(now, Choices):
        probability, inside = numbers.get("p_below_noise"), numbers.get("trials")
        return (probability or 0) >= SURE and (inside or 0) >= enough
    levels = range(len(now.choices))
    trials = [numbers.get(f"level_{i}_trials") or 0 for i in levels]
    chances = [numbers.get(f"level_{i}_chance") or 0 for i in levels]
    effect, noise = numbers.get("effect"), numbers.get("noise_sd")
    return (
        min(trials) >= EACH_LEAST
        and sum(trials) >= enough
        and min(chances) >= FAIR / len(levels)
        and effect is not None
        and MEDIANS * effect < (noise or 0)
    )


def untried(now: Dimension, tried: Iterable[Level]) -> list[Level]:
    """Levels that are left and that no trial has had."""
    if not isinstance(now, Choices):
        return []
    seen = list(tried)
    return [level for level in now.choices if not any(same_level(level, t) for t in seen)]


def _has_untried(numbers: Numbers) -> bool:
    """Tell whether the decision itself counted all trials, and none of some level; not every one does."""
    return any(
        count == 0 and key.replace("_trials", "_chance") in numbers
        for key, count in numbers.items()
        if key.startswith("level_") and key.endswith("_trials")
    )
