"""Routes for operators: health, readiness, metrics."""

from __future__ import annotations

import structlog
from flask import Response, g

from api.metrics import metrics
from api.parameters import NoQuery
from api.problems import problem
from api.readiness import Seen
from api.responses import Health, Readiness, view_response
from api.routing import Routes, content
from api.runtime import runtime
from hpsearch.errors import Mistake, Unavailable

_log = structlog.get_logger("api")

routes = Routes("operations", description="Health, readiness and metrics.")


@routes.route_to("GET", "/healthz", scope="public", answers={200: Health})
def healthz(query: NoQuery) -> Response:
    """The process answers; nothing else is asked."""
    return view_response(Health(status="ok"))


@routes.route_to("GET", "/readyz", scope="public", answers={200: Readiness})
def readyz(query: NoQuery) -> Response:
    """Database and migrations are ready; 503 names the parts that are not.

    A process that was told to stop is not ready, and still serves for a while (`drain_seconds`).
    """
    stopping = runtime().draining.is_set()
    seen = Seen({"process": "is stopping"}) if stopping else runtime().readiness.seen()
    missing = [
        # The route is public, and what a database driver says names hosts and users.
        Mistake(name, "does not answer" if name == "database" else state)
        for name, state in seen.wrong.items()
    ]
    if seen.installation is not None:
        ready = Readiness(status="ready", parts=dict(seen.parts), installation=seen.installation)
        return view_response(ready)
    _log.debug("not ready", **seen.parts)
    return problem(
        503,
        kind="not-ready",
        title=Unavailable.title,
        detail=f"not ready: {', '.join(m.path for m in missing)}",
        mistakes=missing,
    )


@routes.route_to(
    "GET",
    "/metrics",
    scope="read",
    answers={200: content("text/plain", "Prometheus text format.")},
)
def metrics_text(query: NoQuery) -> Response:
    """The queue, searches, workers, throughput, and latencies by route, for Prometheus.

    Where the database does not answer, a key that has read them within the last day still reads
    what this process knows by itself.
    """
    # As it was when the key was judged: one that was let in without the database reads nothing of it.
    return metrics().render(runtime().services, database=g.get("database_answers", False))
