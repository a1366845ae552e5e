"""Choices under the rule `level_set`: a level goes when it is very unlikely to be the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.narrowing.brakes import Numbers
from hpsearch.narrowing.candidates import SEED
from hpsearch.narrowing.view import View
from hpsearch.space import Choices, Level, same_level
from hpsearch.trials import Decision, Observation, Verdict

BEST_LEAST = 0.05  # probability of holding the best place, below which a level goes
TRIALS_LEAST = 4  # finite trials that a level must have had before it may go
CHAMPIONS, DRAWS = 12, 1024  # places of each level, and posterior draws, behind that probability

Floats = NDArray[np.float64]


def decided(
    name: str, view: View, asked: Choices, now: Choices, observations: list[Observation]
) -> Decision:
    """The levels that stay, and why the others go.

    A level's chance is the share of posterior draws in which its best place beats those of all
    other levels.
    """
    chances, gains = _chances(name, view, asked, now)
    numbers: Numbers = {
        "support": view.supports[name],
        "noise_sd": view.model.noise_sd,
        "effect": gains,
    }
    dropped: dict[int, str] = {}
    for i, level in enumerate(now.choices):
        trials = sum(o.finite and same_level(o.params[name], level) for o in observations)
        diverged = sum(not o.finite and same_level(o.params[name], level) for o in observations)
        numbers[f"level_{i}_chance"], numbers[f"level_{i}_trials"] = chances[i], trials + diverged
        if (
            view.supports[name] > 0
            and chances[i] < BEST_LEAST
            and trials + diverged >= TRIALS_LEAST
        ):
            dropped[i] = (
                f"{level}: after {trials + diverged} trials, it is the best with a probability "
                f"of {chances[i]:.2g}"
            )
    if len(now.choices) == 1:
        reason = f"kept: {now.choices[0]} is the one level left"
        return Decision(name, now, now, Verdict.KEPT, reason, numbers)
    if not dropped:
        reason = (
            "unidentified: every level may be the best one, with a probability of "
            + ", ".join(f"{x} {p:.2g}" for x, p in zip(now.choices, chances, strict=True))
            + f", or has had fewer than {TRIALS_LEAST} trials"
        )
        return Decision(name, now, now, Verdict.UNIDENTIFIED, reason, numbers)
    after = Choices(choices=tuple(x for i, x in enumerate(now.choices) if i not in dropped))
    reason = "dropped " + "; ".join(dropped.values())
    return Decision(name, now, after, Verdict.NARROWED, reason, numbers)


def _chances(name: str, view: View, asked: Choices, now: Choices) -> tuple[list[float], float]:
    """Each level's chance of holding the best place, and how far the levels' bests differ."""
    columns = view.model.encoding.columns[name]
    upper = view.mean + view.c * view.sd
    leaders = view.places[np.argsort(-upper, kind="stable")[:CHAMPIONS]]
    blocks = [
        _champions(view, columns, _column(asked, level), leaders, upper) for level in now.choices
    ]
    draws = view.model.sample(np.concatenate(blocks), DRAWS, np.random.default_rng(SEED))
    tops = draws.reshape(DRAWS, len(blocks), -1).max(axis=2)
    wins = np.bincount(np.argmax(tops, axis=1), minlength=len(blocks)) / DRAWS
    return [float(w) for w in wins], float(np.median(np.ptp(tops, axis=1)))


def _champions(view: View, columns: slice, at: int, leaders: Floats, upper: Floats) -> Floats:
    """(2 CHAMPIONS, D) the level's most promising places, and all leaders as if of this level."""
    mine = np.flatnonzero(view.places[:, columns.start + at] > 0.5)
    own = view.places[mine[np.argsort(-upper[mine], kind="stable")[:CHAMPIONS]]]
    moved = leaders.copy()
    moved[:, columns] = 0.0
    moved[:, columns.start + at] = 1.0
    return np.resize(np.concatenate([own, moved]), (2 * CHAMPIONS, view.places.shape[1]))


def _column(asked: Choices, level: Level) -> int:
    return next(i for i, x in enumerate(asked.choices) if same_level(x, level))
