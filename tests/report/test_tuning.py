"""The tuning curve: which trials count, its values beside independent ones, and that its band covers."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.builders import FACTS, asked, caps, resolve
from support.records import make_round, make_search, make_trial

from hpsearch.report.statement import about_tuning
from hpsearch.report.statement.render import as_latex, as_markdown, as_text
from hpsearch.report.tuning import tuning_curve
from hpsearch.report.tuning.band import band, bounds, chance_inside
from hpsearch.report.tuning.curve import Scores, expected_best, median_best
from hpsearch.report.tuning.draws import MOST
from hpsearch.report.views import StatementView, TuningCurveView
from hpsearch.samplers import SAMPLERS
from hpsearch.space import box_to_json
from hpsearch.spec import given, guesses, parse
from hpsearch.trials import RoundKind, TrialState

SHARE = (0.0, 1.0)
ENDLESS = (-math.inf, math.inf)
OPDA: dict[str, Any] = {
    "ys": [
        0.8755,
        0.5748,
        0.6539,
        0.563,
        0.6871,
        0.5872,
        0.7108,
        0.808,
        0.6872,
        0.6783,
        0.8598,
        0.7856,
        0.9096,
        0.8691,
        0.9182,
        0.7511,
        0.4628,
        0.468,
        0.8562,
        0.6545,
        0.9144,
        0.6353,
        0.6459,
        0.7264,
    ],
    "mean": [
        (1, 0.720112, 0.501784, 0.838507),
        (2, 0.796182, 0.655531, 0.911649),
        (3, 0.833097, 0.71573, 0.943845),
        (5, 0.869905, 0.767333, 0.972303),
        (8, 0.892814, 0.804158, 0.988456),
        (12, 0.904848, 0.831313, 0.996043),
        (24, 0.914721, 0.865815, 0.99982),
    ],
    "median": [
        (1, 0.6872, 0.5872, 0.8691),
        (2, 0.808, 0.6783, 0.9182),
        (3, 0.8691, 0.7108, 1),
        (5, 0.8755, 0.7856, 1),
        (8, 0.9144, 0.808, 1),
        (12, 0.9144, 0.8598, 1),
        (24, 0.9182, 0.8691, 1),
    ],
}
"""EmpiricalDistribution.confidence_bands(ys, 0.95, a=0, b=1, method="ld_equal_tailed") of opda 0.8.0, and the
average_tuning_curve and quantile_tuning_curve of its three distributions: trials, value, low, high."""


class TestBand:
    @pytest.mark.parametrize("n", [1, 2, 7, 60])
    def test_the_chance_agrees_with_kolmogorovs(self, n):
        """Intervals of one width about i/n are his band, whose probability SciPy has."""
        width = 0.6 / math.sqrt(n)
        ranks = np.arange(1, n + 1)
        low = np.clip(ranks / n - width, 0, 1)
        high = np.clip((ranks - 1) / n + width, 0, 1)
        assert chance_inside(low, high) == pytest.approx(stats.kstwo.cdf(width, n), abs=1e-9)

    def test_the_chance_of_two_is_an_area(self):
        low, high = np.array([0.1, 0.3]), np.array([0.6, 0.9])
        # Twice the area of u < v: u in [0.1, 0.6], v in [max(u, 0.3), 0.9].
        area = 0.2 * 0.6 + (0.9 * 0.3 - (0.6**2 - 0.3**2) / 2)
        assert chance_inside(low, high) == pytest.approx(2 * area, abs=1e-12)

    def test_of_one_draw_it_is_the_interval(self):
        assert band(1, 0.9).low == pytest.approx([0.05], abs=1e-6)
        assert band(1, 0.9).high == pytest.approx([0.95], abs=1e-6)

    def test_intervals_that_cross_hold_never(self):
        assert chance_inside(np.array([0.5, 0.6]), np.array([0.1, 0.9])) == 0.0

    @pytest.mark.parametrize("n", [3, 40, 200])
    def test_it_holds_as_often_as_asked(self, n):
        made = band(n, 0.95)
        assert chance_inside(made.low, made.high) == pytest.approx(0.95, abs=1e-5)
        for low, high in zip(
            *(getattr(bounds(n, 0.05), end) for end in ("low", "high")), strict=True
        ):
            assert low < high

    def test_simulated_coverage(self):
        """4,000 samples of 24 draws: 95 % within two standard errors of the share, 0.7 points."""
        made = band(24, 0.95)
        drawn = np.sort(np.random.default_rng(1).random((4000, 24)), axis=1)
        inside = ((made.low <= drawn) & (drawn <= made.high)).all(axis=1)
        assert inside.mean() == pytest.approx(0.95, abs=0.008)


class TestCurve:
    def test_the_expected_best_is_that_of_all_samples(self):
        """Beside every sample of k values, drawn with replacement, counted one by one."""
        values = [0.1, 0.4, 0.4, 0.9]
        for k in (1, 2, 3):
            samples = sorted(max(one) for one in itertools.product(values, repeat=k))
            mean = math.fsum(samples) / len(samples)
            scores = Scores.of(values, SHARE)
            assert expected_best(scores, k).value == pytest.approx(mean, abs=1e-15)
            assert median_best(scores, k).value == samples[(len(samples) - 1) // 2]

    def test_values_of_the_reference(self):
        """opda simulates how wide its intervals are; ours are computed. The estimates are equal."""
        scores = Scores.of(OPDA["ys"], SHARE)
        for k, mean, low, high in OPDA["mean"]:
            made = expected_best(scores, k, band(len(OPDA["ys"]), 0.95))
            assert made.value == pytest.approx(mean, abs=1e-6)
            assert (made.low, made.high) == pytest.approx((low, high), abs=1e-3)
        for k, median, low, high in OPDA["median"]:
            made = median_best(scores, k, band(len(OPDA["ys"]), 0.95))
            assert (made.value, made.low, made.high) == pytest.approx((median, low, high))

    @pytest.mark.parametrize("limits", [SHARE, ENDLESS])
    def test_it_rises_inside_its_band(self, limits):
        rng = np.random.default_rng(3)
        scores = Scores.of([*rng.random(20).tolist(), None, None], limits)
        made = band(22, 0.95)
        for estimate in (expected_best, median_best):
            curve = [estimate(scores, k, made) for k in range(1, 23)]
            values = [one.value for one in curve]
            assert values == sorted(values)
            for one in curve:
                assert one.low is None or one.low <= one.value
                assert one.high is None or one.high >= one.value

    def test_a_score_without_bounds_has_a_band_of_the_median_alone(self):
        scores = Scores.of(np.random.default_rng(0).standard_normal(40).tolist(), ENDLESS)
        made = band(40, 0.95)
        mean, median = expected_best(scores, 2, made), median_best(scores, 2, made)
        assert (mean.low, mean.high) == (None, None)
        assert None not in (median.low, median.high)
        assert median_best(scores, 40, made).high is None  # the best of many lies beyond the draws

    def test_draws_without_a_score_count_as_bad_as_can_be_in_the_band(self):
        lost, made = Scores.of([0.5, 0.6, 0.7, None], SHARE), band(4, 0.95)
        whole = Scores.of([0.5, 0.6, 0.7, 0.5], SHARE)
        assert expected_best(lost, 2, made).value == expected_best(whole, 2, made).value
        low, as_worst = expected_best(lost, 2, made).low, expected_best(whole, 2, made).low
        assert low is not None
        assert as_worst is not None
        assert low < as_worst


def test_the_curve_of_dealt_levels_is_covered_at_least_as_often():
    """Levels are dealt in equal shares and not drawn: that makes the scores spread less by chance."""
    space = {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
             "initializer": {"choices": ["he", "xavier", "normal"]}}  # fmt: skip
    resolved = parse(asked(space=space, sampler="random"), FACTS, caps())
    made, shift = band(20, 0.95), {"he": 0.0, "xavier": 0.5, "normal": 1.0}
    inside = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        drawn = SAMPLERS["random"].propose(resolved.space, resolved.box, (), None, 20, rng)
        unit = [(math.log10(one["learning_rate"]) + 4) / 4 for one in drawn]
        y = np.sort([u + shift[one["initializer"]] for u, one in zip(unit, drawn, strict=True)])
        true = np.mean([np.clip(y - s, 0, 1) for s in shift.values()], axis=0)  # F at the draws
        inside.append(((made.low <= true) & (true <= made.high)).all())
    assert np.mean(inside) >= 0.94


SPEC: dict[str, Any] = {
    "sampler": "random", "rounds": 2, "trials_per_round": 16, "epochs": {"first": 4, "last": 4},
}  # fmt: skip


def curve_of(
    scores: Any = None, *, rungs: Any = (4,), epochs: int = 4, search: Any = None, **fields: Any
) -> TuningCurveView:
    resolved = resolve(**{**SPEC, **fields})
    count = resolved.trials(1)
    made = np.random.default_rng(0).random(count).tolist() if scores is None else scores
    first = [
        make_trial(1, i, score=s, state=TrialState.DIVERGED if s is None else TrialState.COMPLETED)
        for i, s in enumerate(made)
    ]
    one = make_round(
        1, planned=count, completed=count, stopped=0, diverged=0, rungs=rungs, epochs=epochs,
        box=box_to_json(resolved.box),
    )  # fmt: skip
    two = make_round(2, kind=RoundKind.EXPLORE, planned=16)
    record = make_search(spec=resolved.spec.to_json(), **(search or {}))
    return tuning_curve(record, [one, two], first)


class TestDraws:
    def test_random_draws_trained_in_full_have_a_curve_and_a_band(self):
        view = curve_of()
        assert (view.draws, view.lost, view.confidence) == (16, 0, 0.95)
        assert view.not_available is view.no_band is None
        assert [p.trials for p in view.points] == [*range(1, 17)]

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"rungs": (2, 4)}, "epochs.halving"),
            ({"epochs": 2}, "had 2 of 4 epochs"),
            ({"scores": [None] * 15 + [0.5]}, "1 drawn trial"),
        ],
    )
    def test_else_it_says_why_not(self, changes, says):
        view = curve_of(**changes)
        assert says in (view.not_available or "")
        assert (view.points, view.confidence) == ([], None)

    def test_a_round_that_has_not_ended_has_none(self):
        record = make_search(spec=resolve(**SPEC).spec.to_json())
        for rounds in ([], [make_round(1, planned=40, rungs=(2,))]):
            view = tuning_curve(record, rounds, [])
            assert "has not ended" in (view.not_available or "")

    @pytest.mark.parametrize("sampler", ["sobol", "gp"])
    def test_points_of_a_sequence_have_a_curve_without_a_band(self, sampler):
        view = curve_of(sampler=sampler)
        assert view.points[0].expected_low is None
        assert view.confidence is None
        assert "Sobol" in (view.no_band or "")
        assert view.points[3].expected == curve_of().points[3].expected

    def test_trials_that_share_a_shape_are_not_independent(self):
        space = {"hidden_units": {"low": 8, "high": 64, "scale": "log"}}
        assert "share hidden_units" in (curve_of(space=space).no_band or "")

    def test_named_settings_and_draws_about_a_guess_do_not_count(self):
        rate = {"low": 1e-5, "high": 1.0, "scale": "log", "guess": 1e-3}
        first = [{"learning_rate": 0.1}, {"learning_rate": 0.2}]
        fields = {"space": {"learning_rate": rate}, "try_first": first}
        resolved = resolve(**{**SPEC, **fields})
        assert len(given.begins_with(resolved, 16)) == 2
        assert guesses.drawn_near(resolved, 14) == 3
        scores = [1.0] * 5 + [0.1 * i for i in range(11)]
        view = curve_of(scores, **fields)
        assert view.draws == 11
        assert view.points[0].expected == pytest.approx(0.5)

    def test_of_a_loss_the_lower_values_are_shown_as_the_measure(self):
        view = curve_of([-0.1 * i for i in range(1, 17)], objective="log_loss")
        rows = about_tuning.table(view)
        assert rows[0][1] == "expected best"
        values = [float(row[1]) for row in rows[1:]]
        assert values == sorted(values, reverse=True)
        assert min(values) > 0

    def test_of_many_the_first_ones_count(self):
        view = curve_of(trials_per_round=MOST + 24)
        assert view.draws == MOST
        assert len(view.points) < 60


def test_forms_have_the_table_and_latex_escapes_what_users_name():
    view = StatementView(
        paragraph="50 % of a_b & {c}", ranges=[], answers=[], checklists=[], tuning_curve=curve_of()
    )
    for form in (as_text, as_markdown, as_latex):
        text = form(view)
        assert "expected best" in text
        assert "median best" in text
    latex = as_latex(view)
    assert r"50 \% of a\_b \& \{c\}" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 2
    assert r"95 \% band" in latex
