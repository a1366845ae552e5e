"""The weight of a spec: what it means, what is stored of it, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.builders import FACTS, asked, mistakes, resolve

from hpsearch.metrics import METRICS
from hpsearch.spec import ResolvedSpec
from hpsearch.spec.models import SearchSpec

WEIGHED = replace(FACTS, weight="w", n_counted=100)


@pytest.mark.parametrize(
    ("fields", "stored"), [({}, "w"), ({"weight": "auto"}, "w"), ({"weight": "w"}, "w"),
                           ({"weight": None}, None)],
)  # fmt: skip
def test_a_stored_spec_says_which_weight(fields: dict, stored: str | None) -> None:
    resolved = resolve(facts=WEIGHED, **fields)
    data = resolved.spec.to_json()
    assert data["weight"] == stored == resolved.weight
    assert SearchSpec.model_validate(data) == resolved.spec
    assert ResolvedSpec(SearchSpec.model_validate(data), WEIGHED).weight == stored


@pytest.mark.parametrize("fields", [{}, {"weight": "auto"}, {"weight": None}])
def test_without_a_weight_column_it_is_stored_as_before(fields: dict) -> None:
    resolved = resolve(**fields)
    assert "weight" not in resolved.spec.to_json()
    assert resolved.weight is None


@pytest.mark.parametrize("facts", [FACTS, WEIGHED])
def test_another_column_is_refused_with_the_way_out(facts) -> None:
    said = mistakes(asked(weight="price"), facts=facts)["weight"]
    assert "'price' is no weight of 'digits'" in said
    assert "upload again with weight=price" in said
    assert ("'w'" in said) is (facts is WEIGHED)


def test_an_external_search_has_none() -> None:
    data = {**asked(weight="w", objective="external")}
    del data["dataset"]
    assert "trained by its caller" in mistakes(data)["weight"]


def test_folds_are_of_the_rows_that_count() -> None:
    facts = replace(WEIGHED, n_counted=12)
    assert "need 20 training examples, got 12" in mistakes(
        asked(validation={"folds": 20}), facts=facts
    )["validation.folds"]  # fmt: skip
    assert not mistakes(asked(validation={"folds": 20}, weight=None), facts=facts)


def test_a_metric_that_takes_no_weights_is_no_objective() -> None:
    at_once = replace(METRICS["roc_auc"], bind=None)
    with METRICS.registered("at_once", at_once):
        said = mistakes(asked(objective="at_once"), facts=WEIGHED)["objective"]
        assert "at_once takes no weights: take accuracy" in said
        assert not mistakes(asked(objective="at_once"))
        assert not mistakes(asked(objective="at_once", weight=None), facts=WEIGHED)
