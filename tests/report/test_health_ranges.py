"""Findings about the ranges: a planted search triggers each, a clean one none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from report.health_records import CLEAN, all_notes, external, notes
from support.builders import resolve
from support.records import (
    json_of,
    make_decision,
    make_round,
    make_search,
    not_begun,
    rate,
    recommending,
)

from hpsearch.evidence import DivergenceBoundary
from hpsearch.report import health
from hpsearch.space import Choices
from hpsearch.space import box_to_json as json_box


class TestRanges:
    @pytest.mark.parametrize(
        ("verdict", "edge", "side", "end"),
        [
            ("open_high", 0.5, "high", "top"),
            ("open_low", 0.01, "low", "bottom"),
        ],
    )
    def test_an_open_range(self, verdict: str, edge: float, side: str, end: str) -> None:
        made = [
            make_decision(),
            make_decision(2, verdict=verdict, reason="whatever was said: it is not read"),
        ]
        asked = {"learning_rate": {"low": 0.01, "high": 0.5, "scale": "log"}}
        note = notes(made=made, space=asked)["open_range"]
        assert note.severity == "warning"
        assert note.message == f"learning_rate is open at the {end}: its range ends at {edge:g}"
        assert note.numbers["edge"] == edge
        assert f"space.learning_rate.{side}" in note.advice
        assert "hard_" not in note.advice

    def test_an_open_range_at_its_limit_names_the_limit(self) -> None:
        box = {"learning_rate": rate(low=0.01, high=0.5, hard_high=0.5)}
        note = notes(box=box, made=[make_decision(verdict="open_high", reason="open at the top")])
        assert "space.learning_rate.hard_high above 0.5" in note["open_range"].advice

    @pytest.mark.parametrize("verdict", ["open_high", "open_low"])
    def test_a_range_that_grew_again_asks_for_no_wider_limit(self, verdict: str) -> None:
        box = {"learning_rate": rate(low=0.01, high=0.5, hard_low=1e-5, hard_high=1.0)}
        note = notes(box=box, made=[make_decision(verdict=verdict, reason="open: again")])[
            "open_range"
        ]
        assert note.severity == "info"
        assert "inside what was asked" in note.message
        assert note.advice == "more rounds would tell how far it has to grow"

    def test_each_open_end_has_its_own_words_and_numbers(self) -> None:
        now = rate(low=1e-6, high=1.0, hard_high=1.0)
        found = all_notes(
            box={"learning_rate": now}, made=[make_decision(verdict="open_both", reason="open")]
        )
        low, high = [n for n in found if n.code == "open_range"]
        assert low.message == "learning_rate is open at the bottom: its range ends at 1e-06"
        assert (low.numbers["side"], low.numbers["edge"]) == ("low", 1e-6)
        assert (
            low.advice == "search further out: space.learning_rate.low below 1e-06, or more rounds"
        )
        assert high.message == "learning_rate is open at the top: its range ends at 1"
        assert (high.numbers["side"], high.numbers["edge"]) == ("high", 1.0)
        assert high.advice.startswith("set space.learning_rate.hard_high above 1,")

    @pytest.mark.parametrize(
        ("name", "asked", "verdict", "natural"),
        [
            ("dropout", {"low": 0.0, "high": 0.5}, "open_low", True),
            ("dropout", {"low": 0.1, "high": 0.5}, "open_low", False),
            ("hidden_layers", {"low": 1, "high": 4}, "open_low", True),
            ("weight_decay", {"low": 1e-6, "high": 1e-2, "scale": "log"}, "open_low", False),
        ],
    )
    def test_nothing_is_advised_beyond_the_end_of_a_domain(
        self, name: str, asked: dict[str, Any], verdict: str, natural: bool
    ) -> None:
        box = resolve(space={name: asked}).box
        at_limit = {name: box[name].model_copy(update={"hard_low": asked["low"]})}
        made = [make_decision(name=name, verdict=verdict, reason="open at the bottom")]
        search = recommending(params={name: asked["low"]})
        note = notes(space={name: asked}, box=at_limit, made=made, search=search)["open_range"]
        assert note.severity == ("info" if natural else "warning")
        assert ("hard_low" in note.advice) is not natural
        kept = [make_decision(name=name, verdict="kept", reason="kept")]
        found = notes(space={name: asked}, box=at_limit, made=kept, search=search)
        assert ("best_at_edge" in found) is not natural

    @pytest.mark.parametrize(
        ("asked", "side", "natural"),
        [
            ({"low": 0.3, "high": 1.0}, "high", True),  # a share
            ({"low": 0.0, "high": 1.0}, "low", True),
            ({"low": 0.0, "high": 40.0}, "low", True),
            ({"low": 1, "high": 12, "integer": True}, "low", True),
            ({"low": 1, "high": 12, "integer": True, "scale": "log"}, "low", True),
            ({"low": 1e-3, "high": 1.0, "scale": "log"}, "high", False),  # a learning rate
            ({"low": -1.0, "high": 1.0}, "high", False),
            ({"low": 0.3, "high": 2.0}, "high", False),
            ({"low": 2, "high": 12, "integer": True}, "low", False),
        ],
    )
    def test_an_external_share_or_count_has_a_natural_end(
        self, asked: dict[str, Any], side: str, natural: bool
    ) -> None:
        resolved = external(space={"x": asked})
        now = resolved.box["x"]
        rounds = [make_round(1, rungs=[8], box=json_box({"x": now}))]
        made = [make_decision(name="x", verdict=f"open_{side}", reason="open")]
        records = health.SearchRecords(not_begun(), resolved, rounds, made)
        (note,) = health.notes(records)
        assert note.code == "open_range"
        assert (f"hard_{side}" in note.advice) is not natural

    def test_a_range_that_was_open_once_and_closed_later_is_no_finding(self) -> None:
        moved = json_of(rate(high=10.0))
        made = [make_decision(verdict="open_high", after=moved), make_decision(2, verdict="kept")]
        assert notes(made=made) == {}

    @pytest.mark.parametrize(
        ("low", "high", "best", "side"),
        [(1e-3, 1.0, 0.98, "high"), (1e-5, 0.1, 1.05e-5, "low"), (1e-3, 1.0, 0.5, None),
         (1e-3, 0.1, 0.099, None)],
    )  # fmt: skip
    def test_a_best_value_at_the_end_of_what_was_looked_at(
        self, low: float, high: float, best: float, side: str | None
    ) -> None:
        box = {"learning_rate": rate(low=low, high=high)}
        found = notes(box=box, search=recommending(params={"learning_rate": best}))
        assert set(found) == ({"best_at_edge"} if side else set())
        if side:
            assert f"space.learning_rate.{side}" in found["best_at_edge"].advice
            assert found["best_at_edge"].numbers["best"] == best

    def test_while_it_runs_the_best_trial_stands_for_the_recommendation(self) -> None:
        search = make_search(recommended=None, best_params={"learning_rate": 0.99})
        box = {"learning_rate": rate(low=1e-3)}
        assert "best_at_edge" in notes(search=search, box=box, final=())

    @pytest.mark.parametrize(("best", "outside"), [(0.3, False), (0.6, True), (0.005, True)])
    def test_a_recommendation_outside_the_range(self, best: float, outside: bool) -> None:
        found = notes(search=recommending(params={"learning_rate": best}))
        assert set(found) == ({"recommended_outside"} if outside else set())
        if outside:
            assert found["recommended_outside"].numbers["recommended"] == str(best)

    @pytest.mark.parametrize(
        ("fields", "kept", "severity", "says"),
        [({}, ("learning_rate",), "info", "not that a change pays"),
         ({"require": [{"metric": "accuracy", "at_least": 0.9}]}, (), "warning", "required"),
         ({}, (), "warning", "continue the search")],
    )  # fmt: skip
    def test_why_it_lies_there(
        self, fields: dict[str, Any], kept: tuple[str, ...], severity: str, says: str
    ) -> None:
        """A baseline's single values are kept inside the range; all of them wherever it lies."""
        search = recommending(params={"learning_rate": 0.6}, kept=kept)
        note = notes(search=search, **fields)["recommended_outside"]
        assert note.severity == severity
        assert says in note.advice

    def test_a_range_beyond_the_asked_one(self) -> None:
        note = notes(box={"learning_rate": rate(low=0.01, high=3.0)})["outside_asked"]
        assert note.severity == "info"
        assert note.numbers["asked_high"] == 1.0
        assert note.numbers["high"] == 3.0

    def test_choices_have_no_edges(self) -> None:
        space = {"activation": {"choices": ["relu", "tanh"]}}
        made = [make_decision(name="activation", verdict="narrowed")]
        search = make_search(best_params={"activation": "relu"}, recommended=None)
        found = notes(
            space=space, box={"activation": Choices(choices=("relu",))}, made=made, search=search,
            tried=[{"activation": "relu"}],
        )  # fmt: skip
        assert found == {}

    def test_divergence_names_the_frontier(self) -> None:
        boundary = DivergenceBoundary("learning_rate", 9, 23, 0.8, 0.9, 0.85)
        rounds = [
            make_round(1, diverged=9, completed=17, evidence=replace(CLEAN, boundary=boundary)),
            make_round(2, diverged=0, completed=26),
        ]
        note = notes(rounds=rounds)["divergence"]
        assert note.message.startswith("9 of 64 trials diverged, 28% of round 1")
        assert (note.numbers["worst_round"], note.numbers["share"]) == (1, 9 / 32)
        assert "above a learning rate of 0.85" in note.message
        assert note.numbers["edge"] == 0.85
        assert note.numbers["trials"] == 64
        assert "hard_high to 0.85" in note.advice

    def test_divergence_without_a_searched_learning_rate(self) -> None:
        note = notes(rounds=[make_round(1, diverged=20, completed=6, evidence=CLEAN)])["divergence"]
        assert "lower the learning rate" in note.advice

    def test_few_diverged_trials_are_no_finding(self) -> None:
        assert (
            notes(rounds=[make_round(1, rungs=[8], diverged=6, completed=20, evidence=CLEAN)]) == {}
        )
        assert (
            notes(rounds=[make_round(1, rungs=[8], planned=4, diverged=2, completed=2, stopped=0)])
            == {}
        )

    def test_trials_that_could_not_be_trained(self) -> None:
        note = notes(rounds=[make_round(1, failed=2, completed=20, evidence=CLEAN)])[
            "failed_trials"
        ]
        assert note.message == "2 of 32 trials could not be trained"
        assert "/trials?state=failed" in note.advice
