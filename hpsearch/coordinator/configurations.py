"""The configurations that were trained, each with everything that is known about it.

A *configuration* is one point of the space; its *trainings* are the trials with these
parameters, with other seeds each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from hpsearch.coordinator.required import StandingOf, meets_all
from hpsearch.records.chosen import Key, key
from hpsearch.space import Box, Params, inside
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation

CONSIDERED = 500  # of many configurations, those that were trained longest and scored best


@dataclass(frozen=True, slots=True)
class Configuration:
    """A point of the space with its trainings, and the surrogate's opinion of it.

    `mean` and `sd` are of the score at full epochs; without a surrogate they are those of the
    longest trainings.
    """

    params: Params
    trainings: Sequence[Observation]
    mean: float
    sd: float

    @property
    def first(self) -> Observation:
        """The trial it was drawn for."""
        return self.trainings[0]

    @property
    def longest(self) -> int:
        """Epochs of its longest training."""
        return max(o.epochs for o in self.trainings)

    def at(self, epochs: int) -> Sequence[Observation]:
        """Its finite trainings of that many epochs."""
        return [o for o in self.trainings if o.finite and o.epochs == epochs]


def configurations(
    observations: Sequence[Observation], model: Surrogate | None
) -> list[Configuration]:
    """The configurations of this search that were trained, in order of their first trials.

    One that diverged once is left out: who uses it again would meet that again. Of more than
    `CONSIDERED`, the surrogate is asked about the most promising ones alone.
    """
    sound = _sound(observations)
    if not sound:
        return []
    if model is None:
        measured = [_measured(group) for group in sound]
        return [
            Configuration(g[0].params, g, mean, sd)
            for g, (mean, sd) in zip(sound, measured, strict=True)
        ]
    sound = _considered(sound)
    means, sds = model.predict(model.encoding.encode([g[0].params for g in sound]))
    return [
        Configuration(g[0].params, g, float(mean), float(sd))
        for g, mean, sd in zip(sound, means, sds, strict=True)
    ]


def leading(
    observations: Sequence[Observation], box: Box, model: Surrogate, most: int
) -> list[Params]:
    """Return the first `most` of `best_first(configurations(...))`, without the doubt about each."""
    sound = _considered(_sound(observations)) if most else []
    if not sound:
        return []
    means = model.means(model.encoding.encode([group[0].params for group in sound]))
    order = sorted(
        zip((-means).tolist(), sound, strict=True), key=lambda one: (one[0], one[1][0].rank_key)
    )
    within = islice((group[0].params for _, group in order if inside(box, group[0].params)), most)
    return list(within) or [group[0].params for _, group in order[:most]]


def _sound(observations: Sequence[Observation]) -> list[list[Observation]]:
    """The trainings of each configuration of this search that never diverged."""
    groups: dict[Key, list[Observation]] = {}
    for o in observations:
        if not o.source:
            groups.setdefault(key(o.params), []).extend(o.trainings)
    return [group for group in groups.values() if all(o.finite for o in group)]


def _considered(sound: list[list[Observation]]) -> list[list[Observation]]:
    """The most promising of many configurations, in the order of their first trials."""
    if len(sound) <= CONSIDERED:
        return sound
    promising = sorted(sound, key=_promising_first)[:CONSIDERED]
    return sorted(promising, key=lambda group: (group[0].round, group[0].index))


def _promising_first(group: Sequence[Observation]) -> tuple[int, float]:
    """Sort first what was trained longest, and then what scored highest in that."""
    longest = max(o.epochs for o in group)
    return -longest, -max(o.value or 0.0 for o in group if o.epochs == longest)


def _measured(group: Sequence[Observation]) -> tuple[float, float]:
    longest = max(o.epochs for o in group)
    values = [o.value or 0.0 for o in group if o.epochs == longest]
    return float(np.mean(values)), float(np.std(values))


def best_first(
    rivals: Sequence[Configuration],
    box: Box,
    model: Surrogate | None,
    standing: StandingOf = meets_all,
) -> list[Configuration]:
    """Sort those inside the box by falling mean; where none lies there, all of them.

    Those that meet what is required come first, and then they need not lie in the box. Without a
    surrogate, short and long trainings do not compare: the longest come first.
    """
    within = [c for c in rivals if inside(box, c.params)] or rivals
    best = min(map(standing, rivals), default=None)
    if all(standing(c) != best for c in within):
        within = [*(c for c in rivals if standing(c) == best), *within]
    return sorted(
        within,
        key=lambda c: (
            standing(c), 0 if model is not None else -c.longest, -c.mean, c.first.rank_key,
        ),
    )  # fmt: skip
