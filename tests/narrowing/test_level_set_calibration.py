"""How often what `level_set` states is true, over whole searches on planted functions.

At small size with fixed seeds; the benchmark does the same at full size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from support.builders import observe, resolve, search, space_of

from hpsearch.narrowing import level_set
from hpsearch.space import Range
from hpsearch.surrogate import fitted
from hpsearch.trials import FinalPlan, Verdict

pytestmark = pytest.mark.slow

SEEDS = range(40)
NAMES = ("learning_rate", "weight_decay", "dropout")
SPACE = {
    "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log", "hard_low": 1e-5, "hard_high": 1.0},
    "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log", "hard_low": 1e-8,
                     "hard_high": 1e-1},
    "dropout": {"low": 0.0, "high": 0.8, "hard_low": 0.0, "hard_high": 0.8},
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """score = 0.9 - sum_i effect_i |u_i - best_i|^1.5, a training's noise about it, u in [0, 1]."""

    names: tuple[str, ...]
    best: np.ndarray
    effects: np.ndarray
    noise: float

    @classmethod
    def drawn(cls, seed):
        """Two or three hyperparameters; with an even seed the second one has no effect."""
        rng = np.random.default_rng([seed, 4])
        names = NAMES[: 2 + seed % 3 // 2]
        noise = 10 ** rng.uniform(-2.4, -1.8)
        effects = noise * 10 ** rng.uniform(0.7, 1.7, len(names))
        if seed % 2 == 0:
            effects[1] = 0.0
        return cls(names, rng.uniform(0.1, 0.9, len(names)), effects, noise)

    def units(self, space, params):
        return np.array([space[name].to_unit(params[name]) for name in self.names])

    def true(self, units):
        return max(0.2, 0.9 - float(self.effects @ np.abs(units - self.best) ** 1.5))

    def within(self, low, high):
        """The best score between two corners, and each effect along a slice through the best."""
        nearest = np.clip(self.best, low, high)
        slices = []
        for k in range(len(self.best)):
            ends = np.repeat(self.best[None], 33, axis=0)
            ends[:, k] = np.linspace(low[k], high[k], 33)
            slices.append(np.ptp([self.true(u) for u in ends]))
        return self.true(nearest), np.array(slices)


@dataclass(frozen=True)
class Outcome:
    missed: float  # the best score less the best of the range, in noise sds
    held: bool  # the best value of every hyperparameter that has an effect
    verdicts: list[Verdict]
    effects: np.ndarray  # inside the range, in noise sds
    planted: np.ndarray
    widths: np.ndarray  # shares of the asked ranges


def run(seed):
    planted = Planted.drawn(seed)
    resolved = resolve(space={name: SPACE[name] for name in planted.names}, seed=seed)
    asked = resolved.space.dimensions

    def truth(params, epochs):
        return planted.true(planted.units(asked, params)) - 0.1 / epochs

    _, _, final = search(resolved, truth, noise=planted.noise)
    assert isinstance(final, FinalPlan)
    low, high = (
        np.array([asked[n].to_unit(getattr(final.box[n], edge)) for n in planted.names])
        for edge in ("low", "high")
    )
    best, effects = planted.within(low, high)
    verdicts = {d.name: d.verdict for d in final.decisions}
    return Outcome(
        (0.9 - best) / planted.noise,
        bool(np.all((low <= planted.best) & (planted.best <= high) | (planted.effects == 0))),
        [verdicts[n] for n in planted.names],
        effects / planted.noise,
        planted.effects > 0,
        high - low,
    )


@pytest.fixture(scope="module")
def outcomes():
    return [run(seed) for seed in SEEDS]


def test_the_range_holds_a_point_within_the_noise_of_the_best(outcomes):
    assert np.mean([o.missed <= 1.0 for o in outcomes]) >= 0.85


def test_the_range_holds_the_best_values(outcomes):
    assert np.mean([o.held for o in outcomes]) >= 0.85


def test_the_range_is_an_answer_and_not_everything(outcomes):
    matters = np.concatenate([o.widths[o.planted] for o in outcomes])
    assert np.median(matters) < 0.4


def test_unidentified_is_true(outcomes):
    """The noise-free effect inside the range is below the noise of one training."""
    effects = [
        effect
        for o in outcomes
        for verdict, effect in zip(o.verdicts, o.effects, strict=True)
        if verdict is Verdict.UNIDENTIFIED
    ]
    assert len(effects) >= 40
    assert np.mean(np.array(effects) < 1.0) >= 0.85


def test_what_has_no_effect_is_unidentified_and_keeps_its_range(outcomes):
    flat = [
        (verdict, width)
        for o in outcomes
        for verdict, width, matters in zip(o.verdicts, o.widths, o.planted, strict=True)
        if not matters
    ]
    assert np.mean([verdict is Verdict.UNIDENTIFIED for verdict, _ in flat]) >= 0.85
    assert np.median([width for _, width in flat]) == pytest.approx(1.0)


def test_pure_noise_is_seldom_taken_for_an_effect():
    """32 scores that depend on nothing: about 3 of 100 ranges are believed to matter."""
    dimensions = {
        name: Range(low=1e-5, high=1.0, scale="log").limited(0, 1e4) for name in NAMES[:2]
    }
    space = space_of(**dimensions)
    moved = []
    for seed in range(40):
        rng = np.random.default_rng([seed, 8])
        seen = [
            observe(i, {n: d.from_unit(float(rng.random())) for n, d in dimensions.items()},
                    value := 0.5 + 0.01 * rng.normal(), score=value)
            for i in range(32)
        ]  # fmt: skip
        model = fitted(space, seen, epochs=2)
        moved += [
            d.verdict is not Verdict.UNIDENTIFIED
            for d in level_set.narrow(space, dimensions, seen, model)
        ]
    assert np.mean(moved) <= 0.1
