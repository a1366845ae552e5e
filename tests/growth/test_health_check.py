"""A health check: round numbers of examples are suspicious."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from growth.service import SMALL, Service
from hpsearch.report.health import CHECKS
from hpsearch.report.views import HealthNote


def roundness(records: Any) -> Iterator[HealthNote]:
    examples = records.resolved.facts.n_train
    if examples % 10 == 0:
        yield HealthNote(
            code="round_number",
            severity="info",
            message=f"{examples} training examples are a suspiciously round number",
            numbers={"examples": examples, "models": len(records.models)},
            advice="count them",
        )


def test_a_check_adds_its_note(grown: Service) -> None:
    before = grown.complete(SMALL)
    with CHECKS.registered("roundness", roundness):
        ended = grown.complete(SMALL)
        note = ended.health[-1]
        assert note["code"] == "round_number"
        assert note["numbers"] == {"examples": 120, "models": 3}
        sentence = "120 training examples are a suspiciously round number; count them"
        assert ended.result["health"][-1] == sentence
        assert (
            sentence.partition(";")[0]
            in grown.raw("GET", f"/api/v1/searches/{ended.id}/report").text
        )
        assert [n["code"] for n in before.health] == [n["code"] for n in ended.health[:-1]]
    assert "round_number" not in grown.raw("GET", f"/api/v1/searches/{ended.id}/health").text
    assert ended.result["digest"] == before.result["digest"]
