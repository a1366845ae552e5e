"""An activation, an initializer and a schedule: each a function behind a name in a spec's model."""

from __future__ import annotations

from nn.toys import Softsign

from growth.service import SMALL, Service
from hpsearch import nn


def tiny(fan_in: int, std: float, activation: str) -> float:
    return 0.1 / fan_in


def late(epoch: float, epochs: int, every: int, gamma: float) -> float:
    """No step in the first epoch."""
    return float(epoch >= 1)


def test_an_activation_an_initializer_and_a_schedule(grown: Service) -> None:
    names = {"activation": "softsign", "initializer": "tiny", "schedule": "late"}
    spec = {**SMALL, "model": {**SMALL["model"], **names}}
    with (
        nn.INITIALIZERS.registered("tiny", tiny),
        nn.SCHEDULES.registered("late", late),
        grown.added(nn.ACTIVATIONS, "softsign", Softsign, spec, "model.activation") as ended,
    ):
        assert ended.spec["model"] | names == ended.spec["model"]
        for trial in ended.in_full:
            first, second = (point[1] for point in trial["curve"][:2])
            assert abs(first - 1.0986) < 0.01  # log 3: the weights are tiny still
            assert second < first
        assert ended.result["test"]["accuracy"] > 0.7
        assert grown.replayed(ended.id, training=True) == []
    assert set(grown.refused(spec)) == {f"model.{name}" for name in names}
