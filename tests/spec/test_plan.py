"""The plan that follows from a budget: one number in, a complete spec out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.builders import FACTS, caps, mistakes

from hpsearch.settings import Settings
from hpsearch.spec import ResolvedSpec, SearchSpec, outlook, parse, plan, raised
from hpsearch.trials import RoundKind
from hpsearch.workloads import NO_DATASET, DatasetFacts

RATE = {"learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}}
DECAY = {"weight_decay": {"low": 1e-8, "high": 0.1, "scale": "log"}}
UNITS = st.sampled_from(["epochs", "trials"])


def document(**fields: Any) -> dict[str, Any]:
    return {"dataset": "digits", "space": {**RATE, **DECAY}, **fields}


def planned(facts: DatasetFacts = FACTS, **fields: Any) -> ResolvedSpec:
    return parse(document(**fields), facts, caps())


TABLE = DatasetFacts(digest="d" * 64, n_train=300, features=6, classes=2)


class TestNetworks:
    def test_the_model_of_a_small_table_is_made_of_five(self):
        asked = document()
        spec = planned(TABLE).spec
        assert (spec.final.networks, spec.final.models, spec.final_trials) == (5, 5, 10)
        assert "final.networks" in plan.chosen(asked, spec)
        assert spec.to_json()["final"]["networks"] == 5
        assert parse(spec.to_json() | {"model": {}}, TABLE, caps()).spec.final.networks == 5

    def test_that_of_images_and_of_many_rows_is_one(self):
        for facts in (
            replace(TABLE, n_train=2501),
            replace(TABLE, image=True),
        ):
            spec = planned(facts).spec
            assert spec.final.networks == 1
            assert "networks" not in spec.to_json()["final"]
            assert "final.networks" not in plan.chosen(document(), spec)

    @pytest.mark.parametrize(
        "named",
        [
            {"final": {"models": 2}},
            {"final": {"networks": 1}},
            {"baseline": {"learning_rate": 0.1}},
            {"rounds": 4},
            {"cheapest": "parameters"},
            {"require": [{"metric": "parameters", "at_most": 5000}]},
        ],
    )
    def test_who_names_models_a_baseline_a_size_or_a_plan_by_hand_has_one(self, named):
        assert planned(TABLE, **named).spec.final.networks == 1

    def test_a_requirement_on_what_is_measured_leaves_them(self):
        measured = {"metric": "accuracy", "at_least": 0.5}
        assert planned(TABLE, require=[measured]).spec.final.networks == 5

    def test_a_baseline_is_compared_by_single_networks(self):
        named = {"baseline": {"learning_rate": 0.1}, "final": {"networks": 3}}
        assert set(mistakes(document(**named), facts=TABLE)) == {"final.networks"}

    def test_they_are_under_the_cap_of_models(self):
        settings = caps(max_final_models=5)
        assert parse(document(), TABLE, settings).spec.final.networks == 5
        named = document(final={"networks": 6})
        assert set(mistakes(named, facts=TABLE, settings=settings)) == {"final.networks"}


class TestWhoIsPlanned:
    def test_a_dataset_and_a_space_are_enough(self):
        spec = planned().spec
        assert spec.sampler == "gp"
        assert spec.epochs.budget == 100 * spec.epochs.last  # 40 full trainings, 30 for each of two
        assert spec.budget is None  # what is stored is what follows from it

    @pytest.mark.parametrize(
        "named", [{"rounds": 4}, {"trials_per_round": 32}, {"epochs": {"last": 8}}]
    )
    def test_the_fields_of_a_plan_by_hand_keep_their_defaults(self, named):
        spec = planned(**named).spec
        assert (spec.sampler, spec.rounds, spec.trials_per_round) == ("sobol", 4, 32)
        assert (spec.epochs.first, spec.epochs.last, spec.epochs.budget) == (2, 8, None)

    def test_a_time_limit_alone_bounds_the_usual_plan(self):
        spec = planned(max_seconds=30.0).spec
        assert (spec.max_seconds, spec.epochs.budget) == (30.0, 100 * spec.epochs.last)

    def test_what_was_planned_is_submitted_as_it_is(self):
        one = planned(budget={"epochs": 500}).spec
        stored = one.to_json()
        assert "budget" not in stored
        for name in stored["space"]:
            del stored["model"][name]  # what is searched is no one's to fix
        assert parse(stored, FACTS, caps()).spec == one

    def test_a_stored_spec_is_read_without_planning(self):
        assert SearchSpec.model_validate(document()).sampler == "sobol"


class TestBudgets:
    @given(amount=st.integers(8, 200_000), last=st.sampled_from([8, 20, 52]))
    def test_epochs_are_spent_and_not_exceeded(self, amount, last):
        if amount < last:
            return
        resolved = planned(budget={"epochs": amount}, epochs={"last": last})
        spec = resolved.spec
        assert (spec.epochs.budget, spec.epochs.last) == (amount, last)
        assert spec.rounds <= plan.ROUNDS
        spent = sum(r.epochs for r in outlook.rounds(resolved))
        assert amount - last * spec.trials.last < spent <= amount

    @given(amount=st.integers(1, 20_000))
    @example(amount=4)  # too few for two finalists: nothing is repeated
    def test_trials_are_counted_and_trained_in_full(self, amount):
        resolved = planned(budget={"trials": amount})
        trials = [r.trials for r in outlook.rounds(resolved)]
        assert sum(trials) == resolved.trials_planned <= amount
        assert amount - sum(trials) <= max(8, len(trials))  # one trial more in every round
        assert {r.rungs for r in outlook.rounds(resolved)} == {(56,)}

    def test_seconds_are_the_time_limit(self):
        spec = planned(budget={"seconds": 60}).spec
        assert (spec.max_seconds, spec.epochs.budget) == (60, None)
        more = planned(budget={"seconds": 600}).spec
        assert more.trials.last > spec.trials.last

    @pytest.mark.parametrize(("unit", "amount"), [("epochs", 800), ("trials", 100)])
    def test_repeats_are_kept_where_the_budget_can_spare_them(self, unit, amount):
        kinds = [r.kind for r in outlook.rounds(planned(budget={unit: amount}))]
        assert RoundKind.REPEAT in kinds
        few = [r.kind for r in outlook.rounds(planned(budget={unit: amount // 40}))]
        assert set(few) == {RoundKind.EXPLORE}

    def test_a_training_elsewhere_is_planned_too(self):
        asked = {"objective": "external", "space": {**RATE}, "budget": {"trials": 40}}
        spec = parse(asked, NO_DATASET, caps()).spec
        assert (spec.sampler, spec.final.epochs, spec.epochs.halving) == ("gp", 8, False)
        timed = parse({**asked, "budget": {"seconds": 5}}, NO_DATASET, caps()).spec
        assert (timed.rounds, timed.max_seconds) == (plan.ROUNDS, 5)


def facts(n_train: int, features: int = 4) -> DatasetFacts:
    return DatasetFacts(digest="d" * 64, n_train=n_train, features=features, classes=3)


class TestLengths:
    @pytest.mark.parametrize(
        ("n_train", "last"),
        # minibatches of 32 of four fifths of the examples, 2,000 of them, from 8 to 200 epochs
        [(40, 200), (400, 200), (401, 182), (1437, 56), (4000, 20), (10_000, 8), (60_000, 8)],
    )
    def test_a_full_training_has_the_minibatches_that_a_network_needs(self, n_train, last):
        spec = planned(facts(n_train)).spec
        assert spec.epochs.last == last
        assert spec.epochs.budget == 100 * last
        assert spec.final.epochs == max(20, last)

    def test_larger_batches_are_fewer(self):
        spec = planned(facts(4000), model={"batch_size": 64}).spec
        assert spec.epochs.last == 40

    @given(n_train=st.integers(40, 100_000))
    def test_the_best_two_of_32_reach_the_end(self, n_train):
        resolved = planned(facts(n_train))
        first = next(iter(outlook.rounds(resolved))).rungs
        assert len(first) <= 6
        assert resolved.spec.cohort == 2 ** len(first) or len(first) > 4
        assert first[0] == max(2, resolved.spec.epochs.last // 32)

    def test_large_networks_train_shorter_and_less_often(self):
        wide = planned(facts(1437, 784), model={"hidden_sizes": [4096, 2048]}).spec
        assert 8 < wide.epochs.last < 56
        large = planned(facts(60_000, 784), model={"hidden_sizes": [4096, 2048]}).spec
        assert (large.epochs.last, large.epochs.budget) == (8, 40 * 8)
        each = [
            planned(facts(60_000, 784), space=s).spec.epochs.budget
            for s in (RATE, {**RATE, **DECAY})
        ]
        assert each == [70 * 8, 100 * 8]

    @pytest.mark.parametrize(
        ("budget", "last"), [(8, 8), (800, 8), (2500, 25), (5600, 56), (10**5, 56)]
    )
    def test_a_small_budget_has_shorter_trainings(self, budget, last):
        assert planned(budget={"epochs": budget}).spec.epochs.last == last

    def test_small_data_are_trained_for_20_epochs_under_any_budget(self):
        assert planned(facts(120), budget={"epochs": 100}).spec.epochs.last == 20

    def test_seconds_shorten_trainings_as_epochs_do(self):
        lasts = [planned(budget={"seconds": s}).spec.epochs.last for s in (0.01, 4, 3600)]
        assert lasts[0] == 8 < lasts[1] < lasts[2] == 56

    def test_rounds_that_are_asked_for_can_be_paid(self):
        resolved = planned(budget={"epochs": 440}, rounds=50)
        assert (resolved.spec.rounds, resolved.spec.epochs.last) == (50, 8)

    def test_the_service_bounds_them(self):
        spec = parse(document(), FACTS, caps(max_epochs=30)).spec
        assert (spec.epochs.last, spec.final.epochs) == (30, 30)

    def test_a_final_training_is_as_long_as_a_full_one(self):
        assert planned(budget={"epochs": 500}, epochs={"last": 52}).spec.final.epochs == 52
        final = {"epochs": 3, "models": 2}
        kept = planned(budget={"epochs": 500}, epochs={"last": 52}, final=final).spec.final
        assert (kept.epochs, kept.models) == (3, 2)

    @pytest.mark.parametrize(
        ("named", "last"),
        [
            ({"budget": {"epochs": 832}}, 52),  # 16 trainings of 52
            ({"budget": {"epochs": 831}}, 20),  # a 40th of the budget
            ({"final": {"epochs": 25}}, 25),
            ({"final": {"epochs": 24}}, 8),  # three times the usual 8: hardly another training
            ({"final": {"epochs": 50}}, 50),  # the usual budget is 800 epochs
            ({"final": {"epochs": 51}}, 8),
            ({"budget": {"epochs": 832}, "rounds": 17}, 20),
            ({"budget": {"epochs": 832}, "rounds": 50}, 16),
            ({"budget": {"epochs": 832}, "epochs": {"last": 9}}, 9),
            ({"budget": {"epochs": 832}, "epochs": {"halving": False}}, 8),
            ({"budget": {"epochs": 2000}, "rounds": 10, "trials_per_round": 32}, 8),
            ({"budget": {"trials": 200}}, 8),
            ({"budget": {"seconds": 1e5}}, 8),  # at a pace that nobody knows
            ({"budget": {"cost": 1e5}}, 8),
        ],
    )
    def test_trials_train_as_long_as_a_named_final_test_of_far_more_epochs(self, named, last):
        asked = {"objective": "external", "space": {**RATE, **DECAY}, "final": {"epochs": 52}}
        spec = parse({**asked, **named}, NO_DATASET, caps()).spec
        assert spec.epochs.last == last
        assert spec.final.epochs == named.get("final", asked["final"])["epochs"]

    @pytest.mark.parametrize(
        ("named", "last"),
        [
            ({"budget": {"epochs": 359}}, 8),
            ({"budget": {"epochs": 360}}, 9),
            ({"budget": {"epochs": 2000}}, 50),
            ({"budget": {"epochs": 10**5}}, 200),
            ({"budget": {"epochs": 2000}, "rounds": 50}, 40),
            ({"budget": {"epochs": 2000}, "epochs": {"halving": False}}, 8),
            ({"budget": {"epochs": 2000}, "rounds": 10, "trials_per_round": 20}, 8),
            ({"budget": {"epochs": 2000}, "final": {"epochs": 20}}, 20),
            ({"budget": {"epochs": 2000}, "final": {"epochs": 4}}, 8),
            ({"budget": {"epochs": 2000}, "epochs": {"first": 30}, "final": {"epochs": 20}}, 30),
            ({"budget": {"epochs": 2000}, "epochs": {"first": 100}, "final": {"epochs": 50}}, 100),
            ({"budget": {"epochs": 2000}, "cohort": 1}, 8),
            ({}, 8),
        ],
    )
    def test_a_training_elsewhere_is_as_long_as_its_budget_pays_for_forty_of_them(
        self, named, last
    ):
        asked = {"objective": "external", "space": {**RATE, **DECAY}}
        resolved = parse({**asked, **named}, NO_DATASET, caps())
        assert resolved.spec.epochs.last == last
        assert resolved.epochs_planned <= named.get("budget", {"epochs": 800})["epochs"]

    @pytest.mark.parametrize(
        "limits", [{"max_trials": 20, "max_trials_per_round": 20},
                   {"max_trials_per_round": 1, "max_rounds": 10}]
    )  # fmt: skip
    def test_the_most_that_a_refusal_names_works(self, limits):
        data = {"objective": "external", "space": RATE}
        refused = {**data, "budget": {"epochs": 5000}}
        found = mistakes(refused, facts=NO_DATASET, settings=caps(**limits))
        (message,) = found.values()
        most = int(message.rpartition(" ")[2])
        spec = parse({**data, "budget": {"epochs": most}}, NO_DATASET, caps(**limits)).spec
        assert spec.epochs.budget == most

    def test_that_spends_no_more(self):
        usual, longer = (planned(final={"epochs": n}).spec.epochs for n in (20, 200))
        assert (usual.last, longer.last) == (56, 200)
        assert usual.budget == longer.budget == 5600


class TestOverrides:
    def test_what_is_named_stays(self):
        named = {
            "cohort": 4, "sampler": "sobol", "finalists": {"rounds": 3}, "stop_early": False,
            "epochs": {"first": 4, "last": 16, "halving": False},
        }  # fmt: skip
        spec = planned(budget={"epochs": 2000}, **named).spec
        assert (spec.cohort, spec.sampler, spec.finalists.rounds) == (4, "sobol", 3)
        assert (spec.epochs.first, spec.epochs.last, spec.epochs.halving) == (4, 16, False)
        assert not spec.stop_early

    def test_the_rest_is_planned_around_named_rounds(self):
        resolved = planned(budget={"epochs": 800}, rounds=4)
        assert resolved.spec.rounds == 4
        assert 700 < resolved.epochs_planned <= 800
        by_trial = planned(budget={"trials": 128}, rounds=8)
        assert (by_trial.spec.trials_per_round, by_trial.trials_planned) == (16, 128)

    def test_the_rest_is_planned_around_named_trials(self):
        assert planned(budget={"trials": 100}, trials_per_round=10).spec.rounds == 10
        assert planned(budget={"epochs": 300}, trials_per_round=10).epochs_planned == 300

    def test_a_full_training_of_one_epoch_is_nothing_special(self):
        spec = planned(budget={"trials": 16}, epochs={"last": 1}).spec
        assert (spec.epochs.first, spec.epochs.last) == (1, 1)

    def test_a_plan_says_what_it_has_chosen(self):
        asked = document(budget={"epochs": 500}, rounds=4, epochs={"last": 20})
        chosen = plan.chosen(asked, parse(asked, FACTS, caps()).spec)
        assert "rounds" not in chosen
        assert "epochs.last" not in chosen
        assert {"trials_per_round", "sampler", "epochs.first"} <= set(chosen)
        by_hand = document(rounds=4)
        assert plan.chosen(by_hand, parse(by_hand, FACTS, caps()).spec) == []

    def test_caps_bound_a_plan_before_they_refuse_it(self):
        spec = parse(document(), FACTS, caps(max_rounds=3, max_trials_per_round=40)).spec
        assert spec.rounds == 3
        assert spec.trials.first <= 40


REFUSED = [
    ({"budget": {"epochs": 7}}, "budget.epochs", "the least that works is 8"),
    ({"budget": {"epochs": 51}, "epochs": {"last": 52}}, "budget.epochs", "least that works is 52"),
    ({"budget": {"epochs": 30}, "rounds": 4}, "budget.epochs", "the least that works is 32"),
    ({"budget": {"trials": 7}, "rounds": 8}, "budget.trials", "the least that works is 8"),
    ({"budget": {"trials": 9}, "trials_per_round": 10}, "budget.trials", "least that works is 10"),
    ({"budget": {"trials": 39}, "trials_per_round": 10, "rounds": 4}, "budget.trials",
     "least that works is 40"),
    ({"budget": {"trials": 100_001}}, "budget.trials", "the most that works is 99984"),
    ({"budget": {"epochs": 10**9}}, "budget.epochs", "the most that works is"),
    ({"budget": {"epochs": 10**400}}, "budget.epochs", "less than or equal to"),
    ({"budget": {"trials": 10**400}, "trials_per_round": 9}, "budget.trials", "less than or equal"),
    ({"rounds": 4, "epochs": {"budget": 10**400}}, "epochs.budget", "less than or equal to"),
    ({"budget": {"epochs": 9, "trials": 9}}, "budget", "name one of"),
    ({"budget": {}}, "budget", "got nothing"),
    ({"budget": {"epochs": 90}, "epochs": {"budget": 90}}, "epochs.budget", "drop one of the two"),
    ({"budget": {"seconds": 9}, "max_seconds": 9.0}, "max_seconds", "drop one of the two"),
    ({"budget": {"epochs": 800}, "rounds": 60}, "rounds", "cap of 50"),
    ({"budget": {"epochs": 100}, "rounds": 3, "finalists": {"rounds": 3}}, "finalists.rounds",
     "leave none to explore"),
    ({"budget": {"epochs": 40}, "finalists": {"rounds": 30}}, "budget.epochs",
     "31 rounds with a full training each; the least that works is 248"),
    ({"budget": {"trials": 7}, "finalists": {"rounds": 5}}, "budget.trials",
     "6 rounds with two trials each; the least that works is 12"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "words"), REFUSED)
def test_a_budget_that_cannot_be_is_refused_with_one_that_can(fields, path, words):
    found = mistakes(document(**fields))
    assert list(found) == [path]
    assert words in found[path]


@pytest.mark.parametrize("unit", ["epochs", "trials"])
@pytest.mark.parametrize(
    "named",
    [{}, {"rounds": 5}, {"trials_per_round": 6}, {"rounds": 50}, {"finalists": {"rounds": 3}}],
)
def test_the_least_that_works_works(unit, named):
    found = mistakes(document(budget={unit: 1}, **named))
    least = int(next(iter(found.values()), "1").rpartition(" ")[2])
    assert mistakes(document(budget={unit: least}, **named)) == {}
    if least > 1:
        assert mistakes(document(budget={unit: least - 1}, **named)) != {}


@given(unit=UNITS, last=st.integers(1, 60), cap=st.integers(20, 400))
def test_the_most_that_works_works(unit, last, cap):
    settings = caps(max_trials=cap)
    asked = document(budget={unit: 10**7}, epochs={"last": last})
    most = int(mistakes(asked, settings=settings)[f"budget.{unit}"].rpartition(" ")[2])
    assert mistakes({**asked, "budget": {unit: most}}, settings=settings) == {}


SMALL_CAPS = st.fixed_dictionaries(
    {
        "max_rounds": st.integers(1, 8),
        "max_trials": st.integers(1, 60),
        "max_trials_per_round": st.integers(1, 20),
        "max_epochs": st.integers(1, 30),
    }
)
SMALL_NUMBER = st.integers(1, 12)
EPOCHS = st.fixed_dictionaries(
    {}, optional={"first": SMALL_NUMBER, "last": SMALL_NUMBER, "halving": st.booleans()}
)
BOTH = st.fixed_dictionaries({"first": SMALL_NUMBER, "last": SMALL_NUMBER})
BUDGETED = st.fixed_dictionaries(
    {
        "budget": st.one_of(
            st.fixed_dictionaries({unit: st.integers(1, 400)})
            for unit in ("epochs", "trials", "seconds")
        )
    },
    optional={
        "rounds": SMALL_NUMBER,
        "trials_per_round": st.one_of(SMALL_NUMBER, BOTH),
        "epochs": EPOCHS,
        "cohort": SMALL_NUMBER,
        "finalists": st.fixed_dictionaries({"rounds": st.integers(0, 8)}),
        "final": st.fixed_dictionaries({"epochs": SMALL_NUMBER}),
    },
)
UNBUDGETED = st.fixed_dictionaries(
    {}, optional={"finalists": st.fixed_dictionaries({"rounds": st.integers(0, 8)})}
)


def assert_within(resolved: ResolvedSpec, budget: dict[str, int], bounds: Settings) -> None:
    spec, rounds = resolved.spec, outlook.rounds(resolved)
    trials = resolved.trials_planned
    assert sum(r.trials for r in rounds) <= trials <= budget.get("trials", trials)
    epochs = sum(r.epochs for r in rounds)
    assert epochs <= budget.get("epochs", epochs)
    assert spec.rounds <= bounds.max_rounds
    assert trials <= bounds.max_trials
    assert max(r.trials for r in rounds) <= bounds.max_trials_per_round
    assert max(spec.epochs.last, spec.final.epochs) <= bounds.max_epochs


@given(fields=st.one_of(BUDGETED, UNBUDGETED), limits=SMALL_CAPS)
def test_a_plan_is_within_budget_and_caps_or_refused_at_what_is_named(fields, limits):
    bounds = caps(**limits)
    asked = document(**fields)
    found = mistakes(asked, settings=bounds)
    if not found:
        assert_within(parse(asked, FACTS, bounds), fields.get("budget", {}), bounds)
    assert [path for path in found if not plan.names(asked, path)] == []


@given(limits=SMALL_CAPS)
def test_a_spec_that_names_nothing_fits_any_caps(limits):
    assert mistakes(document(), settings=caps(**limits)) == {}


class TestWhatIsChosen:
    def test_a_plan_that_does_not_validate_is_a_list_of_mistakes(self, monkeypatch):
        broken = document(epochs={"first": 0}), []
        monkeypatch.setattr(plan, "completed", lambda *_: broken)
        assert list(mistakes(document())) == ["epochs.first"]

    def test_a_first_rung_alone_is_no_contradiction(self):
        spec = planned(budget={"epochs": 500}, epochs={"first": 10}).spec
        assert (spec.epochs.first, spec.epochs.last) == (10, 10)
        longer = planned(budget={"trials": 20}, epochs={"first": 10}).spec
        assert (longer.epochs.first, longer.epochs.last) == (10, 56)

    def test_a_first_rung_beyond_the_cap_is_refused_by_its_name(self):
        asked = document(budget={"epochs": 7}, epochs={"first": 4})
        found = mistakes(asked, settings=caps(max_epochs=2))
        assert found == {"epochs.first": "4 is beyond this service's cap of 2"}

    @pytest.mark.parametrize(("amount", "last"), [(12, 2), (18, 3), (20, 3), (24, 4)])
    def test_named_repeats_are_paid_from_a_budget_of_trials(self, amount, last):
        resolved = planned(budget={"trials": amount}, finalists={"rounds": 5})
        assert (resolved.spec.rounds, resolved.trials_planned) == (6, 6 * last)

    @pytest.mark.parametrize("rounds", [1, 2])
    def test_few_rounds_leave_none_to_repeat(self, rounds):
        spec = parse(document(), FACTS, caps(max_rounds=rounds)).spec
        assert (spec.rounds, spec.finalists.rounds) == (rounds, 0)

    def test_the_final_test_fits_the_cap(self):
        assert parse(document(), FACTS, caps(max_epochs=10)).spec.final.epochs == 10

    def test_caps_refuse_no_default_that_the_plan_does_without(self):
        asked = document(budget={"trials": 8}, trials_per_round=4)
        assert parse(asked, FACTS, caps(max_trials=10)).spec.rounds == 2

    def test_repeats_beyond_the_caps_are_refused_by_their_name(self):
        assert "cap of 50" in mistakes(document(finalists={"rounds": 60}))["finalists.rounds"]
        few = mistakes(document(finalists={"rounds": 12}), settings=caps(max_trials=10))
        assert "the cap is 10" in few["finalists.rounds"]


class TestRaised:
    def test_a_larger_budget_of_epochs_has_more_rounds(self):
        now = planned(budget={"epochs": 500})
        changes, none = raised.unfolded({"budget": {"epochs": 900}}, now, caps())
        assert none == []
        assert changes["epochs"] == {"budget": 900}
        assert changes["rounds"] > now.spec.rounds

    def test_a_larger_budget_of_trials_is_rounds(self):
        now = planned(budget={"trials": 128})
        changes, none = raised.unfolded({"budget": {"trials": 160}}, now, caps())
        assert (changes, none) == ({"rounds": now.spec.rounds + 4}, [])

    def test_a_larger_budget_of_seconds_is_time(self):
        now = planned(budget={"seconds": 60})
        assert raised.unfolded({"budget": {"seconds": 90}}, now, caps())[0] == {"max_seconds": 90}

    @pytest.mark.parametrize(
        ("changes", "path", "words"),
        [
            ({"budget": {"epochs": 500}}, "budget.epochs", "it is 500 now"),
            ({"budget": {"seconds": 5}}, "budget.seconds", "no budget of seconds"),
            ({"budget": {"trials": 5}}, "budget.trials", "no budget of trials"),
            ({"budget": {"epochs": "x"}}, "budget.epochs", "integer"),
            ({"budget": 5}, "budget", "dictionary"),
            ({"budget": {}}, "budget", "name one of"),
            ({"budget": {"epochs": 900}, "epochs": {"budget": 900}}, "epochs.budget", "drop one"),
        ],
    )
    def test_anything_else_is_refused(self, changes, path, words):
        _, found = raised.unfolded(changes, planned(budget={"epochs": 500}), caps())
        assert [m.path for m in found] == [path]
        assert words in found[0].message

    def test_a_budget_that_pays_for_no_other_round_is_refused(self):
        now = planned(budget={"trials": 128})
        _, [mistake] = raised.unfolded({"budget": {"trials": 130}}, now, caps())
        assert mistake.message == "130 does not pay for another round; the least is 136"
