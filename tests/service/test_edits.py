"""Edits as values: what is stored gives the spec that was checked, and what a preview shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import FACTS, asked, caps, resolve, search
from support.records import make_search

from hpsearch.coordinator.snapshot import edited_ranges
from hpsearch.errors import Conflict, InvalidSpec
from hpsearch.reasons import StoredReason, words
from hpsearch.records import Edit, SearchRecord
from hpsearch.records.chosen import baselines
from hpsearch.report.preview import planned, view_of
from hpsearch.service.edits import as_asked, check_editable, checked
from hpsearch.spec import parse
from hpsearch.trials import GiveUp, RoundKind

RATE = {"low": 1e-5, "high": 1.0, "scale": "log"}
UNITS = {"low": 16, "high": 64, "scale": "log"}
LAYERS = {"low": 1, "high": 3}


def submitted(**fields: Any) -> SearchRecord:
    return make_search(spec=resolve(**fields).spec.to_json())


def after(search: SearchRecord, changes: Any, **settings: Any) -> SearchRecord:
    """The search with one more edit."""
    edit = Edit(search.round, checked(search, changes, caps(**settings)), 0.0)
    return search._replace(edits=[*search.edits, edit])


edges = st.sampled_from([1e-4, 1e-3, 1e-2, 0.1, 1.0])
edits = st.fixed_dictionaries(
    {},
    optional={
        "rounds": st.integers(1, 8),
        "trials_per_round": st.one_of(
            st.integers(4, 64),
            st.fixed_dictionaries({}, optional={"first": st.integers(4, 64)}),
        ),
        "epochs": st.fixed_dictionaries(
            {}, optional={"last": st.integers(8, 64), "budget": st.just(None)}
        ),
        "space": st.fixed_dictionaries(
            {},
            optional={
                "learning_rate": st.one_of(
                    st.builds(lambda low: {"low": low / 1e3}, edges),
                    st.builds(lambda high: {"high": high * 10, "hard_high": None}, edges),
                ),
                "hidden_units": st.builds(lambda high: {"high": high}, st.integers(64, 4096)),
                "hidden_layers": st.builds(lambda high: {"high": high}, st.integers(3, 9)),
            },
        ),
    },
)


@given(first=edits, second=edits)
def test_what_is_stored_gives_the_spec_that_was_checked(first: Any, second: Any) -> None:
    space = {"learning_rate": RATE, "hidden_units": UNITS, "hidden_layers": LAYERS}
    row = submitted(space=space, epochs={"first": 2, "last": 8, "budget": 500})
    for changes in (first, second):
        before = row.resolved().spec
        try:
            row = after(row, changes)
        except InvalidSpec as error:
            refused = {m.path.rpartition(".")[0] or m.path for m in error.mistakes}
            if not refused <= {"space", "space.hidden_units", "space.hidden_layers"}:
                raise
            continue
        spec = row.resolved().spec
        # A stored edit is complete: submitting its outcome again changes nothing more.
        assert parse(as_asked(spec), FACTS, caps()).spec == spec
        for name in {"rounds", "epochs", "trials_per_round", "space"} - set(changes):
            assert getattr(spec, name) == getattr(before, name)
        assert spec.rounds == changes.get("rounds", before.rounds)
        assert spec.epochs.last == changes.get("epochs", {}).get("last", before.epochs.last)
        for name, change in changes.get("space", {}).items():
            for edge, value in change.items():
                assert value is None or getattr(spec.space[name], edge) == value


def test_the_spec_of_any_search_can_be_submitted_again() -> None:
    for fields in (
        {"space": {"hidden_units": UNITS, "learning_rate": RATE}},
        {"space": {"hidden_layers": LAYERS, "batch_size": {"choices": [16, 32]}}},
        {"model": {"optimizer": "adam", "batch_size": 64, "hidden_sizes": [10, 10]}},
        {"trials_per_round": {"first": 40, "last": 10}, "validation": {"folds": 4}},
    ):
        spec = parse(asked(**fields), FACTS, caps()).spec
        assert parse(as_asked(spec), FACTS, caps()).spec == spec


def test_a_default_batch_size_is_not_asked_for() -> None:
    assert "batch_size" not in as_asked(resolve().spec)["model"]
    assert as_asked(resolve(model={"batch_size": 64}).spec)["model"]["batch_size"] == 64


def test_choices_are_replaced_as_a_whole() -> None:
    row = submitted(space={"activation": {"choices": ["relu", "tanh"]}})
    spec = after(row, {"space": {"activation": {"choices": ["relu"]}}}).resolved().spec
    assert spec.space["activation"].choices == ("relu",)
    row = submitted(space={"batch_size": {"low": 8, "high": 64}})
    spec = after(row, {"space": {"batch_size": {"choices": [16, 32]}}}).resolved().spec
    assert spec.space["batch_size"].choices == (16, 32)


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_what_has_not_been_frozen_may_be_edited(state: str) -> None:
    check_editable(make_search(state=state))


@pytest.mark.parametrize(
    ("state", "said"),
    [("finalizing", "its choice is frozen"), ("completed", "continue it"),
     ("failed", "continue it"), ("cancelled", "continue it")],
)  # fmt: skip
def test_what_has_been_frozen_may_not(state: str, said: str) -> None:
    with pytest.raises(Conflict, match=said):
        check_editable(make_search(state=state))


def hill(params: Any, epochs: int) -> float:
    return 0.9 - 0.1 * abs(params["learning_rate"] - 0.1) - 0.1 / epochs


def test_the_preview_of_each_kind_of_round() -> None:
    what = resolve(trials_per_round=8, stop_early=False)
    rounds, _, final = search(what, hill, noise=0.01)
    first = view_of(rounds[0], what, begun=0, open_trials=0)
    assert (first.kind, first.round, first.trials) == (RoundKind.EXPLORE, 1, 8)
    repeat = view_of(rounds[-1], what, begun=3, open_trials=2)
    assert (repeat.kind, repeat.rungs, repeat.epochs_planned) == (RoundKind.REPEAT, [8], 64)
    assert (repeat.preliminary, repeat.open_trials) == (True, 2)
    assert repeat.reason == words(rounds[-1].reason)
    last = view_of(final, what, begun=4, open_trials=0)
    assert (last.kind, last.trials, last.rungs) == (RoundKind.FINAL, 6, [20])
    assert last.epochs_planned == 6 * 20
    none = view_of(GiveUp(StoredReason("all diverged")), what, begun=1, open_trials=0)
    assert (none.kind, none.round, none.rungs, none.epochs) == (None, 2, [], 0)
    assert none.reason == "all diverged"


@pytest.mark.parametrize(
    ("fields", "kind", "trials"),
    [
        ({}, RoundKind.EXPLORE, 8),
        ({"rounds": 2, "finalists": {"rounds": 1}}, RoundKind.REPEAT, 8),
        ({"rounds": 1}, RoundKind.FINAL, 6),
    ],
)
def test_what_comes_by_the_spec_alone(fields: Any, kind: RoundKind, trials: int) -> None:
    what = resolve(trials_per_round=8, **fields)
    epochs = {
        RoundKind.EXPLORE: what.round_epochs(8, what.rungs(2)),
        RoundKind.REPEAT: 8 * 8,
        RoundKind.FINAL: 6 * 20,
    }
    plan = planned(what, what.box, begun=1, open_trials=3)
    assert (plan.kind, plan.round, plan.trials, plan.preliminary) == (kind, 2, trials, True)
    assert plan.epochs_planned == epochs[kind]


def paths(row: SearchRecord, changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidSpec) as refused:
        checked(row, changes, caps())
    return dict(refused.value.mistakes)


def test_what_a_condition_or_a_forbidden_combination_names_stays_and_the_edit_says_so() -> None:
    space = {
        "learning_rate": RATE,
        "optimizer": {"choices": ["sgd", "momentum", "adam"]},
        "momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": ["momentum"]}},
    }
    forbid = [{"optimizer": "adam", "learning_rate": {"low": 0.1, "high": 1}}]
    row = submitted(space=space, forbid=forbid)
    for level, path, said_there in (
        ("momentum", "space.momentum.when.optimizer[0]", "conditions cannot be edited: keep what they name, or continue"),
        ("adam", "forbid[0].optimizer", 'or give another "forbid" as well'),
    ):  # fmt: skip
        left = [other for other in ("sgd", "momentum", "adam") if other != level]
        said = paths(row, {"space": {"optimizer": {"choices": left}}})
        assert said_there in said[path]


NETS: dict[str, Any] = {
    "learning_rate": RATE,
    "optimizer": {"choices": ["sgd", "momentum", "nesterov", "adam"]},
    "momentum": {"low": 0.1, "high": 0.9},
}


@pytest.mark.parametrize(
    ("when", "choices", "then"),
    [
        (None, ["sgd", "momentum"], ["momentum"]),
        (None, ["sgd", "momentum", "nesterov", "adam", "adagrad"], None),
        (None, ["momentum", "nesterov"], None),  # as it is, it says so
        (["nesterov"], ["sgd", "nesterov"], None),
    ],
)
def test_a_condition_of_the_table_follows_the_choices_that_are_left(
    when: list[str] | None, choices: list[str], then: list[str] | None
) -> None:
    """That of a user stays; so does the lack of one in a search of an earlier version."""
    named = {} if when is None else {"when": {"optimizer": when}}
    row = submitted(space={**NETS, "momentum": {**NETS["momentum"], **named}})
    made = checked(row, {"space": {"optimizer": {"choices": choices}}}, caps())["space"]
    assert made.get("momentum", {}).get("when") == (None if then is None else {"optimizer": then})
    earlier = row._replace(spec={**row.spec, "space": NETS})
    kept = checked(earlier, {"space": {"optimizer": {"choices": choices}}}, caps())["space"]
    assert kept.keys() == {"optimizer"}


def test_a_level_that_comes_brings_what_it_uses_and_the_range_stays_where_it_is() -> None:
    space = {**NETS, "optimizer": {"choices": ["momentum", "nesterov"]}}
    row = submitted(space=space)
    assert "when" not in row.spec["space"]["momentum"]
    changes = checked(row, {"space": {"optimizer": {"choices": ["momentum", "sgd"]}}}, caps())
    assert changes["space"]["momentum"]["when"] == {"optimizer": ["momentum"]}
    edited = row._replace(round=1, edits=[Edit(1, changes, 0.0)])
    assert edited_ranges(edited, 1).keys() == {"optimizer"}
    row = submitted(space={**NETS, "optimizer": {"choices": ["momentum", "sgd"]}})
    more = checked(
        row, {"space": {"optimizer": {"choices": ["momentum", "nesterov", "sgd"]}}}, caps()
    )
    assert more["space"]["momentum"]["when"] == {"optimizer": ["momentum", "nesterov"]}


FORBID = [{"learning_rate": {"low": 0.1, "high": 1}}]


def test_forbidden_combinations_are_replaced_as_a_whole_and_stored_in_full() -> None:
    row = submitted(space={"learning_rate": RATE}, forbid=FORBID)
    changes = checked(row, {"forbid": [{"learning_rate": {"low": 0, "high": 1e-3}}]}, caps())
    assert changes == {"forbid": [{"learning_rate": {"low": 0.0, "high": 0.001}}]}
    edited = row._replace(round=1, edits=[Edit(1, changes, 0.0)]).resolved().space
    assert edited.permits({"learning_rate": 0.5})
    assert not edited.permits({"learning_rate": 1e-4})
    assert checked(row, {"forbid": []}, caps()) == {"forbid": []}
    none = row._replace(round=1, edits=[Edit(1, {"forbid": []}, 0.0)]).resolved()
    assert not none.space.forbidden
    assert "forbid" not in none.spec.to_json()


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"forbid": [{"rate": 1}]}, "forbid[0].rate", "is not searched"),
        ({"forbid": [{"learning_rate": {"low": 0, "high": 1}}]}, "forbid", "leaves 0"),
        ({"forbid": FORBID, "try_first": []}, "forbid[0]", "it forbids baseline; forbid less, or give another baseline"),
        ({"forbid": FORBID, "baseline": None}, "forbid[0]", "it forbids try_first[0]"),
        ({"forbid": FORBID, "baseline": {"learning_rate": 0.9}}, "baseline", "forbid[0] forbids it"),
        ({"forbid": 3}, "forbid", "give a list"),
    ],
)  # fmt: skip
def test_what_may_not_be_forbidden_in_mid_search(
    changes: dict[str, Any], path: str, words: str
) -> None:
    row = submitted(
        space={"learning_rate": RATE},
        baseline={"learning_rate": 0.5},
        try_first=[{"learning_rate": 0.2}],
    )
    assert words in paths(row, changes)[path]
    if path == "forbid[0]" and "baseline" in changes:  # once it is trained, nothing speaks against
        assert checked(row._replace(round=1), changes, caps())


def test_a_baseline_comes_too_late_where_several_networks_are_recommended() -> None:
    row = submitted(final={"networks": 5})
    said = paths(row, {"baseline": {"learning_rate": 0.1}})
    assert list(said) == ["baseline"]
    assert '"warm_start": ["s1"]' in said["baseline"]


def test_a_baseline_to_which_an_edit_gives_another_value_stays_known_in_both_forms() -> None:
    space = {"optimizer": {"choices": ["sgd", "momentum"]}, "momentum": {"low": 0.1, "high": 0.8},
             "learning_rate": RATE}  # fmt: skip
    row = submitted(space=space, baseline={"optimizer": "nesterov", "learning_rate": 2.0})
    row = row._replace(round=2)
    before = {"optimizer": "nesterov", "learning_rate": 2.0}
    assert baselines(row, after=2) == [before]
    row = after(row, {"space": {"optimizer": {"choices": ["sgd", "momentum", "nesterov"]}}})
    assert baselines(row, after=2) == [before, {**before, "momentum": 0.9}]
