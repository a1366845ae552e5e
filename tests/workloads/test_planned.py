"""The network of a planned search: what nobody named, by dataset and space."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.builders import FACTS, caps

from hpsearch import nn
from hpsearch.columns import Column
from hpsearch.spec import SearchSpec, parse, plan
from hpsearch.workloads import DatasetFacts, ModelSpec
from hpsearch.workloads.dense import current_model, planned

ROOT = Path(__file__).resolve().parents[2]
RATE = {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}}
NUMBERS = tuple(Column(name, "number") for name in "abc")
WORDS = Column("city", "category", tuple(f"city {i}" for i in range(90)))
TABLE = replace(FACTS, n_train=1000, features=4, example_shape=(4,), columns=(*NUMBERS, WORDS))
PRICES = replace(TABLE, classes=0, task="regression")


def spec_of(facts: DatasetFacts = TABLE, **fields: Any) -> SearchSpec:
    return parse({"dataset": "d", "space": RATE, **fields}, facts, caps()).spec


def model_of(facts: DatasetFacts = TABLE, **fields: Any) -> ModelSpec:
    return spec_of(facts, **fields).model


def waves_of(model: ModelSpec) -> tuple[Any, ...]:
    return tuple(getattr(model, "layers", ()))


def test_a_table_with_classes() -> None:
    model = model_of()
    assert (model.optimizer, model.schedule, model.hidden_sizes) == ("adam", "cosine", (128,))
    assert (model.dropout, model.max_levels) == (planned.DROPOUT, 90)
    assert waves_of(model) == (nn.WavesSpec(3, **planned.WAVES),)


def test_a_table_with_numbers_to_predict() -> None:
    model = model_of(PRICES)
    assert (model.optimizer, model.dropout, model.hidden_sizes) == ("adam", 0.0, (128,))
    assert waves_of(model) == (nn.WavesSpec(3, **planned.WAVES),)


@pytest.mark.parametrize(("facts", "least"), [(PRICES, 500), (TABLE, 750)])
def test_waves_need_rows(facts: DatasetFacts, least: int) -> None:
    enough = replace(facts, n_train=least * 10 // 8)
    assert waves_of(model_of(enough))
    assert not waves_of(model_of(replace(enough, n_train=enough.n_train - 2)))


def test_waves_are_of_numbers_and_of_few() -> None:
    assert not waves_of(model_of(replace(TABLE, columns=(WORDS,))))
    many = tuple(Column(f"n{i}", "number") for i in range(planned.NUMBERS_OF_WAVES + 1))
    assert waves_of(model_of(replace(TABLE, columns=many[1:])))
    assert not waves_of(model_of(replace(TABLE, columns=many)))


def test_days_have_faster_waves() -> None:
    days, week = (Column(f"at: {part}", "number", part=part) for part in ("days", "week_sin"))
    ordered = Column("size", "ordered", ("s", "m"))
    facts = replace(
        PRICES, columns=(WORDS, ordered, Column("ok", "boolean"), days, week, NUMBERS[0])
    )
    all_of_them, fast = waves_of(model_of(facts))
    assert all_of_them == nn.WavesSpec(4, **planned.WAVES)
    assert fast == nn.WavesSpec(1, **planned.FASTER, first=1)
    assert fast.base == all_of_them.base * 2**all_of_them.count
    many = (days,) * (planned.DATES_OF_WAVES + 1)
    assert len(waves_of(model_of(replace(PRICES, columns=many)))) == 1 + planned.DATES_OF_WAVES


def test_slow_waves_stay_where_faster_ones_are_too_many() -> None:
    days = Column("at: days", "number", part="days")
    facts = replace(PRICES, columns=(days, NUMBERS[0]))
    inputs = 2 + 2 * 2 * planned.WAVES["count"]
    fits = (inputs + 1) * 128 + 128 + 1
    for most, layers in ((fits - 1, 0), (fits, 1), (2 * fits, 2)):
        spec = parse({"dataset": "d", "space": RATE}, facts, caps(max_parameters=most)).spec
        assert len(waves_of(spec.model)) == layers


def test_an_image_has_neither_dropout_nor_waves() -> None:
    model = model_of(replace(FACTS, image=True, example_shape=(8, 8)))
    assert (model.optimizer, model.hidden_sizes, model.dropout) == ("adam", (128,), 0.0)
    assert not waves_of(model)


@pytest.mark.parametrize(
    ("levels", "wanted"), [(32, 32), (33, 33), (256, 256), (1000, planned.LEVELS)]
)
def test_levels_of_the_largest_category(levels: int, wanted: int) -> None:
    city = replace(WORDS, levels=tuple(map(str, range(levels))))
    assert model_of(replace(TABLE, columns=(*NUMBERS, city))).max_levels == wanted


@pytest.mark.parametrize(
    "named",
    [
        {"optimizer": "sgd"},
        {"optimizer": "momentum", "momentum": 0.5},
        {"schedule": "step"},
        {"hidden_sizes": [7, 7]},
        {"dropout": 0.0},
        {"max_levels": 5},
        {"layers": []},
        {"layers": [{"kind": "waves", "numbers": 1}]},
    ],
)
def test_what_is_named_stays(named: dict[str, Any]) -> None:
    model = model_of(model=named)
    asked = current_model().model_validate(named)
    assert all(getattr(model, name) == getattr(asked, name) for name in named)


def test_a_spec_with_a_network_of_its_own_trains_that_one() -> None:
    """The example of README, tutorial and demo."""
    asked = json.loads((ROOT / "examples" / "digits.json").read_text())
    model = parse(asked, FACTS, caps()).spec.model
    assert model == current_model().model_validate(asked["model"])


def test_a_named_optimizer_keeps_its_constant_rate() -> None:
    assert model_of(model={"optimizer": "adam"}).schedule == "constant"


def test_a_named_size_has_the_usual_inputs() -> None:
    model = model_of(model={"hidden_sizes": [50]})
    assert model.dropout == 0.0
    assert not waves_of(model)
    assert (model.optimizer, model.max_levels) == ("adam", 90)


@pytest.mark.parametrize(
    ("space", "kept"),
    [
        ({"optimizer": {"choices": ["sgd", "adam"]}}, "optimizer"),
        ({"dropout": {"low": 0.0, "high": 0.5}}, "dropout"),
        ({"hidden_units": {"low": 8, "high": 64}}, "hidden_sizes"),
        ({"hidden_sizes": {"choices": [[8], [9]]}}, "hidden_sizes"),
        ({"max_levels": {"low": 2, "high": 90}}, "max_levels"),
        ({"schedule": {"choices": ["cosine", "step"]}}, "schedule"),
    ],
)
def test_what_is_searched_is_not_planned(space: dict[str, Any], kept: str) -> None:
    model = model_of(space={**RATE, **space})
    assert getattr(model, kept) == getattr(current_model()(), kept)


@pytest.mark.parametrize(
    "space",
    [
        {"weight_decay": {"low": 1e-6, "high": 1e-2, "scale": "log"}},
        {"learning_rate": {"low": 0.05, "high": 1.0, "scale": "log"}},
        {"learning_rate": {"choices": [0.1, 0.5]}},
    ],
)
def test_rates_of_sgd_keep_sgd(space: dict[str, Any]) -> None:
    model = model_of(space=space)
    assert (model.optimizer, model.schedule) == ("sgd", "constant")


def test_choices_of_rates_may_suit_adam() -> None:
    assert model_of(space={"learning_rate": {"choices": [0.001, 0.1]}}).optimizer == "adam"


def test_a_network_is_not_wider_than_trainings_can_be_paid_for() -> None:
    large = replace(FACTS, n_train=2_000_000, features=2000, example_shape=(2000,))
    wide = model_of(large)
    assert wide.hidden_sizes == (50,)
    assert spec_of(large).epochs.last == spec_of(large, model={"hidden_sizes": [50]}).epochs.last


def test_a_network_stays_within_the_caps() -> None:
    for limits in ({"max_units": 100}, {"max_parameters": 5_000}):
        model = parse({"dataset": "d", "space": RATE}, FACTS, caps(**limits)).spec.model
        assert model.hidden_sizes == (50,)


@pytest.mark.parametrize(
    "by_hand", [{"rounds": 3}, {"epochs": {"last": 8}}, {"trials_per_round": 8}]
)
def test_a_spec_by_hand_is_not_planned(by_hand: dict[str, Any]) -> None:
    assert model_of(**by_hand) == current_model()()


def test_the_plan_says_what_it_chose_of_the_model() -> None:
    asked: dict[str, Any] = {"dataset": "d", "space": RATE, "model": {"hidden_sizes": [9]}}
    chosen = plan.chosen(asked, parse(asked, TABLE, caps()).spec)
    assert {"model.optimizer", "model.schedule", "model.max_levels"} < {*chosen}
    assert not {"model.hidden_sizes", "model.dropout", "model.learning_rate"} & {*chosen}


def test_what_was_planned_is_the_same_when_it_is_sent_again() -> None:
    spec = spec_of(PRICES)
    stored = spec.to_json()
    del stored["model"]["learning_rate"]
    assert parse(stored, PRICES, caps()).spec == spec
