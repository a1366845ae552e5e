"""Whatever is sent: a search or an invalid spec, never another error."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st
from spec.spec_tables import FIXED, LOG
from support.builders import FACTS, asked, caps, mistakes

from hpsearch.errors import Mistake
from hpsearch.space import box_from_json, box_to_json
from hpsearch.spec import SearchSpec, parse
from hpsearch.workloads import DatasetFacts
from hpsearch.workloads.dense import hyperparameters

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                 max_size=4),
    max_leaves=15,
)  # fmt: skip
DIMENSIONS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"low": st.floats() | st.integers(), "high": st.floats() | st.integers()},
        optional={
            "scale": st.sampled_from(["log", "linear"]), "integer": st.booleans(),
            "hard_low": st.floats(), "hard_high": st.floats(),
        },
    ),
    st.fixed_dictionaries({"choices": st.lists(JSON, max_size=4)}),
)  # fmt: skip
NAMES = st.sampled_from(sorted(hyperparameters())) | st.text(max_size=5)
SPECS = st.fixed_dictionaries(
    {"dataset": st.just("digits") | JSON, "space": st.dictionaries(NAMES, DIMENSIONS, max_size=4)},
    optional={
        "model": JSON | st.dictionaries(st.sampled_from(sorted(FIXED)), JSON, max_size=3),
        "rounds": JSON, "trials_per_round": JSON, "seed": JSON, "name": JSON,
        "epochs": JSON | st.dictionaries(st.sampled_from(["first", "last"]), JSON),
        "final": JSON | st.dictionaries(st.sampled_from(["epochs", "models"]), JSON),
        "validation_fraction": JSON, "sampler": JSON, "narrowing": JSON,
    },
)  # fmt: skip


@given(SPECS | JSON, st.sampled_from([FACTS, DatasetFacts("d", 2, 1, 2), Mistake("dataset", "no")]))
@example(asked(space={"batch_size": {"choices": [10**400]}}), FACTS)
@example(asked(space={"learning_rate": {"low": 1e-321, "high": 1.0, "scale": "log"}}), FACTS)
@example(asked(space={"\ud800": LOG}, model={"\ud800": 1}), FACTS)
def test_whatever_is_sent_is_a_search_or_an_invalid_spec(data, facts):
    if mistakes(data, facts=facts):
        return
    resolved = parse(data, facts, caps())
    stored = SearchSpec.model_validate(json.loads(json.dumps(resolved.spec.to_json())))
    assert stored == resolved.spec
    assert box_from_json(box_to_json(resolved.box)) == resolved.box
    for name, dimension in resolved.box.items():
        for value in (getattr(dimension, "hard_low", None), getattr(dimension, "hard_high", None)):
            assert value is None or hyperparameters()[name].accepts(value)
