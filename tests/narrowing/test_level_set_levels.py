"""Choices under the rule `level_set`."""

from __future__ import annotations

import pytest
from narrowing.level_set_cases import LR, decided, sampled
from support.builders import space_of

from hpsearch.reasons import words
from hpsearch.space import Choices
from hpsearch.trials import Verdict


class TestLevels:
    SPACE = space_of(activation=Choices(choices=("relu", "tanh", "sigmoid")), learning_rate=LR)

    def seen(self, worth, n=48):
        return sampled(
            lambda u: worth[u[0]] - 0.5 * (u[1] - 0.5) ** 2, space=self.SPACE, n=n, seed=1
        )

    def test_a_level_goes_on_evidence(self):
        seen = self.seen({"relu": 0.9, "tanh": 0.9, "sigmoid": 0.7})
        decision = decided(seen, space=self.SPACE)[0]["activation"]
        assert decision.verdict is Verdict.NARROWED
        assert decision.after.choices == ("relu", "tanh")
        trials = sum(o.params["activation"] == "sigmoid" for o in seen)
        chance = decision.numbers["level_2_chance"]
        assert decision.numbers["level_2_trials"] == trials
        assert chance < 0.05
        assert words(decision.reason) == (
            f"dropped sigmoid: after {trials} trials, it is the best with a probability of "
            f"{chance:.2g}"
        )
        chances = [decision.numbers[f"level_{i}_chance"] for i in range(3)]
        assert sum(chances) == pytest.approx(1.0)

    def test_equal_levels_stay(self):
        seen = self.seen({"relu": 0.9, "tanh": 0.9, "sigmoid": 0.9})
        decision = decided(seen, space=self.SPACE)[0]["activation"]
        assert decision.verdict is Verdict.UNIDENTIFIED
        assert decision.after == decision.before

    def test_a_level_with_few_trials_stays(self):
        seen = self.seen({"relu": 0.9, "tanh": 0.9, "sigmoid": 0.7})
        few = [o for o in seen if o.params["activation"] == "sigmoid"][:3]
        seen = [o for o in seen if o.params["activation"] != "sigmoid"] + few
        decision = decided(seen, space=self.SPACE)[0]["activation"]
        assert decision.after.contains("sigmoid")
        assert decision.numbers["level_2_trials"] == 3

    def test_the_last_level_is_kept(self):
        box = {**self.SPACE.dimensions, "activation": Choices(choices=("relu",))}
        seen = self.seen({"relu": 0.9, "tanh": 0.6, "sigmoid": 0.6})
        decision = decided(seen, space=self.SPACE, box=box)[0]["activation"]
        assert decision.verdict is Verdict.KEPT
        assert words(decision.reason) == "kept: relu is the one level left"

    def test_a_level_that_was_dropped_comes_back_where_it_may_be_the_best(self):
        box = {**self.SPACE.dimensions, "activation": Choices(choices=("relu",))}
        seen = self.seen({"relu": 0.8, "tanh": 0.6, "sigmoid": 0.9})
        decision = decided(seen, space=self.SPACE, box=box)[0]["activation"]
        assert decision.verdict is Verdict.KEPT
        assert decision.after.choices == ("relu", "sigmoid")
        assert [one.category for one in decision.reason.back] == ["sigmoid"]
        assert words(decision.reason).startswith("back: sigmoid: after ")
