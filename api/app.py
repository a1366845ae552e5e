"""The application: every route behind the same few doors, in the order they are passed."""

from __future__ import annotations

import atexit
import time
from collections.abc import Mapping
from contextlib import ExitStack

import structlog
from flask import Response, g, request
from flask_openapi3.openapi import OpenAPI

from api import body, document, problems
from api.auth import Access, Authority, Gate, check_declared
from api.border import (
    SAFE_METHODS,
    add_headers,
    allowed_hosts,
    check_host,
    check_origin,
    check_query,
    new_request_id,
)
from api.buckets import Buckets
from api.failures import Failures
from api.metrics import EXTENSION as METRICS
from api.metrics import Metrics
from api.routes import GROUPS
from api.routes.datasets import UPLOAD_FOLDER
from api.runtime import EXTENSION, Runtime
from api.usage import Usage
from hpsearch import logs
from hpsearch.service import Services
from hpsearch.settings import Settings, load
from hpsearch.wiring import build

_log = structlog.get_logger("api")


def create_app(services: Services | None = None, settings: Settings | None = None) -> OpenAPI:
    """The API as a WSGI application.

    Without `services` the application is on its own in its process (`gunicorn
    'api:create_app()'`): it reads the settings, sets up logs, builds the services and closes
    them at exit.

    Raises
    ------
    Misconfigured
        Settings that cannot work.
    """
    settings = settings or load()
    if services is None:
        logs.configure(settings.log_level, process="api", secret=settings.bootstrap_key())
        stack = ExitStack()
        services = stack.enter_context(build(settings))
        atexit.register(stack.close)
    # No static folder, no doc_ui: the pages are routes like all others, with a declared scope.
    app = OpenAPI(
        "api",
        info=document.info(),
        security_schemes=document.SECURITY_SCHEMES,
        doc_ui=False,
        static_folder=None,
        validation_error_status=400,
        validation_error_model=problems.Problem,
        validation_error_callback=problems.refuse_parameters,
    )
    _configure(app, settings)
    app.extensions[EXTENSION] = Runtime(services, settings)
    app.extensions[METRICS] = Metrics()
    problems.register(app)
    for group in GROUPS:
        app.register_api(group)
    accesses = {e: a for group in GROUPS for e, a in group.accesses(settings).items()}
    check_declared(app, accesses)
    gate = Gate(services, settings.bootstrap_key())
    _install_doors(app, _authority(services, accesses, gate, settings), settings)
    app.extensions[document.EXTENSION] = document.build(app)
    body.sweep(settings.home / UPLOAD_FOLDER)
    gate.try_open()
    return app


def _authority(
    services: Services, accesses: Mapping[str, Access], gate: Gate, settings: Settings
) -> Authority:
    rate, burst = settings.requests_per_second, settings.request_burst
    rates = Buckets(rate=rate, burst=burst) if rate else None
    usage = Usage(services.keys.note_use)
    return Authority(services.keys, accesses, gate, Failures(), usage, rates)


def _configure(app: OpenAPI, settings: Settings) -> None:
    # Bodies are read by api.body against each route's own cap; this is the second wall.
    app.config["MAX_CONTENT_LENGTH"] = max(settings.max_json_bytes, settings.max_upload_bytes)
    app.config["MAX_FORM_MEMORY_SIZE"] = 65_536
    app.config["MAX_FORM_PARTS"] = 20
    # OPTIONS would answer for routes that do not declare it, and there is no CORS to serve.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # A path means one thing: no redirects from its variants.
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False


def _install_doors(app: OpenAPI, authority: Authority, settings: Settings) -> None:
    hosts = allowed_hosts(settings)

    @app.before_request
    def enter() -> None:
        """Every request passes here first; the order matters."""
        g.started = time.perf_counter()
        g.request_id = new_request_id()
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
        """Every response passes here last, errors included."""
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        app.extensions[METRICS].count(response.status_code, seconds)
        _log_request(response, seconds)
        if "principal" in g:
            body.discard_rest()
        return add_headers(response)

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()


def _log_request(response: Response, seconds: float) -> None:
    # Polling would drown everything else: reads are for debugging.
    write = _log.debug if request.method in SAFE_METHODS else _log.info
    who = g.get("principal")
    write(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        key=None if who is None else who.key_id,
    )
