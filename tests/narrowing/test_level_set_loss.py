"""The rule `level_set` where no network has learned yet: the trend of the loss."""

from __future__ import annotations

import numpy as np
import pytest
from narrowing.level_set_cases import LR, WD, decided, sampled
from scipy import stats
from support.builders import observe, space_of

from hpsearch.narrowing.level_set.loss_trend import strongest_trend
from hpsearch.reasons import Side, words
from hpsearch.trials import Verdict


class TestLossAsSignpost:
    def flat(self, loss, *, seed=1, accuracy=0.1, slope=0.0, n=32):
        """Scores that depend on little; `loss` is that of a place in the learning rate."""
        rng = np.random.default_rng(seed)
        return [
            observe(o.index, o.params, o.accuracy, score=o.score,
                    loss=loss(LR.to_unit(o.params["learning_rate"])) + 0.01 * rng.normal())
            for o in sampled(lambda u: accuracy + slope * u[0], seed=seed, n=n)
        ]  # fmt: skip

    @pytest.mark.parametrize("upward", [True, False])
    def test_the_range_opens_towards_the_lower_loss(self, upward):
        seen = self.flat(lambda u: 2.3 - 0.2 * (u if upward else 1 - u))
        rate, decay = decided(seen)[0].values()
        assert rate.verdict is (Verdict.OPEN_HIGH if upward else Verdict.OPEN_LOW)
        moved = rate.after.high if upward else rate.after.low
        assert LR.to_unit(moved) == pytest.approx(1.5 if upward else -0.5, abs=1e-5)
        places = np.array([LR.to_unit(o.params["learning_rate"]) for o in seen])
        losses = np.array([o.loss for o in seen])
        outer = places > 0.75 if upward else places < 0.25
        p = stats.mannwhitneyu(losses[outer], losses[~outer], alternative="less").pvalue
        assert rate.numbers["loss_p"] == pytest.approx(p)
        rank = (stats.rankdata(losses)[outer].mean() - 0.5) / 32
        assert rate.numbers["loss_rank"] == pytest.approx(rank)
        assert words(rate.reason) == (
            f"open at the {'top' if upward else 'bottom'}: no score stands out, but the loss is "
            f"lowest in the quarter at that end (mean rank {rank:.2f} of 32 trials, p = {p:.2g}), "
            f"so the range now ends at {moved:g}"
        )
        assert decay.verdict is Verdict.UNIDENTIFIED

    @pytest.mark.parametrize(
        ("loss", "accuracy"),
        [
            (lambda u: 2.3 + (u - 0.5) ** 2, 0.1),  # lowest in the middle
            (lambda u: 0.3 - 0.2 * u, 0.9),  # they learn already
        ],
    )
    def test_otherwise_it_says_nothing(self, loss, accuracy):
        seen = self.flat(loss, accuracy=accuracy)
        assert decided(seen)[0]["learning_rate"].verdict is Verdict.UNIDENTIFIED

    def test_at_its_limit_there_is_nowhere_to_go(self):
        fixed = LR.model_copy(update={"hard_high": LR.high})
        space = space_of(learning_rate=fixed, weight_decay=WD)
        seen = self.flat(lambda u: 2.3 - 0.2 * u)
        assert decided(seen, space=space)[0]["learning_rate"].verdict is Verdict.UNIDENTIFIED

    def test_where_nobody_has_learned_doubtful_effects_move_nothing(self):
        """An effect of the size of the noise, which counts as long as the networks learn."""
        waited = 0
        for seed in range(4):
            seen = self.flat(lambda _: 2.3, seed=seed, slope=0.008, n=256)
            learned = [
                observe(o.index, o.params, o.accuracy, score=o.score, loss=0.1) for o in seen
            ]
            otherwise = decided(learned)[0]
            for name, decision in decided(seen)[0].items():
                if "no network in the box has learned" in words(decision.reason):
                    waited += 1
                    assert decision.verdict is Verdict.UNIDENTIFIED
                    assert decision.after == decision.before
                    assert otherwise[name].verdict is not Verdict.UNIDENTIFIED
        assert waited

    def test_ranks_are_taken_among_trials_of_one_length(self):
        """Longer trainings, which lose less, lie at low rates: pooled, the order is reversed."""
        seen = [
            observe(i, {"learning_rate": LR.from_unit(u)}, 0.1, epochs=8 if i % 4 else 2,
                    loss=(1.5 if i % 4 else 2.3) - 0.2 * u)
            for i, u in enumerate((np.arange(32) + 0.5) / 32)
        ]  # fmt: skip
        found = strongest_trend({"learning_rate": LR}, seen)
        assert found.side is Side.HIGH
        assert found.rank < 0.15
        assert found.trials == 32
        assert strongest_trend({"learning_rate": LR}, seen[:4]) is None
        assert strongest_trend({"learning_rate": LR}, []) is None

    def begun(self, loss, fall, *, seed=1, box=None, n=32):
        """Scores and initial losses are luck; `loss` and `fall` are those of a place."""
        rng = np.random.default_rng(seed)
        seen = []
        for o in sampled(lambda _: 0.1, seed=seed, n=n, box=box, noise=0.03):
            u = LR.to_unit(o.params["learning_rate"])
            more = {"loss": loss(u) + 0.3 * rng.normal(), "loss_drop": fall(u)}
            seen.append(observe(o.index, o.params, o.accuracy, score=o.score, **more))
        return seen

    def test_how_far_the_loss_fell_tells_where_the_loss_is_luck(self):
        seen = self.begun(lambda _: 2.9, lambda u: 0.1 * 10 ** (5 * u - 5))
        rate = decided(seen)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_HIGH
        assert LR.to_unit(rate.after.high) == pytest.approx(1.5, abs=1e-5)
        falls = np.array([o.loss_drop for o in seen])
        outer = np.array([LR.to_unit(o.params["learning_rate"]) for o in seen]) > 0.75
        p = stats.mannwhitneyu(falls[outer], falls[~outer], alternative="greater").pvalue
        rank = (stats.rankdata(-falls)[outer].mean() - 0.5) / 32
        assert rate.numbers["fell"] == 1
        assert rate.numbers["loss_p"] == pytest.approx(p)
        assert rate.numbers["loss_rank"] == pytest.approx(rank)
        assert words(rate.reason) == (
            "open at the top: no score stands out, but the loss fell furthest in the quarter at "
            f"that end (mean rank {rank:.2f} of 32 trials, p = {p:.2g}), so the range now ends at "
            f"{rate.after.high:g}"
        )

    @pytest.mark.parametrize(
        ("loss", "fall"),
        [
            (lambda u: 2.0 + 2 * u, lambda u: 0.1 * 10 ** (5 * u - 5)),  # it is higher there
            (lambda _: 2.0, lambda u: 2.0 * 10 ** (5 * u - 5)),  # half of it: they have begun
            (lambda _: 2.9, lambda u: 0.1 * 10 ** (-5 * u)),  # slow learners fall for longer
        ],
    )
    def test_where_it_may_have_fallen_for_another_reason_nothing_follows(self, loss, fall):
        found = strongest_trend({"learning_rate": LR}, self.begun(loss, fall))
        assert found is None or not found.fell

    def test_the_way_up_leads_past_all_that_was_asked(self):
        """A range that luck had narrowed does not have to come back first."""
        box = {"learning_rate": LR.part(0.1, 0.4), "weight_decay": WD}
        seen = self.begun(lambda _: 2.9, lambda u: 0.1 * 10 ** (5 * u - 5), box=box)
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.verdict is Verdict.OPEN_HIGH
        assert LR.to_unit(rate.after.high) == pytest.approx(1.5, abs=1e-5)
        assert LR.to_unit(rate.after.low) == pytest.approx(0.1, abs=1e-5)

    def test_what_was_narrowed_by_evidence_follows_no_trend(self):
        """The networks never learn much, as with hard data; the scores know the best rate."""
        box = {"learning_rate": LR.part(0.55, 0.65), "weight_decay": WD}
        wide = sampled(lambda u: 0.5 - (u[0] - 0.6) ** 2, n=64)
        inner = self.begun(lambda _: 1.5, lambda u: 0.1 * 10 ** (u - 1), box=box, n=128)
        rng = np.random.default_rng(2)
        near = [
            observe(o.index, o.params, 0.5, round=2, loss=o.loss, loss_drop=o.loss_drop,
                    score=0.5 + 0.01 * rng.normal())
            for o in inner
        ]  # fmt: skip
        seen = [*(observe(o.index, o.params, 0.5, score=o.score, loss=1.6) for o in wide), *near]
        assert strongest_trend(box, seen) is not None
        rate = decided(seen, box=box)[0]["learning_rate"]
        assert rate.numbers["support"] > 2
        assert rate.verdict is not Verdict.OPEN_HIGH

    def test_other_ranges_have_to_make_a_stronger_case(self):
        def seen(name, n):
            return [
                observe(i, {name: LR.from_unit((i + 0.5) / n)}, 0.1,
                        loss=2.2 if i >= 0.75 * n and i % 3 else 2.3 + 0.001 * i)
                for i in range(n)
            ]  # fmt: skip

        assert strongest_trend({"learning_rate": LR}, seen("learning_rate", 24)) is not None
        assert strongest_trend({"momentum": LR}, seen("momentum", 24)) is None
        assert strongest_trend({"momentum": LR}, seen("momentum", 240)) is not None
