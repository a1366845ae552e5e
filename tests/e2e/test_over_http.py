"""What a user sees over HTTP, with every process of the service behind it."""

from __future__ import annotations

import secrets
import socket

import numpy as np
import pytest
from growth.service import service
from support import prices
from support.waiting import until

from hpsearch import nn
from hpsearch.client import Client
from hpsearch.errors import HpsearchError


@pytest.fixture
def client(configured, postgres_url, broker, start, monkeypatch):
    """A client of a service with two workers."""
    key = secrets.token_urlsafe(32)
    monkeypatch.setenv("HPSEARCH_API_KEY", key)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = configured(database_url=postgres_url, redis_url=broker.url)
    api = start(settings, "api", "--port", str(port))
    start(settings, "worker", "loop")
    start(settings, "worker", "run", "--concurrency", "2")
    with Client(f"http://127.0.0.1:{port}", key) as made:

        def answers():
            assert api.alive(), api.log.read_text()
            try:
                return made.ready()
            except HpsearchError:
                return None

        until(answers, what="the API")
        yield made


def test_an_optimum_outside_the_asked_range_is_found_and_marked(client):
    """The textbook's trap: the best learning rates lie above everything that was asked for."""
    search = client.submit(
        {
            "dataset": "digits",
            "space": {
                "learning_rate": {"low": 1e-6, "high": 1e-2, "scale": "log"},
                "weight_decay": {"low": 1e-8, "high": 1e-4, "scale": "log"},
            },
            "rounds": 5,
            "trials_per_round": 24,
            "epochs": {"first": 2, "last": 4},
            "final": {"epochs": 10, "models": 3},
        }
    )
    seen = [search]

    def ended():
        seen.append(client.status(search.id, wait=5, after=seen[-1]))
        return seen[-1].finished_at is not None

    until(ended, seconds=90, what="the search")
    revisions = [view.revision for view in seen]
    assert revisions == sorted(revisions)
    assert seen[-1].state == "completed", seen[-1].reason
    result = client.result(search.id)
    best = result.ranges["learning_rate"]
    assert best.outside_asked
    assert best.high is not None
    assert best.high > 0.03
    assert any("reaches beyond" in note for note in result.health)
    assert result.test.accuracy is not None
    assert result.test.accuracy >= 0.95
    verdicts = [
        r.decisions["learning_rate"].verdict for r in client.rounds(search.id) if r.decisions
    ]
    assert verdicts[0] == "open_high"
    assert result.recommended.params["learning_rate"] > 1e-2


def test_hard_limits_are_kept(client):
    """With both limits at the edges nothing outside is ever tried."""
    space = {
        "learning_rate": {
            "low": 1e-6,
            "high": 1e-3,
            "scale": "log",
            "hard_low": 1e-6,
            "hard_high": 1e-3,
        }
    }
    search = client.submit(
        {
            "dataset": "iris",
            "model": {"hidden_sizes": [8]},
            "space": space,
            "rounds": 2,
            "trials_per_round": 16,
            "epochs": {"first": 2, "last": 3},
            "final": {"epochs": 3, "models": 2},
        }
    )
    until(lambda: client.status(search.id).finished_at, seconds=60, what="the search")
    result = client.result(search.id)
    best = result.ranges["learning_rate"]
    assert not best.outside_asked
    rates = [t.params["learning_rate"] for t in client.trials(search.id)]
    assert min(rates) >= 1e-6
    assert max(rates) <= 1e-3


def test_numbers_are_predicted_with_the_digest_of_one_process(client, tmp_path):
    """Two workers arrive where a process by itself does, whatever the jobs."""
    table = tmp_path / "prices.csv"
    table.write_text(prices.table())
    stored = client.put_dataset("prices", table, task="regression")
    assert (stored.task, stored.label, stored.classes) == ("regression", "price", [])
    search = client.submit(prices.SPEC)

    def ended():
        return client.status(search.id, wait=5).finished_at is not None

    until(ended, seconds=90, what="the search")
    result = client.result(search.id)
    assert result.objective == "rmse"
    assert result.test.accuracy is result.test.ci95 is result.test.confusion is None
    low, high = result.test.metrics["rmse"].ci95
    assert 2_000 < low < result.test.metrics["rmse"].value < high
    assert result.test.metrics["r2"].value > 0.8
    client.model(search.id, tmp_path / "model.npz")
    x, y = prices.examples()
    predicted = nn.Model.load(tmp_path / "model.npz").predict_values(x)[:, 0]
    assert np.sqrt(np.mean((predicted - y) ** 2)) < 15_000
    (tmp_path / "alone").mkdir()
    with service(tmp_path / "alone", job_size=3) as alone:
        alone.upload("prices", prices.table(), "text/csv", "?task=regression")
        again = alone.complete(prices.SPEC)
    assert result.digest == again.result["digest"] is not None
