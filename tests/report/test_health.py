"""The health report: a planted search triggers each finding, a clean one none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from report.health_records import CLEAN, FINALIST, answering, beaten, external, notes, training
from scipy import stats
from support.builders import FACTS, resolve
from support.records import (
    FACTS_JSON,
    RECOMMENDED,
    make_decision,
    make_round,
    make_search,
    make_trial,
    models,
    not_begun,
)

from hpsearch.evidence import Doubt, Evidence, FinalScores, MetricScore, SurrogateCheck
from hpsearch.report import health
from hpsearch.report.health import baseline
from hpsearch.report.views import GainView
from hpsearch.space import box_to_json
from hpsearch.trials import SearchState


def test_a_clean_search_has_no_findings() -> None:
    assert notes() == {}


def test_a_search_that_has_not_begun_has_none_either() -> None:
    assert health.notes(health.SearchRecords(not_begun(), resolve(), (), ())) == []


def test_a_gain_without_an_interval_is_not_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, Any] = {
        "same_setting": False,
        "models": 1,
        "paired": False,
        "note": "one each",
    }
    monkeypatch.setattr(baseline, "gain_view", lambda _: GainView(value=2.5, **shown))
    (note,) = baseline.not_beaten(
        health.SearchRecords(make_search(state=SearchState.COMPLETED), resolve(), (), ())
    )
    assert note.message.startswith("nothing tells whether the search has beaten your setting")
    assert "+2.5" in note.message


class TestScores:
    @pytest.mark.parametrize(
        ("validation", "fraction", "expected"),
        [({}, 0.2, 287), ({"folds": 5}, 0.2, 1437), ({"repeats": 2}, 0.2, 517), ({}, 0.1, 144)],
    )
    def test_how_many_examples_validate(
        self, validation: dict[str, int], fraction: float, expected: int
    ) -> None:
        resolved = resolve(validation=validation, validation_fraction=fraction)
        assert resolved.workload.validation_examples == expected

    def test_few_validation_examples_are_said_from_the_start(self) -> None:
        resolved = resolve(validation_fraction=0.07)
        (note,) = health.notes(health.SearchRecords(not_begun(), resolved, (), ()))
        assert note.code == "few_validation_examples"
        assert note.severity == "warning"
        assert note.numbers["examples"] == 101
        assert note.numbers["sd"] == pytest.approx(math.sqrt(0.25 / 101))
        assert "differ by less than 0.10 may not differ at all" in note.message
        assert '"folds": 5' in note.advice
        assert "1437" in note.advice

    def test_a_known_accuracy_makes_the_statement_sharper(self) -> None:
        note = notes(validation_fraction=0.1, full=())["few_validation_examples"]
        assert note.numbers["sd"] == pytest.approx(math.sqrt(0.93 * 0.07 / 144))

    def test_folds_of_a_small_dataset_are_few_all_the_same(self) -> None:
        facts = replace(FACTS, n_train=150)
        note = notes(facts=facts, validation={"folds": 5}, full=())["few_validation_examples"]
        assert note.advice == "only more data will help"

    def test_examples_are_counted_once_there_is_a_trial(self) -> None:
        """Strata are rounded one by one: the plan is off by an example or two."""
        for counted, validation in ((198, {}), (199, {"folds": 5})):
            trial = make_trial(1, epochs=8, examples=counted, curve=[(8, 1.0, 3)])
            note = notes(full=[trial], validation=validation)["few_validation_examples"]
            assert note.numbers["examples"] == counted
        repeated = make_trial(1, epochs=8, examples=150, curve=[(8, 1.0, 3)])
        assert notes(full=[repeated], validation={"repeats": 2}) == {}

    def test_200_examples_are_enough(self) -> None:
        facts = replace(FACTS, n_train=1000)
        assert notes(facts=facts) == {}

    def test_candidates_that_cannot_be_told_apart(self) -> None:
        race = [FINALIST, beaten(0.02, 0.4, alike=True), beaten(0.1, 1e-6, alike=False)]
        full = [answering(0.1, range(90)), answering(0.2, range(4, 92)), answering(0.3, range(80))]
        note = notes(evidence=replace(CLEAN, finalists=race), full=full)["candidates_alike"]
        assert note.severity == "warning"
        assert note.message.startswith("1 of 2 other finalists cannot be told apart")
        assert note.numbers["gap"] == 0.02
        # The second misses four examples that the first gets right, and gets two of the others.
        sd = math.sqrt((6 / 100 - 0.02**2) / 100)
        assert note.numbers["sd"] == pytest.approx(sd)
        assert note.numbers["examples"] == 100
        assert note.numbers["needed"] == math.ceil(100 * (2 * sd / 0.02) ** 2)
        assert f"takes about {note.numbers['needed']:,} validation examples" in note.advice
        assert "more trainings" not in note.advice + note.message

    def test_trainings_of_a_candidate_are_averaged(self) -> None:
        race = [FINALIST, beaten(0.02, 0.4, alike=True)]
        full = [answering(0.1, range(100)), answering(0.2, range(98)), answering(0.2, range(100))]
        note = notes(evidence=replace(CLEAN, finalists=race), full=full)["candidates_alike"]
        assert note.numbers["sd"] == pytest.approx(math.sqrt((0.02 / 4 - 0.01**2) / 100))
        assert note.advice == "train each more often to tell them apart: more finalists.rounds"
        assert "cheapest" not in note.sentence

    def test_answers_that_agree_on_every_example_have_no_deviation_of_nought(self) -> None:
        race = [FINALIST, beaten(0.02, 0.4, alike=True)]
        full = [answering(0.1, range(98)), answering(0.2, range(98))]
        note = notes(evidence=replace(CLEAN, finalists=race), full=full)["candidates_alike"]
        assert note.numbers["sd"] == 0
        assert "0.000" not in note.sentence
        assert note.advice.startswith("train each more often")

    def test_a_difference_in_log_loss_is_none_in_accuracy(self) -> None:
        race = [FINALIST, beaten(0.4, None, alike=True)]
        evidence = replace(CLEAN, finalists=race)
        assert "candidates_alike" in notes(evidence=evidence)
        assert "candidates_alike" not in notes(evidence=evidence, objective="log_loss", final=())

    def test_alike_within_half_a_point_is_alike(self) -> None:
        race = [FINALIST, beaten(0.004, 0.3173105, alike=True), beaten(-0.002, 0.9, alike=True)]
        assert notes(evidence=replace(CLEAN, finalists=race)) == {}

    def test_without_single_answers_independent_parts_are_the_bound(self) -> None:
        for full in ([], [answering(0.1, range(90))], [answering(0.2, range(90))]):
            race = [FINALIST, beaten(0.01, None, alike=True)]
            note = notes(evidence=replace(CLEAN, finalists=race), full=full)["candidates_alike"]
            examples = 100 if full else 287
            assert note.numbers["sd"] == pytest.approx(math.sqrt(2 * 0.93 * 0.07 / examples))

    def test_short_epochs_that_cost_more_than_noise(self) -> None:
        # After 2 epochs the highest rates lead, after 8 the lowest ones do.
        full = [training(i, 0.01 * 1.5**i, 0.6 + 0.02 * i, 0.95 - 0.01 * i) for i in range(9)]
        note = notes(full=full)["short_epoch_bias"]
        assert note.severity == "warning"
        assert note.numbers["rank_correlation"] == pytest.approx(-1)
        assert note.numbers["cost"] == pytest.approx(0.08)
        assert note.numbers["learning_rate_shift"] == pytest.approx(-6 * math.log10(1.5))
        assert "full trainings want a lower learning rate" in note.message
        assert "epochs.first above 2" in note.advice

    def test_an_order_that_says_nothing_about_clear_differences(self) -> None:
        # The leader after 2 epochs is the best after 8, the others come in the reverse order.
        full = [training(i, 0.1 + i / 1e4, 0.5 + 0.01 * i, 0.92 - 0.01 * i) for i in range(11)]
        full.append(training(11, 0.1, 0.9, 0.93))
        note = notes(full=full)["short_epoch_bias"]
        assert note.numbers["cost"] == pytest.approx(0)
        assert note.numbers["rank_correlation"] < 0
        assert "learning rate" not in note.message

    def test_differences_within_the_noise_are_no_bias(self) -> None:
        full = [training(i, 0.1 + i / 1e4, 0.6 + 0.01 * i, 0.93 - 0.0005 * i) for i in range(12)]
        assert notes(full=full) == {}

    def test_trainings_of_one_configuration_count_together(self) -> None:
        lucky = [training(i, 0.2, 0.7, 0.90 + 0.04 * (i % 2)) for i in range(4)]
        other = [training(9 + i, 0.1 + i, 0.69 - 0.01 * i, 0.915) for i in range(3)]
        assert notes(full=[*lucky, *other]) == {}

    @pytest.mark.parametrize("spec", [{"epochs": {"first": 8, "last": 8}}, {}])
    def test_what_has_no_short_scores_says_nothing_of_them(self, spec: dict[str, Any]) -> None:
        rungs = [8] if spec else [2, 8]
        rounds = [make_round(rungs=rungs, epochs=8, evidence=CLEAN)]
        full = [make_trial(1, i, curve=[(8, 1.0, 3)], examples=287) for i in range(12)]
        assert notes(rounds=rounds, full=full, **spec) == {}

    def test_an_earlier_search_that_disagrees(self) -> None:
        note = notes(evidence=replace(CLEAN, agreement={1: 0.2, 7: 0.1}))["warm_start_disagrees"]
        assert note.numbers == {"search": "earlier", "correlation": 0.2}
        assert "leave it out of warm_start" in note.advice

    @pytest.mark.parametrize(("inside", "said"), [(22, True), (23, False), (30, False)])
    def test_a_surrogate_that_is_too_sure(self, inside: int, said: bool) -> None:
        """Of 30 trials 27 should lie inside; 22 or fewer do with a probability of .0078, 23 of .026."""
        told = notes(evidence=replace(CLEAN, surrogate_check=SurrogateCheck(30, inside, 0.4)))
        assert ("surrogate_too_sure" in told) is said
        if said:
            note = told["surrogate_too_sure"]
            assert note.message.startswith(f"{inside} of 30 trials lie where")
            assert note.numbers["p"] == pytest.approx(stats.binom.cdf(inside, 30, 0.9), rel=1e-12)


class TestFinals:
    def test_diverged_models(self) -> None:
        note = notes(final=models((190, None, None)))["final_diverged"]
        assert note.message == "2 of 3 final models diverged"
        assert note.numbers == {"diverged": 2, "models": 3, "epochs": 8}
        worst = notes(final=models((None, 180)))["final_diverged"]
        assert worst.message.endswith("the recommended one among them")

    def test_the_model_for_optimism_is_no_final_model(self) -> None:
        assert notes(final=models(gauge=None)) == {}

    def test_optimism_beyond_its_noise(self) -> None:
        note = notes(final=models(gauge=170))["optimism"]
        assert note.severity == "warning"
        assert note.numbers["gap"] == pytest.approx(0.96 - 0.85)
        noise = math.hypot(math.sqrt(0.96 * 0.04 / 300), math.sqrt(0.85 * 0.15 / 200))
        assert note.numbers["noise_sd"] == pytest.approx(noise)
        assert "quote the test accuracy" in note.advice

    def test_a_gap_within_the_noise_is_none(self) -> None:
        assert notes(final=models(gauge=186)) == {}


def final_scores(value: float, ci95: Any, baseline: float, **more: Any) -> FinalScores:
    """The scores of a model by one metric; two classes, 282 and 18 examples."""
    metric = more.pop("metric", "accuracy")
    score = MetricScore(value, ci95, baseline, **more)
    return FinalScores({metric: score}, [value, 0.9, 0.9, 0.9], [282, 18])


class TestYardsticks:
    def test_a_result_that_the_majority_reaches_too(self) -> None:
        made = [make_decision(verdict="open_high", reason="open")]
        assert {"open_range", "shorter_than_final"} <= set(notes(made=made, final_epochs=20))
        test = final_scores(0.94, (0.907, 0.962), 0.94)
        found = notes(made=made, test=test, final_epochs=20)
        assert set(found) == {"no_better_than_constant"}  # no advice from noise beside it
        note = found["no_better_than_constant"]
        assert note.severity == "warning"
        assert "0.9400, whose 95 % interval is 0.9070 to 0.9620, is no better" in note.message
        assert note.numbers["baseline"] == 0.94

    @pytest.mark.parametrize(
        ("metric", "value", "ci95", "baseline", "better"),
        [
            ("accuracy", 0.95, (0.93, 0.97), 0.94, False),
            ("accuracy", 0.95, (0.945, 0.97), 0.94, True),
            ("accuracy", 0.3, (0.2, 0.4), 0.5, False),
            ("log_loss", 0.2, (0.1, 0.3), 0.25, False),
            ("log_loss", 0.2, (0.1, 0.24), 0.25, True),
            ("log_loss", 0.4, (0.3, 0.5), 0.25, False),
            ("balanced_accuracy", 0.5, None, 0.5, False),
            ("balanced_accuracy", 0.8, None, 0.5, True),  # or not: nobody knows, nothing is said
        ],
    )
    def test_better_than_the_same_answer_for_all(
        self, metric: str, value: float, ci95: Any, baseline: float, better: bool
    ) -> None:
        test = final_scores(value, ci95, baseline, metric=metric)
        found = notes(test=test, objective=metric, final=())
        assert ("no_better_than_constant" in found) is not better

    def test_an_interval_that_is_missing_has_its_reason(self) -> None:
        facts = {**FACTS_JSON, "classes": ["healthy", "ill"]}
        test = final_scores(0.8, None, 0.5, metric="balanced_accuracy", doubt=Doubt.FEW_ROWS, rows=3,
                      label=1)  # fmt: skip
        search = make_search(state="completed", facts=facts)
        found = notes(search=search, test=test, objective="balanced_accuracy", final=())
        note = found["no_test_interval"]
        assert "no interval: 3 test examples of class ill; an interval takes 10" in note.message

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ([0.92, 0.91, 0.90, 0.9], None),
            ([0.5, 0.91, 0.90, 0.9], "1 of 3 final models, the recommended one among them"),
            ([0.92, 0.91, 0.4, 0.9], "1 of 3 final models, none of them the recommended one"),
            ([0.92, 0.91, None, 0.9], None),
        ],
    )
    def test_final_models_far_below_their_validation(self, values: Any, said: str | None) -> None:
        test = FinalScores({"accuracy": MetricScore(0.92, (0.88, 0.95), 0.1)}, values, [100, 100])
        note = notes(test=test, final_epochs=20).get("below_validation")
        assert (note is None) is (said is None)
        if note is not None and said is not None:
            assert said in note.message
            assert note.numbers["expected"] == 0.925
            assert "the final trains 20 epochs and trials had 8" in note.advice

    @pytest.mark.parametrize("known", [True, False])
    @pytest.mark.parametrize(("a", "b"), [(1, 0), (1000, 0), (1e-3, 0), (1, -50), (1e-9, 7)])
    def test_an_external_one_is_told_in_any_unit(self, a: float, b: float, known: bool) -> None:
        """Also where there is no surrogate to know the noise by."""
        recommended = replace(RECOMMENDED, score=a * 0.9 + b, sd=a * 0.002, correct=0, examples=0)
        search = make_search(state="completed", recommended=recommended)
        scores = [0.88, 0.9, 0.89, 0.885]
        full = [make_trial(1, i, score=a * s + b, examples=0) for i, s in enumerate(scores)]
        evidence = Evidence(noise_sd=a * 0.005 if known else None)
        box = box_to_json(external().box)
        rounds = [make_round(evidence=evidence, box=box), make_round(2, kind="final", box=box)]
        for recommended_score, far in ((0.885, False), (0.5, True)):
            final = [
                make_trial(5, i, role=role, score=a * s + b, examples=0)
                for i, (role, s) in enumerate([("recommended", recommended_score), ("drawn", 0.89)])
            ]
            records = health.SearchRecords(search, external(), rounds, [], full, final)
            codes = [n.code for n in health.notes(records)]
            assert ("below_validation" in codes) is far


def test_warnings_come_first() -> None:
    made = [make_decision(verdict="unidentified")]
    found = notes(made=made, final=models(gauge=150), validation_fraction=0.1, full=())
    assert [note.severity for note in found.values()] == ["warning", "warning", "info"]
