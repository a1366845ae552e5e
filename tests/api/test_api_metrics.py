"""GET /metrics: the service's own figures, as Prometheus reads them."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import create_app
from hpsearch import disks
from hpsearch.service import Services
from hpsearch.settings import Settings


def read(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """Every sample by name and label values."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_disk_that_is_gone_takes_no_other_figure_along(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks.shutil, "disk_usage", Mock(side_effect=OSError("stale handle")))
    token = services.keys.create(name="t", owner="t", scopes=["admin", "read"])[1]
    http = create_app(services, settings).test_client()
    answer = http.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert 'hpsearch_disk_free_bytes{place="home"} NaN' in answer.text
    assert "hpsearch_workers" in answer.text


def test_a_scrape_tells_queue_workers_and_throughput(
    client: httpx.Client, spec: dict[str, Any], complete: Any, services: Any, eventually: Any
) -> None:
    services.jobs.register("a-worker", host="here", pid=1, fingerprint={})
    services.jobs.beat("a-loop", host="here", pid=1)
    first = read(client)
    assert first[("hpsearch_workers",)] >= 1
    assert first[("hpsearch_loops",)] >= 1
    assert first[("hpsearch_disk_free_bytes", "home")] > 0
    assert first[("hpsearch_searches", "completed")] >= 0

    made = client.post("/api/v1/searches", json=spec)
    assert made.status_code == 201
    services.jobs.advance_due()
    queued = read(client)
    depth = queued[("hpsearch_queue_depth", "jobs")]
    assert depth > first[("hpsearch_queue_depth", "jobs")]
    assert queued[("hpsearch_jobs", "jobs", "queued")] >= depth
    assert queued[("hpsearch_oldest_queued_seconds", "jobs")] > 0
    assert queued[("hpsearch_searches", "running")] >= 1

    status = complete(client, spec)
    trials = spec["rounds"] * spec["trials_per_round"]

    # An event is counted once it is two seconds old: those of earlier tests come first.
    def counted() -> Any:
        now = read(client)

        def gained(name: str, *labels: str) -> float:
            key = (f"hpsearch_{name}_total", *labels)
            return now.get(key, 0) - first.get(key, 0)

        whole = (
            gained("trials_trained") >= trials
            and gained("epochs_trained") >= status["epochs"]["trained"]
            and gained("job_events", "done") >= 3
            and gained("search_events", "completed") >= 1
        )
        return now if whole else None

    after = eventually(counted, seconds=30)
    assert after[("hpsearch_searches", "completed")] > first[("hpsearch_searches", "completed")]
