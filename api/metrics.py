"""Counts and latencies of requests, and the service's own figures, for Prometheus."""

from __future__ import annotations

from typing import cast

from flask import Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from api.service_metrics import ServiceMetrics
from hpsearch.service import Services

EXTENSION = "hpsearch-metrics"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A long poll lasts up to 30 s, an upload longer.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one application. Labels come from closed sets: a caller cannot add any."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "hpsearch_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "hpsearch_http_request_seconds",
            "Seconds until the answer began.",
            ["method", "route"],
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._locks = Counter(
            "hpsearch_address_locks",
            "Times that an address had sent too many invalid keys.",
            registry=self._registry,
        )
        self._database = Gauge(
            "hpsearch_database_ready",
            "1 where the database answers this process in time, and takes writes.",
            registry=self._registry,
        )
        self._of_service = CollectorRegistry()
        self._service = ServiceMetrics(self._of_service)

    def count_lock(self) -> None:
        """Count an address that is out of invalid keys."""
        self._locks.inc()

    def count(self, status: int, seconds: float) -> None:
        """Count the present request."""
        method = request.method if request.method in _METHODS else "other"
        route = request.url_rule.rule if request.url_rule is not None else "none"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(self, services: Services, *, database: bool) -> Response:
        """All metrics as text; without a `database` those of this process alone.

        The figures of the service are read anew. Old ones are never shown as today's.

        Raises
        ------
        Unavailable
            The database does not answer, although it did just now.
        """
        self._database.set(database)
        text = generate_latest(self._registry)
        if database:
            self._service.read(services)
            text += generate_latest(self._of_service)
        return Response(text, content_type=CONTENT_TYPE_LATEST)


def metrics() -> Metrics:
    """The metrics of the application that handles this request."""
    return cast("Metrics", current_app.extensions[EXTENSION])
