"""Requirements in the choice, and the cheapest of equals, without training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support.builders import caps, diverged, observe, resolve, search

from hpsearch.coordinator import Snapshot, decide, required
from hpsearch.coordinator.configurations import configurations
from hpsearch.coordinator.finalists import compare, contenders, recommend
from hpsearch.coordinator.required import MEETS, Standing
from hpsearch.space import Params
from hpsearch.spec import needs, parse
from hpsearch.trials import FinalPlan, Observation, Role, RoundKind
from hpsearch.workloads import NO_DATASET

UNITS = {"low": 4, "high": 256, "scale": "log"}
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "hidden_units": UNITS,
    "hidden_layers": {"low": 1, "high": 3},
}
MOST = [{"metric": "parameters", "at_most": 10_000}]
FAST = [{"metric": "latency", "at_most": 10}]


def truth(params: Params, epochs: int) -> float | None:
    """Best at a rate of 0.1, and the better the larger the network is."""
    size = math.log2(float(params["hidden_units"])) + float(params["hidden_layers"])  # type: ignore[arg-type]
    return (
        0.5
        + 0.02 * size
        - 0.05 * abs(math.log10(float(params["learning_rate"])) + 1)
        - 0.1 / epochs
    )  # type: ignore[arg-type]


def external(**fields: Any) -> Any:
    space = {"x": {"low": 0.0, "high": 1.0}}
    data = {"objective": "external", "space": space, "epochs": {"first": 1, "last": 1}, **fields}
    return parse(data, NO_DATASET, caps())


def seen(index: int, x: float, score: float, *, round: int = 1, **more: Any) -> Observation:
    return observe(index, {"x": x}, 0.0, epochs=1, round=round, score=score, **more)


@pytest.mark.parametrize("sampler", ["sobol", "random", "gp"])
def test_no_network_beyond_the_requirement_is_trained(sampler: str) -> None:
    resolved = resolve(space=SPACE, require=MOST, sampler=sampler)
    rounds, _, final = search(resolved, truth, noise=0.01)
    assert isinstance(final, FinalPlan)
    sizes = [resolved.workload.parameters(p) for r in (*rounds, final) for p in r.trials]
    assert max(sizes) <= 10_000
    assert max(sizes) > 6_000  # and the border is looked at: that is where the best ones are
    assert [len(r.trials) for r in rounds[:-1]] == [32] * (len(rounds) - 1)


def test_a_requirement_that_all_keep_changes_nothing() -> None:
    loose = [{"metric": "parameters", "at_most": 10**9}, {"metric": "accuracy", "at_least": 0}]
    plain, _, final = search(resolve(space=SPACE), truth, noise=0.01)
    asked, _, same = search(resolve(space=SPACE, require=loose), truth, noise=0.01)
    assert [r.trials for r in plain] == [r.trials for r in asked]
    assert isinstance(final, FinalPlan)
    assert isinstance(same, FinalPlan)
    assert final.recommended == same.recommended
    assert final.trials == same.trials


def test_where_draws_hardly_meet_it_the_round_is_filled_by_uniform_ones() -> None:
    resolved = resolve(space=SPACE, require=[{"metric": "parameters", "at_most": 2_000}])
    bad = {"learning_rate": 0.1, "hidden_units": 256, "hidden_layers": 3}

    def draw(count: int, attempt: int, kept: Any) -> list[Params]:
        return [bad] * count

    found = required.drawn(resolved, draw, 8, lambda: np.random.default_rng(0))
    assert len(found) == 8
    assert not any(needs.breaks(resolved, params) for params in found)


def test_those_that_meet_it_come_first_then_the_unknown_then_the_least_broken() -> None:
    resolved = external(require=[*FAST, {"metric": "size", "at_most": 5}])
    good = seen(0, 0.1, 0.5, metrics={"latency": 9.0, "size": 5.0})
    half = seen(1, 0.2, 0.8, metrics={"latency": 9.0})
    slow = seen(2, 0.3, 0.9, metrics={"latency": 11.0, "size": 5.0})
    both = seen(3, 0.4, 1.0, metrics={"latency": 11.0, "size": 6.0})
    standing = required.standing_of(resolved)
    found = [standing(c) for c in configurations([good, half, slow, both], None)]
    assert found == [MEETS, Standing(0, 1), Standing(1, 0), Standing(2, 0)]
    for there in ([good, half, slow, both], [half, slow, both], [slow, both], [both]):
        best = recommend(resolved.box, there[::-1], None, 1, standing=standing)
        assert best is not None
        assert best.best == there[0]


def test_a_requirement_goes_by_the_mean_of_full_trainings() -> None:
    resolved = external(require=FAST, epochs={"first": 1, "last": 2})
    short = observe(0, {"x": 0.1}, epochs=1, metrics={"latency": 1.0})
    full = [observe(k, {"x": 0.1}, round=2, metrics={"latency": v}) for k, v in ((1, 9), (2, 12))]
    standing = required.standing_of(resolved)
    assert standing(configurations([short], None)[0]) == Standing(0, 1)
    assert standing(configurations([short, full[0]], None)[0]) == MEETS
    assert standing(configurations([short, *full], None)[0]) == Standing(1, 0)  # 10.5
    lost = observe(3, {"x": 0.1}, round=3)
    assert standing(configurations([full[0], lost], None)[0]) == Standing(0, 1)


def test_one_outside_the_box_that_meets_it_comes_before_one_inside_that_does_not() -> None:
    resolved = external(require=FAST)
    inside = seen(0, 0.5, 0.9, metrics={"latency": 20.0})
    outside = seen(1, 0.9, 0.5, metrics={"latency": 5.0})
    box = {"x": resolved.box["x"].moved(0.4, 0.6)}
    standing = required.standing_of(resolved)
    found = recommend(box, [inside, outside], None, 1, standing=standing)
    assert found is not None
    assert found.best == outside
    plain = recommend(box, [inside, outside], None, 1)
    assert plain is not None
    assert plain.best == inside


def test_where_no_finalist_meets_it_another_one_does() -> None:
    resolved = external(require=FAST)
    other = seen(0, 0.1, 0.5, metrics={"latency": 5.0})
    finalists = [seen(k, 0.5, 0.9, round=2, metrics={"latency": 20.0}) for k in (1, 2)]
    found = recommend(
        resolved.box, [other, *finalists], None, 1, repeats=frozenset({2}),
        standing=required.standing_of(resolved),
    )  # fmt: skip
    assert found is not None
    assert found.best == other


def test_one_that_breaks_more_is_no_contender() -> None:
    resolved = external(require=FAST)
    good = [seen(k, 0.1 * k, 0.5, metrics={"latency": 5.0}) for k in (1, 2)]
    slow = seen(3, 0.9, 0.9, metrics={"latency": 20.0})
    standing = required.standing_of(resolved)
    found = contenders(resolved.box, [*good, slow], None, 8, standing)
    assert [c.params["x"] for c in found] == [0.1, 0.2]


def race(costs: tuple[float, ...], scores: tuple[tuple[float, ...], ...]) -> list[Observation]:
    """Configurations at 0.0, 0.1, ..., each with its trainings and its cost."""
    return [
        seen(10 * k + i, 0.1 * k, score, round=2, cost=cost)
        for k, (cost, each) in enumerate(zip(costs, scores, strict=True))
        for i, score in enumerate(each)
    ]


@pytest.mark.parametrize(
    ("costs", "scores", "chosen", "instead"),
    [
        ((9, 5), ((0.90, 0.92), (0.89, 0.92)), 0.1, 9),  # as good, and cheaper
        ((9, 5), ((0.90, 0.91), (0.10, 0.11)), 0.0, None),  # surely worse
        ((9, 9), ((0.90, 0.92), (0.89, 0.92)), 0.0, None),  # not cheaper
        ((9, 5), ((0.90, 0.92), (0.89,)), 0.0, None),  # nothing to compare with
        ((9, 5, 4), ((0.90, 0.92), (0.89, 0.92), (0.88, 0.93)), 0.2, 9),  # the cheapest of all
    ],
)
def test_the_cheapest_of_those_that_cannot_be_told_from_the_best(
    costs: Any, scores: Any, chosen: float, instead: float | None
) -> None:
    resolved = external(cheapest="cost")
    there = race(costs, scores)
    repeats = frozenset({2})
    best = recommend(resolved.box, there, None, 1, repeats=repeats)
    assert best is not None
    assert best.best.params["x"] == 0.0
    rivals = compare(best, there, None, 1, {}, repeats=repeats)
    found = required.cheapest(resolved, best, rivals, configurations(there, None))
    assert found.best.params["x"] == pytest.approx(chosen)
    assert found.cheaper == instead
    assert found.trainings == len(scores[round(chosen * 10)])


def test_a_cheaper_one_that_breaks_a_requirement_is_not_taken() -> None:
    resolved = external(cheapest="cost", require=[{"metric": "score", "at_least": 0.906}])
    there = race((9, 5), ((0.90, 0.92), (0.89, 0.92)))
    standing = required.standing_of(resolved)
    best = recommend(resolved.box, there, None, 1, repeats=frozenset({2}), standing=standing)
    assert best is not None
    rivals = compare(best, there, None, 1, {}, repeats=frozenset({2}))
    assert required.cheapest(resolved, best, rivals, configurations(there, None)) == best


def test_a_cost_that_was_not_reported_decides_nothing() -> None:
    resolved = external(cheapest="cost")
    there = [*race((9,), ((0.90, 0.92),)), *(seen(20 + k, 0.5, 0.9, round=2) for k in (0, 1))]
    best = recommend(resolved.box, there, None, 1, repeats=frozenset({2}))
    assert best is not None
    rivals = compare(best, there, None, 1, {}, repeats=frozenset({2}))
    assert required.cheapest(resolved, best, rivals, configurations(there, None)) == best


def test_values_of_a_baseline_are_kept_only_where_what_is_required_stays() -> None:
    """The size makes no difference here, and that of the baseline is too large."""

    def flat(params: Params, epochs: int) -> float | None:
        rate = float(params["learning_rate"])  # type: ignore[arg-type]
        return 0.9 - 0.05 * abs(math.log10(rate) + 1) - 0.1 / epochs

    base = {"learning_rate": 0.001, "hidden_units": 200, "hidden_layers": 1}
    space = {"learning_rate": SPACE["learning_rate"], "hidden_units": UNITS}
    space |= {"hidden_layers": SPACE["hidden_layers"]}
    resolved = resolve(space=space, require=MOST, baseline=base, final={"models": 2})
    rounds, _, final = search(resolved, flat, noise=0.01)
    assert isinstance(final, FinalPlan)
    assert not needs.breaks(resolved, final.recommended.best.params)
    assert base in rounds[-1].trials  # it is compared all the same
    assert final.roles.count(Role.BASELINE) == 2


def test_no_mixture_that_nobody_measured_takes_the_place_of_what_was_measured() -> None:
    """All scores are equal, so nothing objects to the baseline's values."""
    space = {"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}}
    asked = [{"metric": "latency", "at_most": 9}, {"metric": "score", "at_least": 1}]
    base = {"x": 0.5, "y": 2.0}  # of which x alone lies inside
    cases = (({}, True), ({"require": asked}, False), ({"cheapest": "cost"}, False))
    for fields, kept in cases:
        resolved = external(space=space, baseline=base, rounds=1, **fields)
        there = [
            observe(
                i,
                {"x": i / 8, "y": i / 8},
                0.0,
                epochs=1,
                score=0.5,
                metrics={"latency": 6.0},
                cost=3.0,
            )
            for i in range(8)
            if i != 4
        ]
        now = Snapshot(resolved, resolved.box, there, kinds=[RoundKind.EXPLORE], baseline=base)
        final = decide(now, job_size=8)
        assert isinstance(final, FinalPlan)
        trained = [o.params for o in there]
        assert (final.recommended.best.params not in trained) == kept


def test_a_search_whose_trials_all_diverge_has_nothing_to_recommend() -> None:
    resolved = external(require=FAST)
    gone = [diverged(0, {"x": 0.5})]
    assert recommend(resolved.box, gone, None, 1, standing=required.standing_of(resolved)) is None


def test_what_becomes_active_by_a_kept_value_lies_in_the_best_range() -> None:
    """Nothing objects to kind b; the baseline's y, which belongs to it, lies outside of what is searched."""
    space = {
        "kind": {"choices": ["a", "b"]},
        "x": {"low": 0.0, "high": 1.0},
        "y": {"low": 0.0, "high": 1.0, "when": {"kind": ["b"]}},
    }
    for y, kept in ((0.5, True), (2.0, False)):
        base = {"kind": "b", "x": 0.5, "y": y}
        resolved = external(space=space, baseline=base, rounds=1)
        there = [observe(i, {"kind": "a", "x": i / 8}, 0.0, epochs=1, score=0.5) for i in range(8)]
        now = Snapshot(resolved, resolved.box, there, kinds=[RoundKind.EXPLORE], baseline=base)
        final = decide(now, job_size=8)
        assert isinstance(final, FinalPlan)
        assert (final.recommended.best.params["kind"] == "b") == kept
