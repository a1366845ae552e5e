"""The health report: a planted search triggers each finding, a clean one none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core.builders import FACTS, resolve
from core.report_rows import Made, Round, Search, Trial, json_of, models, rate

from hpsearch.report import health
from hpsearch.report.health.scores import validation_examples
from hpsearch.space import Choices, box_to_json

LAST = 8  # epochs of a full training
FINALIST: dict[str, Any] = {
    "params": {"learning_rate": 0.1}, "trainings": 4, "mean": 0.93, "sd": 0.004,
    "posterior_mean": 0.93, "difference": 0.0, "p": None, "paired": False,
    "indistinguishable": True,
}  # fmt: skip


def beaten(difference: float, p: float | None, *, alike: bool) -> dict[str, Any]:
    params = {"learning_rate": 0.2 if alike else 0.3}
    told = {"difference": difference, "p": p, "indistinguishable": alike}
    return {**FINALIST, "params": params, **told}


def answering(learning_rate: float, right: range) -> Trial:
    """A training that got these of 100 examples right."""
    bits = np.isin(np.arange(100), right)
    return Trial(3, params={"learning_rate": learning_rate}, right=np.packbits(bits).tobytes())


CLEAN: dict[str, Any] = {
    "frontier": None, "epochs": LAST, "noise_sd": 0.005, "expected_gain": 0.0001,
    "importance": [], "agreement": {"1": 0.9},
    "finalists": [FINALIST, beaten(0.08, 0.001, alike=False)],
}  # fmt: skip


def notes(
    *, search: Search | None = None, rounds: Any = None, evidence: Any = None, box: Any = None,
    made: Any = None, full: Any = None, final: Any = None, **spec: Any,
) -> dict[str, Any]:  # fmt: skip
    """The notes by code of a search that is clean but for what is given."""
    resolved = resolve(warm_start=["earlier"], **spec)
    told = {**CLEAN, **(evidence or {})}
    box = box_to_json(box or {"learning_rate": rate(low=0.01, high=0.5)})
    stored = health.Stored(
        search or Search(state="completed"),
        resolved,
        rounds or [Round(rungs=[2, 4, 8], box=box, evidence=told), Round(2, kind="final", box=box)],
        made or [Made()],
        clean_trainings() if full is None else full,
        models() if final is None else final,
    )
    found = health.notes(stored)
    assert len({note.code for note in found}) == len(found)
    for note in found:
        assert note.message
        assert note.advice
        assert note.numbers
        assert note.sentence == f"{note.message}; {note.advice}"
    return {note.code: note for note in found}


def training(index: int, learning_rate: float, short: float, full: float) -> Trial:
    return Trial(
        1, index, params={"learning_rate": learning_rate}, epochs=LAST, score=full,
        curve=[(2, 0.5, None, short), (LAST, 0.3, None, full)],
    )  # fmt: skip


def clean_trainings() -> list[Trial]:
    """Twelve configurations in the same order after 2 epochs and after 8."""
    return [training(i, 0.01 * 1.3**i, 0.6 + 0.01 * i, 0.9 + 0.002 * i) for i in range(12)]


def test_a_clean_search_has_no_findings() -> None:
    assert notes() == {}


def test_a_search_that_has_not_begun_has_none_either() -> None:
    search = Search(
        state="queued", best_params=None, best_accuracy=None, recommended=None, best_round=None
    )
    stored = health.Stored(search, resolve(), (), ())
    assert health.notes(stored) == []


class TestRanges:
    @pytest.mark.parametrize(
        ("verdict", "edge", "side"),
        [("open_high", 0.5, "high"), ("open_low", 0.01, "low"), ("open_both", 0.5, "high")],
    )
    def test_an_open_range(self, verdict: str, edge: float, side: str) -> None:
        made = [Made(), Made(2, verdict=verdict, reason="open at the end: its edge")]
        note = notes(made=made)["open_range"]
        assert note.severity == "warning"
        assert note.message == f"learning_rate is open at the end: its range ends at {edge:g}"
        assert note.numbers["edge"] == edge
        assert f"space.learning_rate.{side}" in note.advice
        assert "hard_" not in note.advice

    def test_an_open_range_at_its_limit_names_the_limit(self) -> None:
        box = {"learning_rate": rate(low=0.01, high=0.5, hard_high=0.5)}
        note = notes(box=box, made=[Made(verdict="open_high", reason="open at the top")])
        assert "space.learning_rate.hard_high above 0.5" in note["open_range"].advice

    def test_a_range_that_was_open_once_and_closed_later_is_no_finding(self) -> None:
        moved = json_of(rate(high=10.0))
        made = [Made(verdict="open_high", after=moved), Made(2, verdict="kept")]
        assert notes(made=made) == {}

    @pytest.mark.parametrize(
        ("low", "high", "best", "side"),
        [(1e-3, 1.0, 0.98, "high"), (1e-5, 0.1, 1.05e-5, "low"), (1e-3, 1.0, 0.5, None),
         (1e-3, 0.1, 0.099, None)],
    )  # fmt: skip
    def test_a_best_value_at_the_end_of_what_was_looked_at(
        self, low: float, high: float, best: float, side: str | None
    ) -> None:
        chosen = {**(Search().recommended or {}), "params": {"learning_rate": best}}
        box = {"learning_rate": rate(low=low, high=high)}
        found = notes(box=box, search=Search(recommended=chosen))
        assert set(found) == ({"best_at_edge"} if side else set())
        if side:
            assert f"space.learning_rate.{side}" in found["best_at_edge"].advice
            assert found["best_at_edge"].numbers["best"] == best

    def test_while_it_runs_the_best_trial_stands_for_the_recommendation(self) -> None:
        search = Search(recommended=None, best_params={"learning_rate": 0.99})
        box = {"learning_rate": rate(low=1e-3)}
        assert "best_at_edge" in notes(search=search, box=box, final=())

    def test_an_unidentified_dimension(self) -> None:
        numbers = {"effect": 0.001, "noise_sd": 0.005, "p_below_noise": 0.97, "threshold": 1.0}
        made = [Made(verdict="unidentified", reason="flat", numbers=numbers)]
        note = notes(made=made)["unidentified"]
        assert note.severity == "info"
        assert note.numbers == {
            "hyperparameter": "learning_rate", "effect": 0.001, "noise_sd": 0.005,
            "p_below_noise": 0.97,
        }  # fmt: skip
        assert "fix model.learning_rate" in note.advice

    def test_a_range_beyond_the_asked_one(self) -> None:
        note = notes(box={"learning_rate": rate(low=0.01, high=3.0)})["outside_asked"]
        assert note.severity == "info"
        assert note.numbers["asked_high"] == 1.0
        assert note.numbers["high"] == 3.0

    def test_choices_have_no_edges(self) -> None:
        space = {"activation": {"choices": ["relu", "tanh"]}}
        made = [Made(name="activation", verdict="narrowed")]
        search = Search(best_params={"activation": "relu"}, recommended=None)
        found = notes(
            space=space, box={"activation": Choices(choices=("relu",))}, made=made, search=search
        )
        assert found == {}

    def test_divergence_names_the_frontier(self) -> None:
        frontier = {
            "name": "learning_rate", "diverged": 9, "finite": 23, "lowest_diverged": 0.8,
            "highest_finite": 0.9, "edge": 0.85,
        }  # fmt: skip
        rounds = [
            Round(1, diverged=9, completed=17, evidence={**CLEAN, "frontier": frontier}),
            Round(2, diverged=0, completed=26),
        ]
        note = notes(rounds=rounds)["divergence"]
        assert note.message.startswith("9 of 64 trials diverged, 28% of round 1")
        assert (note.numbers["worst_round"], note.numbers["share"]) == (1, 9 / 32)
        assert "above a learning rate of 0.85" in note.message
        assert note.numbers["edge"] == 0.85
        assert note.numbers["trials"] == 64
        assert "hard_high to 0.85" in note.advice

    def test_divergence_without_a_searched_learning_rate(self) -> None:
        note = notes(rounds=[Round(1, diverged=20, completed=6, evidence=CLEAN)])["divergence"]
        assert "lower the learning rate" in note.advice

    def test_few_diverged_trials_are_no_finding(self) -> None:
        assert notes(rounds=[Round(1, diverged=6, completed=20, evidence=CLEAN)]) == {}
        assert notes(rounds=[Round(1, planned=4, diverged=2, completed=2, stopped=0)]) == {}

    def test_trials_that_could_not_be_trained(self) -> None:
        note = notes(rounds=[Round(1, failed=2, completed=20, evidence=CLEAN)])["failed_trials"]
        assert note.message == "2 of 32 trials could not be trained"
        assert "/trials?state=failed" in note.advice


class TestScores:
    @pytest.mark.parametrize(
        ("validation", "fraction", "expected"),
        [({}, 0.2, 287), ({"folds": 5}, 0.2, 1437), ({"repeats": 2}, 0.2, 517), ({}, 0.1, 144)],
    )
    def test_how_many_examples_validate(
        self, validation: dict[str, int], fraction: float, expected: int
    ) -> None:
        resolved = resolve(validation=validation, validation_fraction=fraction)
        assert validation_examples(resolved) == expected

    def test_few_validation_examples_are_said_from_the_start(self) -> None:
        queued = Search(state="queued", best_params=None, best_accuracy=None, recommended=None)
        stored = health.Stored(queued, resolve(validation_fraction=0.07), (), ())
        (note,) = health.notes(stored)
        assert note.code == "few_validation_examples"
        assert note.severity == "warning"
        assert note.numbers["examples"] == 101
        assert note.numbers["sd"] == pytest.approx(math.sqrt(0.25 / 101))
        assert "differ by less than 0.10 may not differ at all" in note.message
        assert '"folds": 5' in note.advice
        assert "1437" in note.advice

    def test_a_known_accuracy_makes_the_statement_sharper(self) -> None:
        note = notes(validation_fraction=0.1)["few_validation_examples"]
        assert note.numbers["sd"] == pytest.approx(math.sqrt(0.93 * 0.07 / 144))

    def test_folds_of_a_small_dataset_are_few_all_the_same(self) -> None:
        facts = replace(FACTS, n_train=150)
        note = notes(facts=facts, validation={"folds": 5})["few_validation_examples"]
        assert note.advice == "only more data will help"

    def test_200_examples_are_enough(self) -> None:
        facts = replace(FACTS, n_train=1000)
        assert notes(facts=facts) == {}

    def test_candidates_that_cannot_be_told_apart(self) -> None:
        race = [FINALIST, beaten(0.02, 0.4, alike=True), beaten(0.1, 1e-6, alike=False)]
        full = [answering(0.1, range(90)), answering(0.2, range(4, 92)), answering(0.3, range(80))]
        note = notes(evidence={"finalists": race}, full=full)["candidates_alike"]
        assert note.severity == "warning"
        assert note.message.startswith("1 of 2 other finalists cannot be told apart")
        assert note.numbers["gap"] == 0.02
        # The second misses four examples that the first gets right, and gets two of the others.
        sd = math.sqrt((6 / 100 - 0.02**2) / 100)
        assert note.numbers["sd"] == pytest.approx(sd)
        assert note.numbers["examples"] == 287
        assert note.numbers["needed"] == math.ceil(287 * (2 * sd / 0.02) ** 2)
        assert f"takes about {note.numbers['needed']:,} validation examples" in note.advice

    def test_trainings_of_a_candidate_are_averaged(self) -> None:
        race = [FINALIST, beaten(0.02, 0.4, alike=True)]
        full = [answering(0.1, range(100)), answering(0.2, range(98)), answering(0.2, range(100))]
        note = notes(evidence={"finalists": race}, full=full)["candidates_alike"]
        assert note.numbers["sd"] == pytest.approx(math.sqrt((0.02 / 4 - 0.01**2) / 100))
        assert "more trainings of each" in note.advice

    def test_alike_within_half_a_point_is_alike(self) -> None:
        race = [FINALIST, beaten(0.004, 0.3173105, alike=True), beaten(-0.002, 0.9, alike=True)]
        assert notes(evidence={"finalists": race}) == {}

    def test_without_single_answers_independent_parts_are_the_bound(self) -> None:
        bound = pytest.approx(math.sqrt(2 * 0.93 * 0.07 / 287))
        for full in ([], [answering(0.1, range(90))], [answering(0.2, range(90))]):
            race = [FINALIST, beaten(0.01, None, alike=True)]
            note = notes(evidence={"finalists": race}, full=full)["candidates_alike"]
            assert note.numbers["sd"] == bound

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
        rounds = [Round(rungs=rungs, epochs=8, evidence=CLEAN)]
        full = [Trial(1, i, curve=[(8, 1.0, 3)]) for i in range(12)]
        assert notes(rounds=rounds, full=full, **spec) == {}

    def test_an_earlier_search_that_disagrees(self) -> None:
        note = notes(evidence={"agreement": {"1": 0.2, "7": 0.1}})["warm_start_disagrees"]
        assert note.numbers == {"search": "earlier", "correlation": 0.2}
        assert "leave it out of warm_start" in note.advice


class TestFinals:
    def test_diverged_models(self) -> None:
        note = notes(final=models((190, None, None)))["final_diverged"]
        assert note.message == "2 of 3 final models diverged"
        assert note.numbers == {"diverged": 2, "models": 3, "epochs": 20}
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


def test_warnings_come_first() -> None:
    made = [Made(verdict="unidentified")]
    found = notes(made=made, final=models(gauge=150), validation_fraction=0.1)
    assert [note.severity for note in found.values()] == ["warning", "warning", "info"]
