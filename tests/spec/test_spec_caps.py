"""Caps of the settings, and expansion that stays within them."""

from __future__ import annotations

import json

import pytest
from support.builders import FACTS, asked, caps, mistakes, resolve

from hpsearch.spec import ResolvedSpec, SearchSpec, parse
from hpsearch.workloads.dense import network_parameters


@pytest.mark.parametrize(
    ("setting", "fields", "path"),
    [
        ({"max_rounds": 3}, {}, "rounds"),
        ({"max_trials_per_round": 31}, {}, "trials_per_round"),
        ({"max_trials": 127}, {}, "trials_per_round"),
        ({"max_epochs": 7}, {"final": {"epochs": 7}}, "epochs.last"),
        ({"max_epochs": 19}, {}, "final.epochs"),
        ({"max_final_models": 4}, {}, "final.models"),
        ({"max_hidden_layers": 1}, {"model": {"hidden_sizes": [5, 5]}}, "model.hidden_sizes"),
        ({"max_units": 40}, {}, "model.hidden_sizes[0]"),
        ({"max_parameters": 3000}, {}, "model.hidden_sizes"),
        ({"max_units": 99}, {"space": {"hidden_units": {"low": 8, "high": 100}},
                             "model": {}}, "space.hidden_units.high"),
        ({"max_units": 99}, {"space": {"hidden_units": {"choices": [8, 100]}}},
         "space.hidden_units.choices[1]"),
        ({"max_units": 99},
         {"space": {"hidden_units": {"low": 8, "high": 64, "hard_high": 128}}},
         "space.hidden_units.hard_high"),
        ({"max_hidden_layers": 2}, {"space": {"hidden_layers": {"low": 1, "high": 3}}},
         "space.hidden_layers.high"),
        ({"max_hidden_layers": 1}, {"space": {"hidden_sizes": {"choices": [[5], [5, 5]]}}},
         "space.hidden_sizes.choices[1]"),
        ({"max_units": 60}, {"space": {"hidden_sizes": {"choices": [[5], [9, 70]]}}},
         "space.hidden_sizes.choices[1][1]"),
    ],
)  # fmt: skip
def test_caps_come_from_the_settings(setting, fields, path):
    assert path not in mistakes(asked(**fields))
    assert set(mistakes(asked(**fields), settings=caps(**setting))) == {path}


class TestExpansionWithinTheCaps:
    """An architecture may be searched without doing the sum of its largest network."""

    SPACE = {  # noqa: RUF012  # read only
        "hidden_units": {"low": 16, "high": 256, "scale": "log"},
        "hidden_layers": {"low": 1, "high": 3},
    }

    def test_open_limits_are_lowered_until_networks_fit(self):
        resolved = resolve(space=self.SPACE)
        units, layers = (resolved.space.dimensions[n] for n in ("hidden_units", "hidden_layers"))
        assert (units.low, units.high, layers.hard_high) == (16, 256, 5)
        assert 256 < units.hard_high < 4096
        assert resolved.workload.largest_parameters() <= 20_000_000
        assert (
            resolved.workload.largest_parameters({"hidden_units": units.hard_high + 1}) > 20_000_000
        )

    def test_the_limits_are_part_of_the_stored_spec(self):
        resolved = parse(asked(space=self.SPACE), FACTS, caps(max_units=1000))
        stored = SearchSpec.model_validate(json.loads(json.dumps(resolved.spec.to_json())))
        assert stored.space["hidden_units"].hard_high == 1000
        assert ResolvedSpec(stored, FACTS).box == resolved.box
        assert stored.space["hidden_layers"].hard_high is None

    def test_units_give_way_before_layers_and_never_below_what_was_asked(self):
        cap = network_parameters(64, (256,) * 4, 10)
        resolved = parse(asked(space=self.SPACE), FACTS, caps(max_parameters=cap))
        assert resolved.space.dimensions["hidden_units"].hard_high == 256
        assert resolved.space.dimensions["hidden_layers"].hard_high == 4
        too_few = caps(max_parameters=network_parameters(64, (256,) * 3, 10) - 1)
        assert set(mistakes(asked(space=self.SPACE), settings=too_few)) == {"space.hidden_units"}

    def test_limits_of_the_user_are_taken_at_their_word(self):
        space = {**self.SPACE, "hidden_units": {**self.SPACE["hidden_units"], "hard_high": 2500}}
        resolved = resolve(space=space)
        assert resolved.space.dimensions["hidden_layers"].hard_high == 4
        space["hidden_layers"] = {"low": 1, "high": 3, "hard_high": 9}
        assert set(mistakes(asked(space=space))) == {"space.hidden_units"}

    def test_nothing_is_written_where_nothing_had_to_give(self):
        resolved = resolve(space={"hidden_units": self.SPACE["hidden_units"]})
        assert resolved.spec.space["hidden_units"].hard_high is None
