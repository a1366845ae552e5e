"""Levels are tried with memory: least tried first over all rounds, and none of a default plan is left out."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.builders import FACTS, asked, caps, observe, resolve, search

from hpsearch.coordinator import Situation, Snapshot, decide
from hpsearch.coordinator.stopping import end_of_exploring
from hpsearch.evidence import Evidence
from hpsearch.reasons.course import GainSpent
from hpsearch.report import plan
from hpsearch.samplers import SAMPLERS
from hpsearch.samplers.levels import shares, times_tried, untried_levels
from hpsearch.space import Choices, Params, Range
from hpsearch.spec import ResolvedSpec, parse
from hpsearch.surrogate import fitted
from hpsearch.trials import FinalPlan, RoundKind, RoundPlan, TrialState

RATE = {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}}
OPTIMIZERS = {"optimizer": ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]}
LEVELS: Mapping[str, Sequence[Any]] = {
    **OPTIMIZERS,
    "dropout": [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5],
    "weight_decay": [0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1],
    "hidden_sizes": [[], [2], [4], [8], [16], [8, 4], [16, 8], [32]],
    "batch_size": [2, 4, 8, 16, 32, 64, 128, 256],
}
counts = st.dictionaries(st.sampled_from(sorted(LEVELS)), st.integers(2, 8), min_size=1, max_size=4)


def choices(numbers: Mapping[str, int]) -> dict[str, Any]:
    return {name: {"choices": LEVELS[name][:n]} for name, n in numbers.items()}


def worth(params: Params, space: Mapping[str, Any]) -> float:
    """The first level of each choice is best, the last one hopeless; the rate has a hill."""
    score = 0.95
    for name, value in params.items():
        if name == "learning_rate":
            score -= 0.02 * (np.log10(float(value)) + 1.5) ** 2  # type: ignore[arg-type]
        else:
            levels = list(space[name].choices)
            score -= 0.3 * levels.index(value) / len(levels)
    return max(score, 0.05)


def tried(trials: Sequence[Params], space: Mapping[str, Any]) -> dict[str, set[Any]]:
    names = [name for name, d in space.items() if isinstance(d, Choices)]
    return {name: {params[name] for params in trials if name in params} for name in names}


def explored(resolved: ResolvedSpec) -> list[Params]:
    """The trials of all exploring rounds of a search without training."""
    space = resolved.space.dimensions
    rounds, _, end = search(resolved, lambda p, _: worth(p, space), noise=0.01)
    assert isinstance(end, FinalPlan)
    return [p for r in rounds if r.kind is RoundKind.EXPLORE for p in r.trials]


@settings(max_examples=8)
@given(numbers=counts, seed=st.integers(0, 2**32), sampler=st.sampled_from(["sobol", "gp"]))
@example({"hidden_sizes": 8}, 0, "gp")
@example({"batch_size": 8, "hidden_sizes": 8, "optimizer": 7}, 1, "sobol")
def test_a_default_plan_leaves_no_level_untried(numbers, seed, sampler):
    space = {**RATE, **choices(numbers)}
    document = {"dataset": "digits", "space": space, "seed": seed, "sampler": sampler}
    resolved = parse(document, FACTS, caps())
    assert plan.view_of(resolved, document, {}).notes == []
    # The last levels are those of which the least is expected.
    got = tried(first_rounds(resolved, 5), resolved.space.dimensions)
    assert got == {
        name: set(resolved.space.dimensions[name].choices)  # type: ignore[union-attr]
        for name in numbers
    }


def first_rounds(resolved: ResolvedSpec, most: int) -> list[Params]:
    """The trials of the first rounds, in which the plan has to try every level."""
    space, rng = resolved.space.dimensions, np.random.default_rng(resolved.spec.seed)
    seen: list[Any] = []
    box, kinds, trials = resolved.box, [], []
    for number in range(1, most + 1):
        made = decide(Snapshot(resolved, box, tuple(seen), kinds=tuple(kinds)), job_size=32)
        if not isinstance(made, RoundPlan):
            break  # nothing is left to gain, and so no level is untried
        box = made.box
        kinds.append(made.kind)
        trials += made.trials
        seen += [
            observe(i, p, worth(p, space) + 0.005 * rng.standard_normal(), round=number,
                    epochs=resolved.spec.epochs.last)
            for i, p in enumerate(made.trials)
        ]  # fmt: skip
    return trials


def test_a_plan_by_hand_leaves_no_optimizer_untried():
    space = {**RATE, **choices({"optimizer": 7, "hidden_sizes": 8})}
    for seed in range(3):
        resolved = resolve(space=space, seed=seed, stop_early=False)
        trials = explored(resolved)
        got = tried(trials, resolved.space.dimensions)
        assert [len(got[name]) for name in ("optimizer", "hidden_sizes")] == [7, 8]


@given(
    before=st.lists(st.integers(0, 50), min_size=1, max_size=12), n=st.integers(1, 100),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_a_round_is_dealt_evenly_and_the_least_tried_come_first(before, n, seed):
    counts = np.array(before)
    dealt = shares(counts, n, np.random.default_rng(seed))
    assert dealt.sum() == n
    assert dealt.max() - dealt.min() <= 1
    more, less = counts[dealt > dealt.min()], counts[dealt == dealt.min()]
    if dealt.max() > dealt.min():
        assert more.max() <= less.min()


@pytest.mark.parametrize("sampler", ["sobol", "random"])
@settings(max_examples=20)
@given(levels=st.integers(2, 8), n=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_small_rounds_try_all_levels_before_any_twice(sampler, levels, n, seed):
    resolved = resolve(space={**RATE, **choices({"dropout": levels, "weight_decay": levels})})
    rng, seen = np.random.default_rng(seed), []
    for number in itertools.count(1):
        drawn = SAMPLERS[sampler].propose(resolved.space, resolved.box, seen, None, n, rng)
        for name in ("dropout", "weight_decay"):
            times = Counter(o.params[name] for o in seen)
            if number <= levels // n:
                assert not any(times[p[name]] for p in drawn)
        seen += [observe(i, p, round=number) for i, p in enumerate(drawn)]
        if number * n >= levels:
            break
    for name in ("dropout", "weight_decay"):
        assert len({o.params[name] for o in seen}) == levels


def test_whole_numbers_and_grids_of_shapes_are_dealt_too():
    space = {**RATE, "hidden_units": {"low": 4, "high": 64, "scale": "log"}}
    resolved = resolve(space=space)
    rng, seen = np.random.default_rng(5), []
    for number in range(1, 6):
        drawn = SAMPLERS["sobol"].propose(resolved.space, resolved.box, seen, None, 8, rng)
        seen += [observe(i, p, round=number) for i, p in enumerate(drawn)]
    assert {o.params["hidden_units"] for o in seen} == {4, 8, 16, 32, 64}


def test_a_value_between_two_of_a_grid_counts_for_the_nearer_one():
    seen = [observe(i, {"x": v}) for i, v in enumerate([8, 9, 15, 64, 200])]
    assert list(times_tried("x", Range(low=8, high=64, scale="log", integer=True), seen)) == [
        2, 1, 0, 1,
    ]  # fmt: skip


def test_levels_that_fail_have_had_their_turn():
    resolved = resolve(space={**RATE, **choices({"dropout": 4})}, trials_per_round=3)
    failed = observe(0, {"learning_rate": 0.1, "dropout": 0.15}, state=TrialState.FAILED)
    seen = [observe(i, {"learning_rate": 0.1, "dropout": 0.0}) for i in range(3)]
    now = Snapshot(
        resolved, resolved.box, seen, failed=1, failures=[failed], kinds=[RoundKind.EXPLORE]
    )
    drawn = decide(now, job_size=8)
    assert isinstance(drawn, RoundPlan)
    assert {p["dropout"] for p in drawn.trials} >= {0.05, 0.1}
    assert untried_levels(resolved.space, resolved.box, [*seen, failed]) == {"dropout": [0.05, 0.1]}


def test_nothing_is_settled_while_a_level_is_untried():
    resolved = resolve(space={**RATE, **choices({"dropout": 3})}, rounds=8)
    seen = [observe(i, {"learning_rate": 0.1, "dropout": 0.05 * (i % 2)}) for i in range(8)]
    evidence = Evidence(boundary=None, expected_gain=0.0, noise_sd=1.0)

    def end(*more):
        now = Snapshot(resolved, resolved.box, [*seen, *more], kinds=[RoundKind.EXPLORE] * 4)
        return end_of_exploring(Situation(now, resolved.box, evidence=evidence))

    assert end() is None
    assert isinstance(end(observe(8, {"learning_rate": 0.1, "dropout": 0.1})), GainSpent)


class TestGp:
    def model(self, numbers, *, skip=None, count=40, seed=0):
        resolved = resolve(space={**RATE, **choices(numbers)})
        space = resolved.space.dimensions
        rng = np.random.default_rng(seed)
        drawn = SAMPLERS["random"].propose(resolved.space, resolved.box, (), None, count, rng)
        seen = [
            observe(i, p, worth(p, space) + 0.01 * rng.standard_normal())
            for i, p in enumerate(drawn) if skip is None or p[skip[0]] not in skip[1]
        ]  # fmt: skip
        return resolved, seen, fitted(resolved.space, seen, epochs=2)

    @settings(max_examples=8)
    @given(n=st.integers(1, 8), seed=st.integers(0, 2**32))
    def test_levels_that_nobody_has_tried_go_first(self, n, seed):
        missing = (0.2, 0.3, 0.4)
        resolved, seen, model = self.model(
            {"dropout": 7, "weight_decay": 3}, skip=("dropout", missing)
        )
        rng = np.random.default_rng(seed)
        drawn = SAMPLERS["gp"].propose(resolved.space, resolved.box, seen, model, n, rng)
        assert len({p["dropout"] for p in drawn[:3]} & set(missing)) == min(n, 3)

    def test_a_level_that_is_clearly_worse_gets_fewer_trials(self):
        times = Counter()
        for seed in range(4):
            resolved, seen, model = self.model({"dropout": 4}, count=48, seed=seed)
            rng = np.random.default_rng(seed)
            drawn = SAMPLERS["gp"].propose(resolved.space, resolved.box, seen, model, 16, rng)
            times += Counter(p["dropout"] for p in drawn)
        best, *_, worst = (times[level] for level in LEVELS["dropout"][:4])
        assert worst <= 4
        assert best >= 32

    def test_the_best_levels_of_several_choices_are_put_together(self):
        """Of 8 x 8 x 7 combinations few have been seen, and hardly the best one."""
        numbers = {"dropout": 8, "weight_decay": 8, "optimizer": 7}
        hits = 0
        for seed in range(4):
            resolved, seen, model = self.model(numbers, count=64, seed=seed)
            rng = np.random.default_rng(seed)
            drawn = SAMPLERS["gp"].propose(resolved.space, resolved.box, seen, model, 8, rng)
            hits += sum(all(p[name] in LEVELS[name][:2] for name in numbers) for p in drawn)
        assert hits >= 16


class TestNotes:
    """A plan that cannot be sure to try every level says so, and no other."""

    def notes(self, **fields: Any) -> list[str]:
        document = asked(**fields)
        return plan.view_of(parse(document, FACTS, caps()), document, {}).notes

    def test_shapes_are_counted_by_groups(self):
        shapes = choices({"hidden_sizes": 8})
        (few,) = self.notes(space={**RATE, **shapes}, rounds=2, trials_per_round=16)
        assert few.startswith(
            "hidden_sizes has 8 levels, and this plan can try 3 of them at the most:"
        )
        assert self.notes(space={**RATE, **shapes}, rounds=4, trials_per_round=32) == []

    @pytest.mark.parametrize("sampler", ["sobol", "gp"])
    @pytest.mark.parametrize(("rounds", "trials"), [(2, 6), (2, 20)])
    def test_what_is_said_is_what_comes(self, sampler, rounds, trials):
        made = {
            "rounds": rounds, "trials_per_round": trials, "sampler": sampler,
            "finalists": {"rounds": 0}, "stop_early": False,
        }  # fmt: skip
        levels = [round(0.01 * k, 2) for k in range(60)]
        space = {**RATE, "dropout": {"choices": levels}}
        (note,) = self.notes(space=space, **made)
        most = int(note.split("can try ")[1].split()[0])
        got = tried(explored(resolve(space=space, **made)), resolve(space=space).space.dimensions)
        assert most <= len(got["dropout"]) <= rounds * trials
        enough = {**RATE, "dropout": {"choices": levels[:most]}}
        assert self.notes(space=enough, **made) == []
        every = tried(
            explored(resolve(space=enough, **made)), resolve(space=enough).space.dimensions
        )
        assert len(every["dropout"]) == most

    def test_what_is_tried_first_takes_trials_of_what_is_drawn(self):
        space = {**RATE, "dropout": {"choices": [0.0, 0.1, 0.2, 0.3]}}
        one = [{"learning_rate": 10.0**-k, "dropout": 0.0} for k in (1, 2)]
        made = {"space": space, "rounds": 1, "trials_per_round": 4, "sampler": "sobol"}
        (note,) = self.notes(**made, try_first=one)
        assert "dropout has 4 levels, and this plan can try 3 of them" in note
        several = [one[0], {"learning_rate": 0.1, "dropout": 0.3}]
        assert self.notes(**made, try_first=several) == []


@pytest.mark.parametrize("seed", range(4))
def test_levels_that_are_tried_first_have_had_their_turn(seed):
    levels = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    space = {**RATE, "dropout": {"choices": levels}}
    first = [{"learning_rate": 0.1, "dropout": level} for level in levels[::2]]
    resolved = resolve(
        space=space, rounds=1, trials_per_round=8, sampler="sobol", try_first=first, seed=seed
    )
    assert sorted(params["dropout"] for params in explored(resolved)) == levels
