"""A metric to minimise: how sure a network is. It ranks trials the other way round than accuracy."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from growth.service import SMALL, Service
from hpsearch.metrics import METRICS, Metric, fitting, mean_measured


def sureness(probabilities: NDArray[Any], classes: NDArray[Any]) -> float:
    """The mean over the examples of the most probable class's probability."""
    return float(probabilities.max(axis=1).mean())


SURENESS = Metric(
    title="sureness",
    task="classification",
    direction="minimise",
    unit="share",
    low=0.0,
    high=1.0,
    pooled=mean_measured,
    compute=sureness,
    needs="values",
)


def test_a_metric_ranks_the_trials(grown: Service) -> None:
    spec = {**SMALL, "objective": "sureness", "model": {"hidden_sizes": [8], "batch_size": 4}}
    with grown.added(METRICS, "sureness", SURENESS, spec, "objective") as ended:
        assert ended.spec["objective"] == ended.result["objective"] == "sureness"
        scores = [trial["score"] for trial in ended.searched]
        assert all(-1 <= score <= -1 / 3 for score in scores)
        assert ended.result["best_trial"]["score"] == max(scores)
        explored = [trial for trial in ended.in_full if trial["round"] == 1]
        went_on = min(trial["score"] for trial in explored)
        stopped = [t["curve"][-1][3] for t in ended.searched if t["state"] == "stopped"]
        assert went_on >= min(stopped)
        rate = ended.result["recommended"]["params"]["learning_rate"]
        assert rate < 0.02  # which learns next to nothing in four epochs
        assert ended.result["recommended"]["validation_accuracy"] < 0.9
        assert -0.6 < ended.result["recommended"]["score"] < -1 / 3
        test = ended.result["test"]
        assert test["metrics"]["sureness"]["direction"] == "minimise"
        low, high = test["metrics"]["sureness"]["ci95"]
        assert low < test["metrics"]["sureness"]["value"] < high
        assert test["models"][0]["objective"] == test["metrics"]["sureness"]["value"]
        assert set(test["metrics"]) == {*fitting("classification", 3)}
        assert "sureness" in test["metrics"]
        assert sum(map(sum, test["confusion"])) == sum(test["class_counts"]) == test["examples"]
        assert test["majority_share"] == max(test["class_counts"]) / test["examples"]
        assert grown.replayed(ended.id, training=True) == []
