"""The answer of a completed search."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from scipy.stats import binomtest
from support.builders import resolve
from support.records import (
    FACTS_JSON,
    make_decision,
    make_final,
    make_round,
    make_search,
    make_trial,
    models,
    rate,
)

from hpsearch.evidence import Doubt, Evidence, Finalist, FinalScores, Importance, MetricScore
from hpsearch.records import Recommended
from hpsearch.report import answer, health
from hpsearch.space import Choices, box_to_json


def result(*, search=None, box=None, made=None, final=None, rows=None, evidence=None, full=(),
           tested=None, **fields):  # fmt: skip
    resolved = resolve(**{"final": {"epochs": 2}, **fields})
    box = box_to_json(box or resolved.box)
    rounds = [make_round(evidence=evidence), make_round(2, kind="final", box=box, evidence=tested)]
    records = health.SearchRecords(
        search or make_search(state="completed"), resolved, rounds, made or [make_decision()], full,
        rows or models(),
    )  # fmt: skip
    return answer.result(records, final or make_final(), 4)


def finalist(rate=0.1, *, difference=0.0, p=None, alike=True, **fields):
    return Finalist(
        {"learning_rate": rate}, trainings=4, mean=0.93, sd=0.004, posterior_mean=0.925,
        difference=difference, p=p, paired=p is not None, indistinguishable=alike, **fields,
    )  # fmt: skip


class TestResult:
    def test_of_a_plain_search(self):
        view = result()
        test = view.test
        assert test.accuracy == 0.95
        assert test.ci95 == pytest.approx(tuple(binomtest(190, 200).proportion_ci(method="wilson")))
        assert (test.mean, test.sd) == (pytest.approx(0.875), pytest.approx(0.05 / math.sqrt(2)))
        assert [m.accuracy for m in test.models] == [0.95, 0.9, 0.85]
        assert test.models[1].seed == [0, 3, 5, 1, 0]
        assert test.ensemble_accuracy == 0.96
        assert (test.examples, test.attempts, test.dataset_openings) == (200, 1, 4)
        assert test.opened_at == "2023-11-14T22:16:40.000Z"
        assert view.optimism == pytest.approx(0.96 - 0.94)
        assert view.recommended.validation_accuracy == 0.93
        chosen = view.recommended
        assert (chosen.score, chosen.sd, chosen.trainings) == (0.925, 0.004, 3)
        assert view.best_trial.trial == "1-4"
        assert (view.digest, view.digest_reason) == ("abc", None)
        assert view.objective == "accuracy"
        assert (view.finalists, view.indistinguishable, view.importance) == ([], None, [])
        assert view.health == []

    def test_a_result_of_an_earlier_version_has_no_yardsticks(self):
        test = result().test
        assert (test.metrics, test.classes, test.class_counts, test.confusion) == (None,) * 4
        assert (test.majority_share, test.objective_mean, test.objective_sd) == (None,) * 3
        assert {m.objective for m in test.models} == {None}

    def test_the_yardsticks_that_are_stored(self):
        """By way of their stored form, which is the evidence of the final round."""
        metrics = {
            "balanced_accuracy": MetricScore(0.8, None, 0.5, Doubt.FEW_ROWS, rows=3, label=1),
            "log_loss": MetricScore(0.2, (0.1, 0.3), 0.25),
            "of_a_later_version": MetricScore(1.0),
        }
        scores = FinalScores(metrics, [0.8, 0.7, 0.5, None], [57, 3], [[57, 0], [1, 2]])
        stored = json.loads(json.dumps(Evidence(test=scores).to_json()))
        found = Evidence.from_json(stored)
        assert Evidence.from_json(json.loads(json.dumps(found.to_json()))) == found
        search = make_search(state="completed", facts={**FACTS_JSON, "classes": ["well", "ill"]})
        test = result(search=search, tested=found, objective="balanced_accuracy").test
        assert set(test.metrics) == {"balanced_accuracy", "log_loss"}
        shown = test.metrics["balanced_accuracy"]
        assert (shown.value, shown.ci95, shown.baseline) == (0.8, None, 0.5)
        assert shown.note == "no interval: 3 test examples of class ill; an interval takes 10"
        assert test.metrics["log_loss"].ci95 == (0.1, 0.3)
        assert (test.classes, test.class_counts) == (["well", "ill"], [57, 3])
        assert (test.majority_share, test.confusion) == (0.95, [[57, 0], [1, 2]])
        assert [m.objective for m in test.models] == [0.8, 0.7, 0.5]
        assert test.objective_mean == pytest.approx(0.6)
        assert test.objective_sd == pytest.approx(0.2 / math.sqrt(2))
        assert test.score is None  # which is that of an external search, as before

    def test_equal_models_have_no_spread(self):
        test = result(rows=models((190, 180, 180, 180))).test
        assert (test.mean, test.sd) == (0.9, 0.0)

    def test_the_validation_accuracy_is_the_mean_of_the_full_trainings(self):
        same = [make_trial(3, i, correct=c, examples=300) for i, c in enumerate([270, 285])]
        other = make_trial(3, 2, params={"learning_rate": 0.2}, correct=300, examples=300)
        view = result(full=[*same, other])
        assert view.recommended.validation_accuracy == pytest.approx((0.9 + 0.95) / 2)

    def test_without_a_surrogate_the_deviation_is_that_of_the_examples(self):
        chosen = Recommended(1, 4, {}, 93, 100)
        for recommended in (chosen, replace(chosen, sd=0.0)):
            view = result(search=make_search(state="completed", recommended=recommended))
            assert view.recommended.sd == pytest.approx(math.sqrt(0.93 * 0.07 / 100))
            assert view.recommended.validation_accuracy == 0.93
        assert (view.recommended.score, view.recommended.trainings) == (None, None)

    def test_finalists_importance_and_objective(self):
        important = [
            Importance(n, t, t, 0.0, 1.0, 0.1)
            for n, t in [("weight_decay", 0.1), ("learning_rate", 0.9)]
        ]
        race = [
            finalist(), finalist(0.2, difference=0.01, p=0.4),
            finalist(0.3, difference=0.2, p=0.001, alike=False),
        ]  # fmt: skip
        view = result(evidence=Evidence(finalists=race, importance=important), objective="log_loss")
        assert [f.params["learning_rate"] for f in view.finalists] == [0.1, 0.2, 0.3]
        assert (view.finalists[1].p, view.finalists[1].paired) == (0.4, True)
        assert view.indistinguishable == 1
        assert [i.name for i in view.importance] == ["learning_rate", "weight_decay"]
        assert view.objective == "log_loss"

    def test_a_diverged_final_model_scores_null_and_is_not_replaced(self):
        view = result(rows=models((190, None, 170)))
        assert [m.accuracy for m in view.test.models] == [0.95, None, 0.85]
        assert (view.test.mean, view.test.sd) == (0.85, None)
        assert any(note.startswith("1 of 3 final models diverged;") for note in view.health)

    def test_a_diverged_recommendation_scores_null(self):
        view = result(rows=models((None, 180)))
        assert view.test.accuracy is None
        assert view.test.ci95 is None
        assert view.test.models[0].accuracy is None
        assert view.test.examples == 200

    def test_when_every_final_model_diverged(self):
        view = result(
            rows=models((None, None), gauge=None), final=make_final(ensemble_correct=None)
        )
        assert view.test.ensemble_accuracy is None
        assert (view.test.mean, view.test.sd, view.optimism) == (None, None, None)
        assert view.test.examples == 0

    def test_the_test_part_has_its_size_as_long_as_one_model_was_scored(self):
        view = result(rows=models((None,)), final=make_final(ensemble_correct=None))
        assert view.test.examples == 200

    def test_optimism_needs_both_its_accuracies(self):
        rows = [*models()[:-1], models()[-1]._replace(rank_value=None)]
        assert result(rows=rows).optimism is None

    def test_one_model_has_no_spread(self):
        view = result(rows=models((190,)))
        assert (view.test.mean, view.test.sd) == (None, None)

    @pytest.mark.parametrize(
        ("low", "high", "outside"),
        [(1e-5, 1.0, False), (1e-4, 0.1, False), (1e-6, 0.1, True), (1e-4, 10.0, True)],
    )
    def test_a_range_outside_the_asked_one_is_marked(self, low, high, outside):
        view = result(box={"learning_rate": rate(low=low, high=high)})
        told = view.ranges["learning_rate"]
        assert told.outside_asked is outside
        assert (told.asked.low, told.asked.high) == (1e-5, 1.0)
        note = "the best range of learning_rate reaches beyond the one that was asked for"
        assert any(told.startswith(note) for told in view.health) is outside

    def test_choices_are_never_outside(self):
        space = {"activation": {"choices": ["relu", "tanh"]}}
        view = result(
            space=space, box={"activation": Choices(choices=("relu",))},
            made=[make_decision(name="activation", verdict="narrowed", reason="dropped tanh")],
        )  # fmt: skip
        assert view.model_dump(mode="json")["ranges"] == {
            "activation": {
                "choices": ["relu"], "verdict": "narrowed", "reason": "dropped tanh",
                "basis": "untried_levels",  # no trial of its is known
                "asked": {"choices": ["relu", "tanh"]}, "outside_asked": False,
            }
        }  # fmt: skip

    def test_ranges_have_no_null_fields(self):
        text = json.dumps(result().model_dump(mode="json")["ranges"])
        assert "null" not in text

    @pytest.mark.parametrize(
        ("verdicts", "verdict", "reason"),
        [
            (["narrowed", "unidentified"], "narrowed", "after round 1: r1; after round 2: r2"),
            (["narrowed", "narrowed", "kept"], "narrowed", "after round 2: r2; after round 3: r3"),
            (["narrowed", "open_low"], "open_low", "r2"),
            (["open_low", "kept"], "kept", "after round 1: r1; after round 2: r2"),
            (["narrowed", "open_high", "unidentified"], "unidentified",
             "after round 2: r2; after round 3: r3"),
            (["unidentified", "unidentified"], "unidentified", "r2"),
            (["kept", "narrowed"], "narrowed", "r2"),
        ],
    )  # fmt: skip
    def test_the_verdict_is_the_last_and_the_reason_tells_the_last_move(
        self, verdicts, verdict, reason
    ):
        made, now = [], {"low": 1e-4, "high": 1.0, "scale": "log"}
        for i, v in enumerate(verdicts, 1):
            after = now if v in ("kept", "unidentified") else {**now, "low": 2 * now["low"]}
            made.append(make_decision(i, before=now, after=after, verdict=v, reason=f"r{i}"))
            now = after
        told = result(made=made).ranges["learning_rate"]
        assert (told.verdict, told.reason) == (verdict, reason)

    def test_what_was_decided_before_an_edit_is_about_another_range(self):
        first = {"low": 1e-4, "high": 1.0, "scale": "log"}
        moved, edited = {**first, "low": 1e-3}, {**first, "low": 0.5}
        made = [
            make_decision(1, before=first, after=moved, verdict="narrowed", reason="r1"),
            make_decision(2, before=edited, after=edited, verdict="unidentified", reason="r2"),
        ]
        told = result(made=made).ranges["learning_rate"]
        assert (told.verdict, told.reason) == ("unidentified", "r2")

    def test_a_withheld_digest_says_why(self):
        view = result(search=make_search(digest=None, digest_reason="2 fingerprints"))
        assert (view.digest, view.digest_reason) == (None, "2 fingerprints")
