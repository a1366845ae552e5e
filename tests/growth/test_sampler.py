"""A sampler: an even grid of learning rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from growth.service import SMALL, Service
from hpsearch.samplers import SAMPLERS, Sampler
from hpsearch.space import Box, Params, Range, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation


def propose_grid(
    space: Space,
    box: Box,
    seen: Sequence[Observation],
    model: Surrogate | None,
    count: int,
    rng: np.random.Generator,
) -> list[Params]:
    """`count` values at even distances on the range's scale."""
    rate = box["learning_rate"]
    assert isinstance(rate, Range)
    return [{"learning_rate": rate.from_unit((i + 0.5) / count)} for i in range(count)]


def test_a_sampler_draws_the_trials(grown: Service) -> None:
    spec = {**SMALL, "sampler": "grid", "narrowing": "quantile"}  # which repeats nothing
    with grown.added(SAMPLERS, "grid", Sampler(propose_grid), spec, "sampler") as ended:
        assert ended.spec["sampler"] == "grid"
        for explored in ended.rounds[:2]:
            rate = explored["ranges"]["learning_rate"]
            grid = np.geomspace(rate["low"], rate["high"], 17)[1::2]
            trials = [t for t in ended.searched if t["round"] == explored["number"]]
            assert sorted(t["params"]["learning_rate"] for t in trials) == pytest.approx(
                grid, rel=1e-5
            )
        assert grown.replayed(ended.id, training=False) == []
