"""The WSGI application: every route behind the same checks."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from contextlib import ExitStack

from flask_openapi3.openapi import OpenAPI

from api import body, document, middleware, problems
from api.auth import Access, Authority, Gate, check_declared
from api.auth_throttle import AuthThrottle
from api.key_usage import KeyUsage
from api.metrics import EXTENSION as METRICS
from api.metrics import Metrics
from api.rate_limiter import RateLimiter
from api.readiness import ReadinessProbe, look
from api.refused_keys import RefusedKeys
from api.routes import GROUPS
from api.routes.datasets import UPLOAD_FOLDER
from api.runtime import EXTENSION, Runtime
from hpsearch import logs
from hpsearch.service import Services
from hpsearch.settings import Settings, load
from hpsearch.wiring import build


def create_app(services: Services | None = None, settings: Settings | None = None) -> OpenAPI:
    """The API as a WSGI application.

    Without `services` the application is on its own in its process (`gunicorn
    'api:create_app()'`): it reads the settings, sets up logs, builds the services and closes
    them at exit.

    Raises
    ------
    Misconfigured
        Settings that cannot work, or a bootstrap key that was replaced or revoked.
    """
    settings = settings or load()
    alone = services is None
    if services is None:
        logs.configure(settings.log_level, process="api", secret=settings.bootstrap_key())
        stack = ExitStack()
        services = stack.enter_context(build(settings, limit=settings.transaction_seconds))
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
    gate = Gate(services, settings.bootstrap_key())
    readiness = ReadinessProbe(lambda: look(services, gate))
    refusals = RefusedKeys(services.audit.note_refusals)
    if alone:
        atexit.register(refusals.flush)  # before the services are closed
    app.extensions[EXTENSION] = Runtime(services, settings, readiness, refusals)
    metrics = app.extensions[METRICS] = Metrics()
    problems.register(app)
    for group in GROUPS:
        app.register_api(group)
    accesses = {e: a for group in GROUPS for e, a in group.accesses(settings).items()}
    check_declared(app, accesses)
    authority = _authority(services, accesses, gate, settings, metrics, readiness, refusals)
    middleware.install(app, authority, settings)
    app.extensions[document.EXTENSION] = document.Document(app)
    body.remove_stale_uploads(settings.home / UPLOAD_FOLDER)
    gate.try_open()
    return app


def _authority(
    services: Services,
    accesses: Mapping[str, Access],
    gate: Gate,
    settings: Settings,
    metrics: Metrics,
    readiness: ReadinessProbe,
    refusals: RefusedKeys,
) -> Authority:
    rate, burst = settings.requests_per_second, settings.request_burst
    limiter = RateLimiter(rate=rate, burst=burst) if rate else None
    usage = KeyUsage(services.keys.note_use)
    throttle = AuthThrottle(on_lock=metrics.count_lock)
    answers = readiness.database_answers
    return Authority(services.keys, accesses, gate, throttle, usage, refusals, limiter, answers)


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
