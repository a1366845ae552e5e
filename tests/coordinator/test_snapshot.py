"""The state of a search, made from its records as they were after some round."""

from __future__ import annotations

import pytest
from support.builders import observe, resolve
from support.records import RATE, json_of, make_round, make_search, make_trial, rate

from hpsearch.coordinator import Snapshot, decide
from hpsearch.evidence import Evidence
from hpsearch.reasons import StoredReason
from hpsearch.records import Edit
from hpsearch.space import box_to_json
from hpsearch.trials import RoundKind

NARROW = {"learning_rate": json_of(rate(low=1e-3, high=0.1))}
WIDE = {"learning_rate": json_of(rate(low=1e-4, high=0.5))}
ROUNDS = [
    make_round(1),
    make_round(2, box=NARROW, evidence=Evidence(explored=StoredReason("enough"))),
    make_round(3, box=NARROW, kind=RoundKind.REPEAT),
]
TRIALS = [
    make_trial(1, 0),
    make_trial(1, 1, state="failed"),
    make_trial(2, 0, state="pending"),
    make_trial(3, 0, right=b"\x80"),
]


def after(number: int, *edits: Edit, **fields: object) -> Snapshot:
    search = make_search(edits=edits, **fields)
    return Snapshot.of(search, ROUNDS, TRIALS, after=number, seconds=5.0)


def test_what_came_later_is_not_known() -> None:
    first, last = after(1), after(3)
    assert (first.round, first.failed, len(first.observations), first.correct_masks) == (
        1,
        1,
        1,
        {},
    )
    assert (last.round, last.explored, last.repeated, last.failed) == (3, 2, 1, 1)
    assert last.correct_masks == {(3, 0): b"\x80"}
    assert [(o.round, o.index) for o in last.observations] == [(1, 0), (3, 0)]


def test_observations_of_a_warm_start_come_first() -> None:
    earlier = observe(0, RATE, source=1)
    assert after(1, warm_start=[earlier]).observations[0] is earlier


def test_time_counts_where_it_is_limited() -> None:
    assert after(1).seconds is None
    assert after(1, spec=resolve(max_seconds=60).spec.to_json()).seconds == 5.0


def test_the_box_is_that_of_the_last_round_or_of_an_edit_since() -> None:
    assert after(0).box == resolve().box
    assert after(2).box["learning_rate"].low == 1e-3
    edit = Edit(2, {"space": WIDE}, 0.0)
    assert after(2, edit).box["learning_rate"].low == 1e-4
    assert after(3, edit).box["learning_rate"].low == 1e-3  # the round after it drew from its own
    assert after(2, Edit(2, {"rounds": 6}, 0.0)).box["learning_rate"].low == 1e-3


@pytest.mark.parametrize(
    ("number", "edited_after", "reason"),
    [(1, None, None), (2, None, "enough"), (3, None, "enough"), (3, 3, None), (3, 2, "enough")],
)
def test_exploring_has_ended_unless_an_edit_lets_it_go_on(
    number: int, edited_after: int | None, reason: str | None
) -> None:
    edits = [] if edited_after is None else [Edit(edited_after, {"rounds": 6}, 0.0)]
    assert after(number, *edits).ended == (None if reason is None else StoredReason(reason))


def test_ranges_that_were_edited_wait_for_a_round_that_explores() -> None:
    assert not after(3).moved
    assert after(3, Edit(2, {"space": WIDE}, 0.0)).moved
    assert not after(3, Edit(1, {"space": WIDE}, 0.0)).moved
    assert not after(3, Edit(2, {"rounds": 6}, 0.0)).moved


SIZED = {
    "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
    "hidden_sizes": {"choices": [[8], [64, 64], [16]]},
}
SMALL = [{"metric": "parameters", "at_most": 2_000.0}]


def sized(*edits: Edit, **fields: object) -> Snapshot:
    """After a round over rates up to 0.1 and all networks."""
    asked = resolve(space=SIZED, **fields)
    drawn = {**asked.box, "learning_rate": rate(low=1e-3, high=0.1)}
    rounds = [make_round(1, box=box_to_json(drawn))]
    search = make_search(spec=asked.spec.to_json(), edits=edits)
    trials = [
        make_trial(1, i, params={"learning_rate": 0.002 * (i + 1), "hidden_sizes": network}, correct=50 + i)
        for i, network in enumerate([(8,), (64, 64), (16,)] * 6)
    ]  # fmt: skip
    return Snapshot.of(search, rounds, trials, after=1, seconds=None)


def test_ranges_that_a_later_requirement_cuts_are_edited_ones() -> None:
    now = sized(Edit(1, {"require": SMALL}, 0.0))
    assert now.box["hidden_sizes"].choices == ((8,), (16,))
    assert now.box["learning_rate"].high == 0.1
    assert now.moved
    plan = decide(now, job_size=8)
    assert {params["hidden_sizes"] for params in plan.trials} <= {(8,), (16,)}


def test_a_requirement_that_is_taken_back_gives_the_levels_back() -> None:
    now = sized(Edit(1, {"require": []}, 0.0), require=SMALL)
    assert now.box["hidden_sizes"].choices == ((8,), (64, 64), (16,))


def test_a_later_requirement_on_what_is_measured_moves_no_range() -> None:
    now = sized(Edit(1, {"require": [{"metric": "accuracy", "at_least": 0.5}]}, 0.0))
    assert now.box["learning_rate"].high == 0.1
    assert not now.moved
