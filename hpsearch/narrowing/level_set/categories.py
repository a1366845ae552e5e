"""Choices under the rule `level_set`: a category goes when it is very unlikely to be the best.

One that has gone comes back when it is not any more: trials outside the box, or others that the surrogate
learned from, may have shown so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.combinations import among
from hpsearch.narrowing.level_set.evaluation_grid import INNER, SEED, spread
from hpsearch.narrowing.level_set.posterior_summary import PosteriorSummary
from hpsearch.reasons import rules
from hpsearch.space import Box, Choices, Level, same_level
from hpsearch.trials import Decision, Numbers, Observation, Verdict

BEST_LEAST = 0.05  # probability of holding the best place, below which a category goes
TRIALS_LEAST = 4  # trials that a category must have had before it may go
TOP, DRAWS = 12, 1024  # top places of each category, and posterior draws, behind that probability

Floats = NDArray[np.float64]


def decide(
    name: str,
    summary: PosteriorSummary,
    asked: Choices,
    box: Box,
    observations: Sequence[Observation],
) -> Decision:
    """Return the categories that stay or come back, and why others go.

    The probability of a category is the share of posterior draws in which its best place beats
    those of all other categories.
    """
    now = box[name]
    assert isinstance(now, Choices)  # a box has the kinds of its space
    chances, gains = _chances(name, summary, asked, now, observations)
    numbers: Numbers = {
        "support": summary.supports[name],
        "noise_sd": summary.model.noise_sd,
        "effect": gains,
        **{
            key: value
            for i, chance in enumerate(chances)
            for key, value in (
                (f"level_{i}_chance", chance.probability),
                (f"level_{i}_trials", chance.trials),
            )
        },
    }
    back = _back(name, summary, asked, box, observations)
    if back:
        open_ = [*now.choices, *(chance.category for chance in back)]
        wider = Choices(choices=tuple(c for c in asked.choices if among(c, open_)))
        again = rules.MayBeBestAgain(tuple(back))
        return Decision(name, now, wider, Verdict.KEPT, again, numbers)
    if len(now.choices) == 1:
        left = rules.OneCategoryLeft(now.choices[0])
        return Decision(name, now, now, Verdict.KEPT, left, numbers)
    supported = summary.supports[name] > 0
    dropped = [c for c in chances if supported and _unlikely(c)]
    if not dropped:
        any_ = rules.AnyMayBeBest(tuple(chances), TRIALS_LEAST)
        return Decision(name, now, now, Verdict.UNIDENTIFIED, any_, numbers)
    after = Choices(choices=tuple(c.category for c in chances if c not in dropped))
    reason = rules.UnlikelyBest(tuple(dropped))
    return Decision(name, now, after, Verdict.NARROWED, reason, numbers)


def _chances(
    name: str,
    summary: PosteriorSummary,
    asked: Choices,
    now: Choices,
    observations: Sequence[Observation],
) -> tuple[list[rules.CategoryChance], float]:
    """The chance of each category, and how far the best places of the categories differ."""
    probabilities, gains = _probabilities(name, summary, asked, now)
    chances = [
        rules.CategoryChance(category, p, _trials(name, category, observations))
        for category, p in zip(now.choices, probabilities, strict=True)
    ]
    return chances, gains


def _back(
    name: str,
    summary: PosteriorSummary,
    asked: Choices,
    box: Box,
    observations: Sequence[Observation],
) -> list[rules.CategoryChance]:
    """The categories outside the box that may be the best, judged among all that were asked for."""
    now, encoding = box[name], summary.model.encoding
    if len(now.grid()) == len(asked.choices):
        return []
    tried = [o.params for o in observations if o.finite and name in o.params]
    outside = [p for p in tried if not now.contains(p[name])]  # type: ignore[arg-type]  # a level of this choice
    inner = dict.fromkeys(summary.axes, (0.0, 1.0))
    places = spread(encoding.space, {**box, name: asked}, encoding, summary.axes, inner, INNER)
    places = np.concatenate([places, encoding.encode(outside)])
    places = places[encoding.present(places, name) & encoding.permitted(places)]
    everywhere = summary.with_places(places)
    chances, _ = _chances(name, everywhere, asked, asked, observations)
    return [c for c in chances if c.probability >= BEST_LEAST and not now.contains(c.category)]  # type: ignore[arg-type]  # see above


def _unlikely(chance: rules.CategoryChance) -> bool:
    return chance.probability < BEST_LEAST and chance.trials >= TRIALS_LEAST


def _trials(name: str, category: Level, observations: Sequence[Observation]) -> int:
    """Trials of a category, diverged ones among them."""
    return sum(name in o.params and same_level(o.params[name], category) for o in observations)


def _probabilities(
    name: str, summary: PosteriorSummary, asked: Choices, now: Choices
) -> tuple[list[float], float]:
    """The probability of each category, and how far the best places of the categories differ."""
    columns = summary.model.encoding.columns[name]
    upper = summary.mean + summary.c * summary.sd
    leaders = summary.places[np.argsort(-upper, kind="stable")[:TOP]]
    blocks = [
        _top_places(summary, columns, _column(asked, category), leaders, upper)
        for category in now.choices
    ]
    draws = summary.model.sample(np.concatenate(blocks), DRAWS, np.random.default_rng(SEED))
    tops = draws.reshape(DRAWS, len(blocks), -1).max(axis=2)
    wins = np.bincount(np.argmax(tops, axis=1), minlength=len(blocks)) / DRAWS
    return [float(w) for w in wins], float(np.median(np.ptp(tops, axis=1)))


def _top_places(
    summary: PosteriorSummary, columns: slice, at: int, leaders: Floats, upper: Floats
) -> Floats:
    """(2 TOP, D) the category's most promising places, and all leaders as if of this category."""
    mine = np.flatnonzero(summary.places[:, columns.start + at] > 0.5)
    own = summary.places[mine[np.argsort(-upper[mine], kind="stable")[:TOP]]]
    moved = leaders.copy()
    moved[:, columns] = 0.0
    moved[:, columns.start + at] = 1.0
    moved = _allowed(summary, moved) if len(own) else summary.model.encoding.settled(moved)
    return np.resize(np.concatenate([own, moved]), (2 * TOP, summary.places.shape[1]))


def _allowed(summary: PosteriorSummary, moved: Floats) -> Floats:
    """(k, D) those of leaders with another level at which trials may be."""
    encoding = summary.model.encoding
    settled = encoding.settled(moved)
    return settled[encoding.permitted(settled)] if encoding.space.forbidden else settled


def _column(asked: Choices, category: Level) -> int:
    return next(i for i, x in enumerate(asked.choices) if same_level(x, category))
