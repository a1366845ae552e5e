"""What a search asks its workload, for each kind of training."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.builders import FACTS, asked, caps, mistakes, resolve

from hpsearch.columns import Column
from hpsearch.spec import ResolvedSpec, SearchSpec, parse
from hpsearch.workloads import NO_DATASET, WORKLOADS, DatasetFacts, Dense, External, workload_of

EXTERNAL = {"objective": "external", "space": {"lr": {"low": 1e-3, "high": 1.0}}}


def external(**changes) -> ResolvedSpec:
    return parse({**EXTERNAL, **changes}, NO_DATASET, caps())


@pytest.mark.parametrize("objective", ["accuracy", "balanced_accuracy", "log_loss"])
def test_metrics_are_for_networks(objective):
    assert workload_of(objective) is Dense
    assert resolve(objective=objective).spec.workload is Dense


def test_scores_of_a_caller_are_external():
    assert workload_of("external") is External
    assert isinstance(external().workload, External)


@pytest.mark.parametrize("objective", ["nonsense", None, ["external"], {}, 1])
def test_an_unknown_objective_is_checked_as_a_network(objective):
    assert workload_of(objective) is Dense


def test_every_objective_belongs_to_one_workload():
    objectives = [name for kind in WORKLOADS.values() for name in kind.objectives()]
    assert len(set(objectives)) == len(objectives)


COLUMNS = (
    Column("city", "category", tuple(f"city {i}" for i in range(50)), 3, 3),
    Column("age", "number", missing=2, missing_train=2),
    Column("size", "ordered", ("small", "large")),
)
MIXED = replace(FACTS, features=3, example_shape=(3,), columns=COLUMNS)


class TestInputs:
    @pytest.mark.parametrize(("levels", "inputs"), [(1, 6), (10, 15), (50, 55), (4096, 55)])
    def test_the_width_follows_from_columns_and_levels(self, levels, inputs):
        assert MIXED.inputs(levels) == inputs == sum(c.inputs(levels) for c in COLUMNS)
        workload = resolve(facts=MIXED, model={"max_levels": levels}).workload
        assert workload.parameters({}) == (inputs + 1) * 50 + 51 * 10

    def test_a_plain_table_has_its_features(self):
        assert FACTS.inputs(1) == FACTS.inputs(99) == FACTS.features

    def test_levels_that_are_searched_shape_the_network(self):
        space = {"max_levels": {"low": 2, "high": 20, "hard_high": 40}}
        workload = resolve(facts=MIXED, space=space).workload
        assert workload.shape_key({"max_levels": 3}) != workload.shape_key({"max_levels": 4})
        assert workload.largest_parameters() == workload.parameters({"max_levels": 40})

    def test_facts_are_read_from_a_description(self):
        described = {
            "digest": "d" * 64, "n_train": 9, "features": 3, "classes": ["a", "b"], "shape": [3],
            "kind": "tabular", "columns": [column.to_json() for column in COLUMNS],
        }  # fmt: skip
        facts = DatasetFacts.from_json(described)
        assert (facts.columns, facts.image) == (COLUMNS, False)
        assert DatasetFacts.from_json({**described, "columns": [], "kind": "image"}).image

    def test_what_has_no_effect_is_a_mistake(self):
        levels = {"max_levels": {"choices": [2, 8]}}
        assert mistakes(asked(space=levels)) == {
            "space.max_levels": "'digits' has no categories; drop it"
        }
        image = replace(FACTS, image=True)
        said = "'digits' holds images, which have one scale; drop it"
        assert mistakes(asked(model={"scaling": "robust"}), facts=image) == {"model.scaling": said}
        searched = {"scaling": {"choices": ["standard", "robust"]}}
        assert mistakes(asked(space=searched), facts=image) == {"space.scaling": said}

    def test_too_many_levels_name_the_column(self):
        settings = caps(max_parameters=2_000)
        for place, given in (
            ("model", {"model": {"max_levels": 50}}),
            ("space", {"space": {"max_levels": {"choices": [2, 50]}}}),
        ):
            found = mistakes(asked(**given), facts=MIXED, settings=settings)
            assert list(found) == [f"{place}.max_levels"]
            assert "column 'city' alone has 50 levels" in found[f"{place}.max_levels"]


class TestDense:
    def test_its_deadline_grows_with_the_work(self):
        settings, workload = caps(), resolve().workload
        short, long = (workload.seconds([{}] * n, 8, settings) for n in (1, 2))
        floor = settings.deadline_floor_seconds
        assert long - floor == pytest.approx(2 * (short - floor))
        assert short - floor == pytest.approx(
            workload.flops({}, 8) / (settings.deadline_gflops * 1e9)
            + workload.updates({}, 8) * settings.deadline_step_seconds
        )

    def test_splits_multiply_the_work(self):
        one, five = resolve().workload, resolve(validation={"folds": 5}).workload
        assert five.flops({}, 1) == 5 * one.flops({}, 1)
        assert five.updates({}, 1) == 5 * one.updates({}, 1)

    def test_validation_examples(self):
        assert resolve().workload.validation_examples == round(1437 * 0.2)
        assert resolve(validation={"folds": 5}).workload.validation_examples == 1437
        twice = resolve(validation={"repeats": 2}).workload
        assert twice.validation_examples == round(1437 * (1 - 0.8**2))

    def test_fixed_values_are_those_that_no_trial_changes(self):
        space = {"hidden_units": {"low": 8, "high": 64}, "dropout": {"low": 0, "high": 0.5}}
        spec = resolve(space=space).spec
        fixed = spec.workload.fixed(spec.model, spec.space)
        assert not {"hidden_sizes", "dropout"} & fixed.keys()
        assert fixed["learning_rate"] == 0.01

    def test_scores_lie_where_the_metric_says(self):
        assert resolve().workload.score_bounds == (0.0, 1.0)
        assert resolve(objective="log_loss").workload.score_bounds == (-1e100, 0.0)


class TestExternal:
    def test_what_only_its_trainer_knows(self):
        workload = external().workload
        assert workload.validation_examples is None
        assert workload.score_bounds == (-1e100, 1e100)
        assert workload.seconds([{}] * 5, 8, caps()) == 30 * 86_400
        assert workload.hyperparameters({"lr": 0.1}) == {"lr": 0.1}
        assert workload.shape_key({"lr": 0.1}) == ()
        assert workload.fixed(external().spec.model, {}) == {}
        assert workload.unfit(None, caps()) == []

    def test_no_model_measures_optimism(self):
        assert external(final={"models": 3}).spec.final_trials == 3
        assert resolve(final={"models": 3}).spec.final_trials == 4

    def test_the_stored_spec_has_no_field_of_a_network(self):
        stored = external().spec.to_json()
        assert not stored.keys() & set(External.left_out)
        assert "train_on" not in stored["final"]
        assert SearchSpec.model_validate(stored).workload is External
