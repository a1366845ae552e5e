"""What a decision of `level_set` states, computed once more from observations and model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from narrowing.level_set_cases import BOTH, decided, sampled
from scipy import stats

from hpsearch.narrowing import step_limits
from hpsearch.narrowing.level_set import relevance
from hpsearch.narrowing.level_set.explored import Edge
from hpsearch.narrowing.level_set.hull import HullEnd
from hpsearch.narrowing.level_set.posterior_summary import PosteriorSummary, caution
from hpsearch.narrowing.level_set.relevance import WITHOUT, log_likelihood, supports
from hpsearch.reasons import Side
from hpsearch.trials import Verdict


class TestNumbers:
    """What a decision states, computed once more from the observations and the model."""

    def case(self):
        seen = sampled(lambda u: 0.9 - (u[0] - 0.55) ** 2 - 0.3 * (u[1] - 0.4) ** 2, n=64)
        found, model = decided(seen)
        return seen, found, model

    def grid(self, model, side=121):
        low, high = model.encoding.bounds(BOTH.dimensions)
        axes = [np.linspace(a, b, side) for a, b in zip(low, high, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)

    def test_the_level_set_on_a_grid(self):
        _, found, model = self.case()
        places = self.grid(model)
        mean, sd = model.predict(places)
        c = caution(2)
        threshold = float(np.max(mean - c * sd))
        level = places[mean + c * sd >= threshold]
        for k, name in enumerate(BOTH.names):
            numbers = found[name].numbers
            assert numbers["c"] == c
            assert numbers["threshold"] == pytest.approx(threshold, abs=0.002)
            assert numbers["hull_low"] == pytest.approx(level[:, k].min(), abs=0.04)
            assert numbers["hull_high"] == pytest.approx(level[:, k].max(), abs=0.04)

    def test_edges_margin_and_widths(self):
        seen, found, _ = self.case()
        for name, decision in found.items():
            n, now = decision.numbers, decision.before
            assert decision.verdict is Verdict.NARROWED
            places = [now.to_unit(o.params[name]) for o in seen]
            within = sum(n["hull_low"] <= u <= n["hull_high"] for u in places)
            below = max([0.0, *(u for u in places if u < n["hull_low"])])
            above = min([1.0, *(u for u in places if u > n["hull_high"])])
            margin = (above - below) / (1 + within) / 2
            assert n["margin"] == pytest.approx(margin)
            low = max(min(n["hull_low"] - margin, n["tried"]), 0.0)
            high = min(max(n["hull_high"] + margin, n["tried"]), 1.0)
            expected = now.part(low, high)
            if high - low >= step_limits.SHRINK_LEAST:
                assert (decision.after.low, decision.after.high) == (expected.low, expected.high)
            assert n["width_before"] == now.width
            assert n["width_after"] == decision.after.width
            assert n["trials"] == len(seen)

    def test_the_best_trial_by_posterior_mean_is_held(self):
        seen, found, model = self.case()
        means = model.predict(model.encoding.encode([o.params for o in seen]))[0]
        best = seen[int(np.argmax(means))]
        for name, decision in found.items():
            value = best.params[name]
            assert decision.numbers["tried"] == pytest.approx(decision.before.to_unit(value))
            assert decision.after.contains(value)

    def test_effect_and_noise(self):
        _, found, model = self.case()
        places = self.grid(model)
        best = places[int(np.argmax(model.predict(places)[0]))]
        for k, name in enumerate(BOTH.names):
            slice_ = np.repeat(best[None], 41, axis=0)
            slice_[:, k] = np.linspace(0, 1, 41)
            draws = model.sample(slice_, 2000, np.random.default_rng(5))
            effects = np.ptp(draws, axis=1)
            numbers = found[name].numbers
            assert numbers["noise_sd"] == model.noise_sd
            assert numbers["effect"] == pytest.approx(np.median(effects), rel=0.15)
            below = np.mean(effects < model.noise_sd)
            assert numbers["p_below_noise"] == pytest.approx(below, abs=0.1)

    def test_support_is_a_ratio_of_likelihoods(self):
        _, found, model = self.case()
        cov = model.chol @ model.chol.T
        z = cov @ model.alpha
        expected = stats.multivariate_normal(np.zeros(len(z)), cov).logpdf(z)
        constant = 0.5 * len(z) * math.log(2 * math.pi)
        assert log_likelihood(cov, z) == pytest.approx(expected + constant)
        for name, support in supports(model).items():
            assert found[name].numbers["support"] == support > relevance.SUPPORT
        assert max(model.constants.lengths) < WITHOUT / 100

    def test_the_chances_of_the_best_place(self):
        seen, found, model = self.case()
        places = self.grid(model, side=25)
        draws = model.sample(places, 1000, np.random.default_rng(1))
        best = places[np.argmax(draws, axis=1)]
        for k, name in enumerate(BOTH.names):
            numbers = found[name].numbers
            assert numbers["chance_low"] == pytest.approx(np.mean(best[:, k] <= 0.1), abs=0.1)
            assert numbers["chance_high"] == pytest.approx(np.mean(best[:, k] >= 0.9), abs=0.1)
        summary = PosteriorSummary.of(BOTH, BOTH.dimensions, seen, model)
        assert summary.wins.sum() == pytest.approx(1.0)
        assert summary.members[summary.wins > 0].all()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("beyond", "explored", "move"), [(0.008, 0.0, 0.0), (0.04, 0.2, 0.0), (0.1, 0.2, 0.1)]
)
def test_a_hair_beyond_the_edge_opens_nothing(side, beyond, explored, move):
    """A range that would grow by less than a hundredth of its width stays, and is not called open."""
    home, out = (0.0, -1.0) if side is Side.LOW else (1.0, 1.0)
    edge = Edge(side, home, home + out * explored, out * math.inf, home + out * 0.5)
    end = HullEnd(edge, home + out * beyond, probability=0.1, leaning=False)
    assert end.move == pytest.approx(move, abs=1e-12)
