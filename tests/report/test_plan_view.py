"""The plan of a search, as it is shown beside the document that asked for it."""

from __future__ import annotations

from support.builders import FACTS, caps

from hpsearch.report import plan
from hpsearch.spec import ResolvedSpec, SearchSpec, parse

DOCUMENT = {
    "dataset": "digits",
    "space": {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}},
}


def test_a_document_of_an_earlier_version_shows_the_defaults_that_it_got() -> None:
    """An Idempotency-Key may come again after an upgrade; what it made then had no budget."""
    stored = ResolvedSpec(SearchSpec.model_validate(DOCUMENT), FACTS)
    view = plan.view_of(stored, DOCUMENT, {})
    assert (view.budget, view.planned, len(view.rounds)) == (None, [], 4)
    now = plan.view_of(parse(DOCUMENT, FACTS, caps()), DOCUMENT, {})
    assert now.budget is not None
    assert "rounds" in now.planned
