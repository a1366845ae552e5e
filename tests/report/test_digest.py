"""The digest of a search: what it covers, and what it does not."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import make_search, make_trial

from hpsearch.records import Edit
from hpsearch.report import digest
from hpsearch.rules import RULES_NUMBER
from hpsearch.trials import Observation, TrialState

TRIALS = [make_trial(2, 1), make_trial(1, 0, params={"learning_rate": 1e-5, "hidden_sizes": [5, 6]}),
          make_trial(2, 0, state="diverged", correct=0), make_trial(3, 0, role="recommended",
          test_correct=95, test_examples=100)]  # fmt: skip
SPEC = {"name": "a", "dataset": "digits", "seed": 0, "space": {"x": {"low": 1e-5, "high": 1.0}}}
EDIT = Edit(1, {"rounds": 6}, 1.0)
EARLIER = Observation(0, 0, {"x": 0.1}, TrialState.COMPLETED, 2, 90, 100, 0.5, source=1)


def digested(*, trials: Any = None, ensemble: Any = 96, **search: Any):
    lines = digest.trial_lines(TRIALS if trials is None else trials)
    made = make_search(**{"spec": SPEC, "dataset_digest": "d", **search})
    return digest.search_digest(made, lines, ensemble)


class TestDigest:
    def test_is_stable(self):
        # A digest that moves makes every stored one disagree: change it knowingly or not at all.
        assert digested() == "e28b756182de39dde80d3f811d8f8beec51a64b335439cf170f6823b7d14f46e"

    def test_neither_order_nor_name_matters(self):
        shuffled = dict(reversed(SPEC.items()))
        assert digested(spec=shuffled) == digested()
        assert digested(spec={**SPEC, "name": "b"}) == digested()
        assert digested(trials=list(reversed(TRIALS))) == digested()
        pairs = [t._replace(params=dict(reversed(t.params.items()))) for t in TRIALS]
        assert digested(trials=pairs) == digested()

    @pytest.mark.parametrize(
        "change",
        [
            {"round": 4}, {"idx": 7}, {"role": "drawn"}, {"params": {"learning_rate": 0.100001}},
            {"state": "stopped"}, {"epochs": 3}, {"correct": 91}, {"examples": 101},
            {"test_correct": 1}, {"test_examples": 1}, {"params": {}},
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("which", range(len(TRIALS)))
    def test_every_counted_field_of_every_trial_matters(self, which, change):
        if all(getattr(TRIALS[which], k) == v for k, v in change.items()):
            change = dict.fromkeys(change)
        trials = [t._replace(**change) if i == which else t for i, t in enumerate(TRIALS)]
        assert digested(trials=trials) != digested()

    @pytest.mark.parametrize(
        "change",
        [
            {"spec": {**SPEC, "seed": 1}}, {"spec": {**SPEC, "new": None}},
            {"spec": {**SPEC, "space": {"x": {"low": 1.1e-5, "high": 1.0}}}},
            {"dataset_digest": "e"}, {"ensemble": 97}, {"ensemble": None},
            {"trials": TRIALS[1:]}, {"edits": [EDIT]}, {"edits": [replace(EDIT, after_round=2)]},
            {"edits": [replace(EDIT, changes={"rounds": 5})]}, {"warm_start": [EARLIER]},
        ],
    )  # fmt: skip
    def test_everything_else_matters_too(self, change):
        assert digested(**change) != digested()

    def test_when_an_edit_was_made_is_not_counted(self):
        assert digested(edits=[EDIT]) == digested(edits=[replace(EDIT, at=9.0)])
        assert digested(edits=[]) == digested()

    def test_losses_and_errors_are_not_counted(self):
        trials = [t._replace(loss=0.7, error="x", rank_value=0.1) for t in TRIALS]
        assert digested(trials=trials) == digested()

    def test_canonical_json(self):
        assert digest.canonical({"b": (1, 2), "a": "é"}) == '{"a":"é","b":[1,2]}'.encode()
        assert digest.body_sha256({"a": 1, "b": 2}) == digest.body_sha256({"b": 2, "a": 1})
        with pytest.raises(ValueError, match="JSON"):
            digest.canonical(math.nan)

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                        lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8))  # fmt: skip
    def test_canonical_json_reads_as_what_was_written(self, value):
        assert json.loads(digest.canonical(value)) == value

    def test_half_a_surrogate_pair_is_compared_like_any_text(self):
        assert digest.body_sha256({"name": "\ud800"}) != digest.body_sha256({"name": "\udfff"})

    def test_is_withheld_where_it_would_promise_too_much(self):
        one, two = {"numpy": "2.4", "blas": "x"}, {"numpy": "2.4", "blas": "y"}

        def why(fingerprints, failed=0, seconds=None, *, rules=RULES_NUMBER):
            return digest.withheld(fingerprints, failed, seconds, rules=rules) or ""

        assert why([]) == ""
        assert why([one, dict(reversed(one.items()))]) == ""
        assert "2 numeric fingerprints" in why([one, two, one])
        assert "3 jobs were given up" in why([one], 3)
        assert "max_seconds=60 lets the clock decide" in why([one], 0, 60.0)
        ours = f"submitted under rules 7 and completed under rules {RULES_NUMBER}"
        assert ours in why([one, two], rules=7)
