"""Requirements and costs in the result, from records."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from scipy import stats
from support.builders import caps, resolve

from hpsearch.evidence import Evidence, FinalScores, MetricScore
from hpsearch.records import Recommended, RoundRecord, SearchRecord, TrialRecord
from hpsearch.report import need_words
from hpsearch.report.health import SearchRecords
from hpsearch.report.health.needs import requirements
from hpsearch.report.needs import cheapest_view, requirement_views
from hpsearch.report.statement.about_search import parameters
from hpsearch.spec import parse
from hpsearch.trials import Role, RoundKind, SearchState, TrialState
from hpsearch.workloads import NO_DATASET

BEST = {"x": 0.5}


def trial(index: int, x: float, score: float, **more: Any) -> TrialRecord:
    return TrialRecord("s", 1, index, {"x": x}, TrialState.COMPLETED, epochs=1, score=score, **more)


def external(*full: TrialRecord, cheaper: float | None = None, **fields: Any) -> SearchRecords:
    """A completed search of x whose recommendation is 0.5; `full` in the order of training."""
    data = {
        "objective": "external", "space": {"x": {"low": 0.0, "high": 1.0}},
        "epochs": {"first": 1, "last": 1}, **fields,
    }  # fmt: skip
    resolved = parse(data, NO_DATASET, caps())
    chosen = Recommended(1, 0, BEST, 0, 0, 0.9, 0.01, 2, cheaper=cheaper)
    search = SearchRecord(
        "s", "o", "", SearchState.COMPLETED, resolved.spec.to_json(), {}, recommended=chosen
    )
    return SearchRecords(search, resolved, [], [], full=full[::-1])


def latencies(*values: float, at_most: float) -> SearchRecords:
    full = [trial(i, 0.5, 0.9, metrics={"latency": v}) for i, v in enumerate(values)]
    return external(*full, require=[{"metric": "latency", "at_most": at_most}])


def test_reports_have_a_t_interval_and_its_probability() -> None:
    values = (8.0, 9.0, 10.5)
    (found,) = requirement_views(latencies(*values, at_most=10))
    expected = stats.ttest_1samp(values, 10, alternative="less")
    interval = stats.ttest_1samp(values, 10).confidence_interval(0.95)
    assert found.met
    assert found.value == found.chosen_by == pytest.approx(9.1666667)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.probability == pytest.approx(1 - expected.pvalue)
    assert "the trainer's word" in (found.note or "")


@pytest.mark.parametrize(
    ("values", "words"),
    [((9.0,), "one training alone"), ((9.0, 9.0), "2 trainings reported the same")],
)
def test_without_a_spread_there_is_no_probability(values: Any, words: str) -> None:
    (found,) = requirement_views(latencies(*values, at_most=10))
    assert (found.met, found.value, found.probability, found.low) == (True, 9.0, None, None)
    assert words in (found.note or "")


def test_what_a_training_did_not_report_is_not_known() -> None:
    full = [trial(0, 0.5, 0.9, metrics={"latency": 9.0}), trial(1, 0.5, 0.9)]
    records = external(*full, require=[{"metric": "latency", "at_most": 10}])
    (found,) = requirement_views(records)
    assert (found.met, found.chosen_by, found.probability) == (None, None, None)
    (note,) = requirements(records)
    assert note.code == "requirement_not_met"
    assert "not measured in full trainings" in note.message


def test_a_broken_requirement_is_said_plainly() -> None:
    (note,) = requirements(latencies(11.0, 12.0, at_most=10))
    assert (note.code, note.severity) == ("requirement_not_met", "warning")
    assert "does not keep latency at most 10: it has 11.5" in note.message
    (doubt,) = requirements(latencies(8.0, 9.0, 11.0, at_most=10))
    assert (doubt.code, doubt.severity) == ("requirement_not_sure", "info")
    assert list(requirements(latencies(1.0, 1.1, 1.2, at_most=10))) == []


@pytest.mark.parametrize("minimised", [False, True])
def test_scores_and_costs_as_reported(minimised: bool) -> None:
    sign = -1 if minimised else 1
    full = [trial(i, 0.5, sign * v, cost=3.0 + i) for i, v in enumerate((0.4, 0.6))]
    bound = {"at_most": 0.7} if minimised else {"at_least": 0.45}
    asked = [{"metric": "score", **bound}, {"metric": "cost", "at_most": 3.2}]
    direction = {"direction": "minimize"} if minimised else {}
    score, cost = requirement_views(external(*full, require=asked, **direction))
    assert (score.value, score.met) == (0.5, True)
    assert (cost.value, cost.met) == (3.5, False)


def test_the_best_score_by_cost_rises_with_it() -> None:
    full = [
        trial(0, 0.1, 0.5, cost=2.0),
        trial(1, 0.2, 0.6, cost=1.0),
        trial(2, 0.3, 0.7, cost=4.0),
        trial(3, 0.3, 0.9, cost=6.0),  # the same setting again: 0.8 for 5
        trial(4, 0.4, 0.8, cost=7.0),
        trial(5, 0.5, 0.9, cost=8.0),
        trial(6, 0.6, 0.95),  # of unknown cost
    ]
    found = cheapest_view(external(*full, cheapest="cost", cheaper=9.0))
    assert found is not None
    assert [(p.cost, p.score, p.trial) for p in found.curve] == [
        (1.0, 0.6, "1-1"), (5.0, pytest.approx(0.8), "1-2"), (8.0, 0.9, "1-5"),
    ]  # fmt: skip
    assert (found.cost, found.instead_of) == (8.0, 9.0)
    assert cheapest_view(external(*full)) is None


def test_what_breaks_a_requirement_is_not_on_the_curve() -> None:
    full = [
        trial(0, 0.1, 0.99, cost=1.0, metrics={"latency": 20.0}),
        trial(1, 0.5, 0.9, cost=2.0, metrics={"latency": 5.0}),
    ]
    asked = [{"metric": "latency", "at_most": 10}]
    found = cheapest_view(external(*full, cheapest="cost", require=asked))
    assert found is not None
    assert [p.trial for p in found.curve] == ["1-1"]


def of_digits(bound: dict[str, float], score: MetricScore) -> Any:
    """The requirement of a search on digits whose recommended model has that macro F1 on the test part."""
    asked = [{"metric": "macro_f1", **bound}, {"metric": "parameters", "at_most": 4000}]
    resolved = resolve(require=asked)
    params = {"learning_rate": 0.1}
    search = SearchRecord(
        "s", "o", "", SearchState.COMPLETED, resolved.spec.to_json(), {},
        recommended=Recommended(1, 0, params, 9, 10, 0.9, 0.01, 1),
    )  # fmt: skip
    full = [
        TrialRecord("s", 1, 0, params, TrialState.COMPLETED, epochs=8, correct=9, examples=10,
                    score=0.9, metrics={"macro_f1": 0.88})
    ]  # fmt: skip
    test = Evidence(test=FinalScores({"macro_f1": score}, (0.9,)))
    last = RoundRecord("s", 2, RoundKind.FINAL, 8, {}, 1, evidence=test)
    return requirement_views(SearchRecords(search, resolved, [last], [], full=full))


def test_a_metric_has_the_interval_of_the_sealed_part() -> None:
    found, exact = of_digits({"at_least": 0.8}, MetricScore(0.85, (0.79, 0.90)))
    assert (found.chosen_by, found.value, found.low, found.high) == (0.88, 0.85, 0.79, 0.90)
    assert found.met
    assert found.probability == pytest.approx(stats.norm.cdf(1.959964 * 0.05 / 0.06), abs=1e-6)
    above, _ = of_digits({"at_most": 0.8}, MetricScore(0.85, (0.79, 0.90)))
    assert not above.met
    assert above.probability == pytest.approx(1 - found.probability)
    beyond, _ = of_digits({"at_least": 0.88}, MetricScore(0.85, (0.79, 0.90)))
    assert beyond.probability == pytest.approx(stats.norm.cdf(-1.959964 * 0.03 / 0.05), abs=1e-6)
    assert (exact.known, exact.value, exact.met, exact.probability) == (True, 3760, True, 1.0)


def test_without_an_interval_there_is_no_probability() -> None:
    found, _ = of_digits({"at_least": 0.8}, MetricScore(0.85, None))
    assert (found.met, found.value, found.probability) == (True, 0.85, None)


def test_no_probability_of_what_was_measured_is_certain() -> None:
    assert need_words.percent(1.0) == "more than 99.9 %"
    assert need_words.percent(0.0) == "less than 0.1 %"
    assert need_words.percent(0.5) == "50.0 %"


def test_the_statement_counts_the_parameters_of_all_networks_that_answer() -> None:
    resolved = resolve(space={"hidden_units": {"low": 4, "high": 64}}, final={"networks": 3})
    roles = [(Role.RECOMMENDED, TrialState.COMPLETED), (Role.DRAWN, TrialState.COMPLETED),
             (Role.NETWORK, TrialState.COMPLETED), (Role.NETWORK, TrialState.DIVERGED)]  # fmt: skip
    models = [TrialRecord("s", 5, i, {}, state, role=role) for i, (role, state) in enumerate(roles)]
    facts: Any = SimpleNamespace(
        resolved=resolved, records=SimpleNamespace(models=models),
        result=SimpleNamespace(recommended=SimpleNamespace(params={"hidden_units": 10})),
    )  # fmt: skip
    said = "1520 parameters in the recommended model: 2 networks of 760 each."
    assert parameters(facts) == said
    facts.records.models = models[:2]
    assert parameters(facts) == "760 parameters in the recommended model."
