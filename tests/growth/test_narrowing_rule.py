"""A narrowing rule with a reason of its own: it keeps the lower half of every range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from growth.service import SMALL, Service
from hpsearch.narrowing import RULES
from hpsearch.reasons import REASONS, Reason, ReasonKind
from hpsearch.space import Box, Range, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, Observation, Verdict


@dataclass(frozen=True, slots=True)
class Halved(Reason):
    """The upper half is left out, and how many trials nobody looked at."""

    name: str
    trials: int


def lower_half(
    space: Space, box: Box, observations: Sequence[Observation], model: Surrogate | None
) -> list[Decision]:
    decisions = []
    for name in space.names:
        now, reason = box[name], Halved(name, len(observations))
        assert isinstance(now, Range)
        half = now.part(0.0, 0.5)
        decisions.append(Decision(name, now, half, Verdict.NARROWED, reason))
    return decisions


HALVED = ReasonKind(Halved, lambda r: f"the lower half of {r.name}, whatever {r.trials} trials say")


def test_a_rule_decides_the_ranges(grown: Service) -> None:
    spec = {**SMALL, "narrowing": "lower_half", "finalists": {"rounds": 0}}
    with (
        REASONS.registered("halved", HALVED),
        grown.added(RULES, "lower_half", lower_half, spec, "narrowing") as ended,
    ):
        assert ended.spec["narrowing"] == "lower_half"
        explored = [r["ranges"]["learning_rate"] for r in ended.rounds if r["kind"] == "explore"]
        ends = [rate["high"] for rate in explored]
        assert ends == pytest.approx([1, 10**-1.5, 10**-2.25], rel=1e-4)
        for number, high in enumerate(ends, start=1):
            drawn = [t["params"]["learning_rate"] for t in ended.searched if t["round"] == number]
            assert 1e-3 <= min(drawn) <= max(drawn) <= high
        decided = [r["decisions"]["learning_rate"] for r in ended.rounds[:3]]
        assert [d["verdict"] for d in decided] == ["narrowed"] * 3
        assert decided[1]["reason"] == "the lower half of learning_rate, whatever 16 trials say"
        answer = ended.result["ranges"]["learning_rate"]
        assert answer["high"] == pytest.approx(10**-2.625, rel=1e-4)
        assert "the lower half of learning_rate" in answer["reason"]
        assert grown.replayed(ended.id, training=False) == []
