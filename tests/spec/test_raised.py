"""A budget that is raised beside what does not fit it."""

from __future__ import annotations

from typing import Any

import pytest
from support.builders import FACTS, caps

from hpsearch.spec import ResolvedSpec, parse, raised

RANGE = {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}}


def planned(**budget: int) -> ResolvedSpec:
    return parse({"dataset": "digits", "space": RANGE, "budget": budget}, FACTS, caps())


@pytest.mark.parametrize(("unit", "amounts"), [("epochs", (500, 900)), ("trials", (100, 200))])
def test_a_cap_that_is_lower_by_now(unit: str, amounts: tuple[int, int]) -> None:
    now = planned(**{unit: amounts[0]})
    lower = caps(max_rounds=now.spec.rounds - 1)
    changes, found = raised.unfolded({"budget": {unit: amounts[1]}}, now, lower)
    assert [m.path for m in found] == (["budget.trials"] if unit == "trials" else [])
    if unit == "epochs":
        assert changes == {"rounds": now.spec.rounds, "epochs": {"budget": 900}}


@pytest.mark.parametrize("epochs", [5, None, []])
def test_epochs_that_are_no_object_are_left_to_who_checks_them(epochs: Any) -> None:
    changes = {"budget": {"epochs": 900}, "epochs": epochs}
    assert raised.unfolded(changes, planned(epochs=500), caps()) == ({"epochs": epochs}, [])
