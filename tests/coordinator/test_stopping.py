"""When a search stops: budgets of epochs and seconds, evidence, and what it says then."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.builders import diverged, observe, resolve, search

from hpsearch.coordinator import Snapshot, decide
from hpsearch.coordinator.evidence import divergence_boundary
from hpsearch.reasons import words
from hpsearch.trials import FinalPlan, RoundKind, RoundPlan

SPACE = {"learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}}


def hill(params, epochs):
    return 0.9 - 0.02 * (math.log10(params["learning_rate"]) + 2) ** 2 - 0.2 / epochs


@given(budget=st.integers(8, 1200), trials=st.integers(1, 40), halving=st.booleans())
@hypothesis_settings(max_examples=25, deadline=None)
def test_a_budget_of_epochs_is_never_exceeded(budget, trials, halving):
    epochs = {"first": 2, "last": 8, "budget": budget, "halving": halving}
    resolved = resolve(space=SPACE, trials_per_round=trials, epochs=epochs, stop_early=False)
    rounds, seen, final = search(resolved, hill)
    spent = sum(o.epochs for o in seen)
    assert spent <= budget
    assert isinstance(final, FinalPlan)
    if budget < resolve(space=SPACE, trials_per_round=trials,
                        epochs={**epochs, "budget": None}).epochs_planned:  # fmt: skip
        assert len(rounds) <= 4


def test_what_was_planned_is_what_was_spent():
    for halving in (True, False):
        resolved = resolve(
            space=SPACE, stop_early=False, epochs={"first": 2, "last": 8, "halving": halving}
        )
        rounds, seen, _ = search(resolved, hill, noise=0.01)
        assert [r.kind for r in rounds] == [RoundKind.EXPLORE] * 3 + [RoundKind.REPEAT]
        assert sum(o.epochs for o in seen) == resolved.epochs_planned
        assert len(seen) == resolved.trials_planned


def test_the_budget_is_said_to_be_spent():
    resolved = resolve(space=SPACE, epochs={"first": 2, "last": 8, "budget": 300})
    _, _, final = search(resolved, hill, noise=0.01)
    assert words(final.reason) == "the budget of 300 epochs is spent"


def test_nothing_left_to_gain_ends_the_search_early():
    flat = resolve(space=SPACE, rounds=12, trials_per_round=16)
    rounds, _, final = search(flat, lambda *_: 0.7, noise=0.01)
    assert len(rounds) < 12
    assert "expected improvement left" in words(final.reason)


def test_all_rounds_when_they_are_asked_for():
    resolved = resolve(space=SPACE, rounds=8, trials_per_round=16, stop_early=False)
    rounds, _, final = search(resolved, lambda *_: 0.7, noise=0.01)
    assert len(rounds) == 8
    assert words(final.reason) == "all 8 rounds are done"


def snapshot_after(resolved, rounds, seen, **more):
    return Snapshot(
        resolved, rounds[-1].box, [o for o in seen if o.round <= len(rounds)],
        kinds=[r.kind for r in rounds], **more,
    )  # fmt: skip


def test_no_round_is_begun_that_would_end_too_late():
    resolved = resolve(space=SPACE, rounds=8, max_seconds=100.0, stop_early=False)
    unhurried = replace(resolved, spec=resolved.spec.model_copy(update={"max_seconds": None}))
    rounds, seen, _ = search(unhurried, hill, noise=0.01)
    early = decide(snapshot_after(resolved, rounds[:2], seen, seconds=1.0), job_size=8)
    assert isinstance(early, RoundPlan)
    assert early.kind is RoundKind.EXPLORE
    assert early.evidence.seconds == 1.0
    # Another look would leave no time for the race, and at last there is none for that either.
    race = decide(snapshot_after(resolved, rounds[:2], seen, seconds=48.0), job_size=8)
    assert race.kind is RoundKind.REPEAT
    assert "48 s of 100 s have passed" in words(race.reason)
    late = decide(snapshot_after(resolved, rounds[:2], seen, seconds=99.0), job_size=8)
    assert isinstance(late, FinalPlan)
    assert "99 s of 100 s have passed" in words(late.reason)


def test_edited_ranges_are_looked_at_while_a_round_is_left():
    resolved = resolve(space=SPACE, rounds=6, trials_per_round=12, stop_early=False)
    rounds, seen, _ = search(resolved, hill, noise=0.01)
    assert [r.kind for r in rounds[-2:]] == [RoundKind.REPEAT] * 2
    raced = snapshot_after(resolved, rounds[:5], seen, moved=True)
    assert decide(raced, job_size=8).kind is RoundKind.EXPLORE
    assert decide(replace(raced, moved=False), job_size=8).kind is RoundKind.REPEAT
    over = snapshot_after(resolved, rounds, seen, moved=True)
    assert isinstance(decide(over, job_size=8), FinalPlan)


def test_finalists_of_another_length_are_not_compared():
    resolved = resolve(space=SPACE, rounds=4, stop_early=False)
    rounds, seen, _ = search(resolved, hill, noise=0.01)
    right = {(o.round, o.index): bytes(125) for o in seen if o.round == len(rounds)}
    longer = replace(
        resolved,
        spec=resolved.spec.model_copy(
            update={"epochs": resolved.spec.epochs.model_copy(update={"last": 16})}
        ),
    )
    now = snapshot_after(longer, rounds, seen, correct_masks=right)
    assert decide(now, job_size=8).evidence.finalists == []
    now = snapshot_after(resolved, rounds, seen, correct_masks=right)
    found = decide(now, job_size=8).evidence.finalists
    assert found
    assert all(math.isfinite(f.mean) for f in found)


def test_rounds_without_anything_to_repeat_are_not_said_to_be_done():
    resolved = resolve(space=SPACE, rounds=3, trials_per_round=1, stop_early=False)
    rounds, _, final = search(resolved, hill, noise=0.01)
    assert len(rounds) < 3
    assert "2 of 3 rounds, and there is nothing to repeat" in words(final.reason)


@pytest.mark.parametrize(("sampler", "most"), [("sobol", 4), ("random", 4), ("gp", 16)])
def test_part_of_a_round_lies_outside_the_box_and_part_repeats(sampler, most):
    resolved = resolve(space=SPACE, rounds=6, sampler=sampler, stop_early=False)
    rounds, _, _ = search(resolved, hill, noise=0.005)
    narrowed = [r for r in rounds[1:] if r.kind is RoundKind.EXPLORE and r.box != resolved.box]
    assert narrowed
    earlier = [tuple(p.items()) for r in rounds for p in r.trials]
    for plan in narrowed:
        rates = [p["learning_rate"] for p in plan.trials]
        outside = [x for x in rates if not plan.box["learning_rate"].contains(x)]
        assert 0 < len(outside) <= most
        again = [p for p in plan.trials if earlier.count(tuple(p.items())) > 1]
        assert len(again) >= 2


def test_the_boundary_of_divergence():
    sound = [observe(i, {"learning_rate": 10.0 ** (-3 + i / 4)}) for i in range(9)]
    gone = [diverged(20 + i, {"learning_rate": 10.0 ** (-0.5 + i / 4)}) for i in range(6)]
    found = divergence_boundary([*sound, *gone])
    assert found.diverged == 6
    assert found.finite == 9
    assert found.highest_finite == pytest.approx(0.1)
    assert found.lowest_diverged == pytest.approx(10**-0.5)
    assert 0.1 <= found.edge <= 10**-0.5
    assert divergence_boundary(sound) is None
    assert divergence_boundary([]) is None
