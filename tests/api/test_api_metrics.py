"""GET /metrics: the service's own figures, as Prometheus reads them."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import create_app
from hpsearch import disks
from hpsearch.errors import NoDatabase
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


def test_without_a_database_a_scraper_reads_what_the_process_knows(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [services.keys.create(name="t", owner="t", scopes=["read"]) for _ in range(3)]
    scraper, revoked, stranger = (token for _, token in made)
    http = create_app(services, settings).test_client()

    def get(token: str, path: str = "/metrics") -> Any:
        return http.get(path, headers={"Authorization": f"Bearer {token}"})

    well = get(scraper).text
    assert "hpsearch_database_ready 1.0" in well
    assert get(revoked).status_code == 200
    services.keys.revoke(made[1][0].id)
    assert get(revoked).status_code == 401
    gone = NoDatabase("it is gone")
    monkeypatch.setattr(services.store, "read", Mock(side_effect=gone))
    monkeypatch.setattr(services.store, "write", Mock(side_effect=gone))
    monkeypatch.setattr(services.store, "revision", Mock(side_effect=gone))
    answer = get(scraper)
    assert answer.status_code == 200
    assert "hpsearch_database_ready 0.0" in answer.text
    assert "hpsearch_http_requests_total" in answer.text
    assert "hpsearch_workers" not in answer.text, "an old figure is none of today"
    assert [get(token).status_code for token in (revoked, stranger)] == [401, 503]
    assert get(scraper, "/api/v1/searches").status_code == 503
    monkeypatch.undo()
    assert "hpsearch_workers" in get(scraper).text


def test_hints_that_nobody_sends_are_seen(
    client: httpx.Client, spec: dict[str, Any], services: Services
) -> None:
    assert client.post("/api/v1/searches", json=spec).status_code == 201
    services.jobs.advance_due()
    assert read(client)[("hpsearch_hints_unsent",)] > 0
    services.jobs.published(services.jobs.hints())
    assert read(client)[("hpsearch_hints_unsent",)] == 0


def test_what_alerts_count_begins_with_nothing(client: httpx.Client) -> None:
    """Prometheus sees the first one only after a 0."""
    figures = read(client)
    for event in ("failed", "webhook_given_up"):
        assert ("hpsearch_search_events_total", event) in figures
    assert ("hpsearch_job_events_total", "lost") in figures
    assert ("hpsearch_address_locks_total",) in figures


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
