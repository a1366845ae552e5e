"""Scores in any unit: every rule, verdict and choice of finalists is the same for a x + b."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.builders import space_of

from hpsearch.coordinator import finalists
from hpsearch.coordinator.configurations import best_first, configurations
from hpsearch.coordinator.evidence import gather
from hpsearch.narrowing import RULES
from hpsearch.space import Choices, Range, Space
from hpsearch.surrogate import Surrogate, fitted
from hpsearch.trials import Decision, Observation, TrialState

SPACE: Space = space_of(
    rate=Range(low=1e-4, high=1.0, scale="log").limited(0, 100),
    width=Range(low=0.0, high=1.0).limited(-1, 2),
    idle=Range(low=-1.0, high=1.0).limited(-1, 1),
    kind=Choices(choices=("a", "b", "c")),
)
EPOCHS = 4
BITS = (
    2.0**-24
)  # scores are multiples of it, so that a shift by less than 2^28 of them loses nothing
SEEDS = range(3)

factors = st.floats(-12, 12).map(lambda power: 10.0**power)
shifts = st.one_of(st.just(0.0), st.floats(-1e7, 1e7))


@dataclass(frozen=True)
class Unit:
    factor: float
    shift: float  # in spreads of the scores

    def __call__(self, score: float) -> float:
        return self.factor * score + self.factor * self.shift


@cache
def seen(seed: int) -> Sequence[Observation]:
    """Two rounds of exploring and one of repeats, some trials diverged, some stopped."""
    rng = np.random.default_rng(seed)
    made: list[Observation] = []
    for number in (1, 2):
        for i in range(24):
            u = rng.random(3)
            kind = "abc"[int(rng.integers(3))]
            params = {
                "rate": SPACE.dimensions["rate"].from_unit(u[0]),
                "width": SPACE.dimensions["width"].from_unit(u[1]),
                "idle": SPACE.dimensions["idle"].from_unit(u[2]), "kind": kind,
            }  # fmt: skip
            worth = -2 * (u[0] - 0.55) ** 2 - (u[1] - 0.97) ** 2 - 0.4 * (kind == "c")
            made.append(
                _trial(number, i, params, worth + 0.02 * rng.standard_normal(), u[0] > 0.93)
            )
    best = sorted((o for o in made if o.finite), key=lambda o: o.rank_key)[:3]
    for i, one in enumerate([*best, *best]):
        score = float(one.score or 0.0) - 0.02 + 0.02 * rng.standard_normal()
        made.append(_trial(3, i, one.params, score, False))
    return made


def _trial(number: int, i: int, params: Any, worth: float, lost: bool) -> Observation:
    if lost:
        return Observation(number, i, params, TrialState.DIVERGED, 1, 0, 0, None)
    score = round(worth / BITS) * BITS
    epochs = EPOCHS if i % 2 or number == 3 else 2
    state = TrialState.COMPLETED if epochs == EPOCHS else TrialState.STOPPED
    curve = ((1, score - 0.25), (epochs, score))
    return Observation(number, i, params, state, epochs, 0, 0, None, score=score, curve=curve)


def told(seed: int, unit: Unit) -> tuple[Sequence[Observation], Surrogate]:
    observations = [
        o if o.score is None else replace(
            o, score=unit(o.score), curve=tuple((epoch, unit(s)) for epoch, s in o.curve)
        )
        for o in seen(seed)
    ]  # fmt: skip
    model = fitted(SPACE, observations, epochs=EPOCHS)
    assert model is not None
    return observations, model


PLAIN = Unit(1.0, 0.0)


def same_range(one: Decision, other: Decision) -> bool:
    """Edges agree but for what rounding leaves, in widths of the asked range."""
    a, b, asked = one.after, other.after, SPACE.dimensions[one.name]
    if isinstance(a, Choices) or isinstance(b, Choices) or isinstance(asked, Choices):
        return a == b
    pairs = (a.low, b.low), (a.high, b.high)
    return all(abs(asked.to_unit(x) - asked.to_unit(y)) < 1e-3 for x, y in pairs)


@cache
def plain(seed: int, rule: str) -> Sequence[Decision]:
    return RULES[rule](SPACE, SPACE.dimensions, *told(seed, PLAIN))


@pytest.mark.parametrize("rule", sorted(RULES))
@settings(max_examples=8)
@given(factor=factors, shift=shifts, seed=st.sampled_from(SEEDS))
@example(1e-12, 1e7, 0)
@example(1e12, -1e7, 1)
def test_every_rule_decides_the_same(rule, factor, shift, seed):
    decisions = RULES[rule](SPACE, SPACE.dimensions, *told(seed, Unit(factor, shift)))
    for mine, theirs in zip(decisions, plain(seed, rule), strict=True):
        assert (mine.name, mine.verdict) == (theirs.name, theirs.verdict)
        assert type(mine.reason) is type(theirs.reason)
        assert same_range(mine, theirs)


def chosen(observations: Sequence[Observation], model: Surrogate | None) -> tuple[Any, ...]:
    """The finalists, the recommendation, and which of them can be told apart."""
    box = SPACE.dimensions
    rivals = finalists.contenders(box, observations, model, 6)
    best = finalists.recommend(box, observations, model, EPOCHS, repeats=frozenset({3}))
    assert best is not None
    compared = finalists.compare(best, observations, model, EPOCHS, {}, repeats=frozenset({3}))
    order = best_first(configurations(observations, model), box, model)[:5]
    return (
        [c.params for c in rivals], best.best.params, best.trainings,
        [(f.params, f.indistinguishable) for f in compared], [c.params for c in order],
    )  # fmt: skip


@settings(max_examples=12)
@given(factor=factors, shift=shifts, seed=st.sampled_from(SEEDS))
@example(1e-12, 1e7, 0)
@example(1e12, -1e7, 1)
def test_the_same_finalists_are_chosen(factor, shift, seed):
    observations, model = told(seed, Unit(factor, shift))
    before, its_model = told(seed, PLAIN)
    assert chosen(observations, model) == chosen(before, its_model)
    assert chosen(observations, None) == chosen(before, None)


@settings(max_examples=6)
@given(factor=factors, shift=shifts, seed=st.sampled_from(SEEDS))
@example(1e-12, 1e7, 0)
@example(1e-250, 0.0, 0)
def test_evidence_is_in_the_unit_of_the_scores(factor, shift, seed):
    observations, model = told(seed, Unit(factor, shift))
    before, its_model = told(seed, PLAIN)
    mine = gather(SPACE.dimensions, observations, model)
    theirs = gather(SPACE.dimensions, before, its_model)
    assert mine.noise_sd == pytest.approx(factor * theirs.noise_sd, rel=0.02)
    assert mine.expected_gain == pytest.approx(
        factor * theirs.expected_gain, rel=0.05, abs=1e-3 * factor * theirs.noise_sd
    )
    for a, b in zip(mine.importance, theirs.importance, strict=True):
        assert (a.name, a.total) == (b.name, pytest.approx(b.total, abs=0.02))
        assert a.effect == pytest.approx(factor * b.effect, rel=0.05, abs=1e-3 * factor)
    rows = np.array(mine.surface.mean), np.array(theirs.surface.mean)
    assert rows[0] / factor - shift == pytest.approx(rows[1], abs=0.01 * np.ptp(rows[1]))


def test_equal_scores_stay_equal_in_any_unit():
    for factor, shift in ((1.0, 0.0), (1e-12, 0.0), (1e12, 1e7), (1.0, 1e15)):
        same = [
            o if o.score is None else replace(o, score=factor * (0.3 + shift), curve=())
            for o in seen(0)
        ]
        model = fitted(SPACE, same, epochs=EPOCHS)
        assert model is not None
        assert model.warp.scale.unit == 1.0
        rounding = np.spacing(factor * (0.3 + shift))
        nearly = [
            o if o.score is None else replace(o, score=o.score + rounding * (o.index % 2))
            for o in same
        ]
        assert fitted(SPACE, nearly, epochs=EPOCHS).warp.scale.unit == 1.0  # type: ignore[union-attr]
