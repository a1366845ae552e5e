"""Edits as values: what is stored gives the spec that was checked, and what a preview shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import FACTS, asked, caps, resolve, search
from support.records import make_search

from hpsearch.errors import Conflict, InvalidSpec
from hpsearch.reasons import StoredReason, words
from hpsearch.records import Edit, SearchRecord
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
    for level, path in (
        ("momentum", "space.momentum.when.optimizer[0]"),
        ("adam", "forbid[0].optimizer"),
    ):
        left = [other for other in ("sgd", "momentum", "adam") if other != level]
        said = paths(row, {"space": {"optimizer": {"choices": left}}})
        assert (
            "cannot be edited: keep what they name, or continue it with a new search" in said[path]
        )


def test_a_baseline_comes_too_late_where_several_networks_are_recommended() -> None:
    row = submitted(final={"networks": 5})
    said = paths(row, {"baseline": {"learning_rate": 0.1}})
    assert list(said) == ["baseline"]
    assert '"warm_start": ["s1"]' in said["baseline"]
