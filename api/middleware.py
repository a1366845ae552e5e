"""Work around every request: checks in a fixed order before it; headers, metrics and log after it."""

from __future__ import annotations

import secrets
import time
from http import HTTPStatus

import structlog
from flask import Response, g, request
from flask_openapi3.openapi import OpenAPI

from api import body
from api.auth import Authority
from api.forwarded import client_of
from api.guards import SAFE_METHODS, allowed_hosts, check_host, check_origin, check_query
from api.metrics import EXTENSION as METRICS
from api.runtime import runtime
from hpsearch.service import SERVICE, act_as
from hpsearch.settings import Settings

_log = structlog.get_logger("api")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def install(app: OpenAPI, authority: Authority, settings: Settings) -> None:
    """Put the checks before, and headers, metrics and log behind, every request of `app`."""
    hosts = allowed_hosts(settings)

    @app.before_request
    def enter() -> None:
        """Check a request; the order of the checks matters."""
        g.started = time.perf_counter()
        g.client = client_of(request.remote_addr, request.scheme, request.headers, settings.proxies)
        g.request_id = g.client.request_id or secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        check_host(hosts)
        check_origin()
        authority.admit()
        access = authority.accesses.get(request.endpoint or "")
        # Where nothing matched, the router's 404 or 405 follows.
        if access is not None:
            check_query()
            body.check_length(access.body_limit)

    @app.after_request
    def leave(response: Response) -> Response:
        """Count, log and complete a response, errors included."""
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        app.extensions[METRICS].count(response.status_code, seconds)
        _log_request(response, seconds)
        if "principal" in g:
            body.discard_rest()
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                runtime().outage.over()  # the key was read from the database
        return _add_headers(response)

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()
        act_as(SERVICE)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers["X-Request-Id"] = g.get("request_id", "-")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _log_request(response: Response, seconds: float) -> None:
    # Polling would drown everything else: reads are for debugging.
    write = _log.debug if request.method in SAFE_METHODS else _log.info
    principal = g.get("principal")
    write(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        address=g.client.address if "client" in g else None,
        key=None if principal is None else principal.key_id,
    )
