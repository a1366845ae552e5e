"""Fields of a spec about reports: the direction of scores, and a limit of their costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.directions import turned
from hpsearch.errors import InvalidSpec
from hpsearch.service.provided import accepted
from hpsearch.settings import Settings
from hpsearch.spec import Observations, parse
from hpsearch.spec.plan import chosen
from hpsearch.workloads import NO_DATASET, DatasetFacts

IRIS = DatasetFacts("d" * 64, 120, 4, 3)
X = {"x": {"low": 0.0, "high": 1.0}}
EXTERNAL = {"objective": "external", "space": X}
TRAINED = {"dataset": "iris", "space": {"learning_rate": {"low": 0.001, "high": 1.0}}}


def refused(data, facts=NO_DATASET):
    with pytest.raises(InvalidSpec) as error:
        parse(data, facts, Settings())
    return {mistake.path: mistake.message for mistake in error.value.mistakes}


def test_a_spec_without_them_is_stored_as_before():
    stored = parse(EXTERNAL, NO_DATASET, Settings()).spec.to_json()
    assert not stored.keys() & {"direction", "max_cost", "tags", "note"}
    labelled = {**EXTERNAL, "tags": ["a"], "note": "b", "direction": "maximize"}
    assert parse(labelled, NO_DATASET, Settings()).spec.to_json() == stored
    turned_over = parse({**EXTERNAL, "direction": "minimize"}, NO_DATASET, Settings()).spec
    assert turned_over.to_json() == {**stored, "direction": "minimize"}


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"direction": "minimize"}, "direction", "metric knows"),
        ({"direction": "maximize"}, "direction", "metric knows"),
        ({"max_cost": 5.0}, "max_cost", "epochs, trials or seconds"),
        ({"budget": {"cost": 5.0}}, "budget.cost", "epochs, trials or seconds"),
    ],
)
def test_they_belong_to_external_searches(fields, path, words):
    assert words in refused({**TRAINED, **fields}, IRIS)[path]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"direction": "down"}, "direction"),
        ({"budget": {"cost": 0}}, "budget.cost"),
        ({"budget": {"cost": -1}}, "budget.cost"),
        ({"budget": {"cost": 1e16}}, "budget.cost"),
        ({"budget": {"cost": "9"}}, "budget.cost"),
        ({"budget": {"cost": 5, "epochs": 50}}, "budget"),
        ({"budget": {"cost": 5}, "epochs": {"budget": 50}}, "epochs.budget"),
        ({"budget": {"cost": 5}, "max_cost": 5}, "max_cost"),
        ({"max_cost": 0}, "max_cost"),
    ],
)
def test_values_that_cannot_be(fields, path):
    assert path in refused({**EXTERNAL, **fields})


def test_a_budget_of_costs_becomes_a_plan_and_a_limit():
    data = {**EXTERNAL, "budget": {"cost": 12.5}}
    spec = parse(data, NO_DATASET, Settings()).spec
    assert (spec.max_cost, spec.epochs.budget, spec.max_seconds) == (12.5, None, None)
    assert (spec.rounds, spec.trials.first, spec.sampler) == (24, 32, "gp")
    assert "rounds" in chosen(data, spec)
    again = parse(spec.to_json(), NO_DATASET, Settings()).spec
    assert again == spec


scores = st.floats(-1e100, 1e100)


@given(st.lists(st.tuples(st.floats(0, 1), scores, scores), min_size=1, max_size=8))
def test_trials_of_a_search_that_minimises_are_those_of_one_that_maximises_the_other_sign(seen):
    def began(direction, sign):
        resolved = parse({**EXTERNAL, "direction": direction}, NO_DATASET, Settings())
        trials = [
            {"params": {"x": x}, "epochs": 4, "score": turned(last, sign),
             "curve": [[1, turned(first, sign)]]}
            for x, first, last in seen
        ]  # fmt: skip
        provided = Observations.model_validate({"observations": trials})
        return accepted(provided, resolved, "warm_start[0]")

    assert began("maximize", 1) == began("minimize", -1)
