"""Trials that are trained elsewhere: claim, heartbeat, report."""

from __future__ import annotations

import time
from typing import Any

from flask import Response

from api.body import json_body
from api.parameters import MAX_WAIT_SECONDS, ClaimQuery, NoQuery, SearchPath, TrialPath
from api.request_bodies import parse_heartbeat, parse_trial_report
from api.responses import empty_response, view_response
from api.routes.searches import SEARCH
from api.routing import Routes, body_of
from api.runtime import SLICE_SECONDS, owner, runtime
from hpsearch.report.views import HeartbeatView, OrderView, VerdictView

routes = Routes(
    "external", description="Train elsewhere: claim a trial, report its scores, be told to stop."
)

TRIALS = f"{SEARCH}/trials"
DIVERGED = 'report "state": "diverged" for a score that is not finite, and leave other fields out'


@routes.route_to(
    "POST",
    f"{TRIALS}/claim",
    scope="submit",
    answers={200: OrderView, 204: None},
    problems=(404, 409),
)
def claim_trial(path: SearchPath, query: ClaimQuery) -> Response:
    """Claim the next trial of an external search.

    204 where none is open now, after `wait` seconds: all are being trained, the next round is
    being decided, or the search is paused. 409 once it has ended.
    """
    state, end = runtime(), time.monotonic() + min(query.wait, MAX_WAIT_SECONDS)
    # Where as many clients wait as may, this one is answered at once.
    waiting = query.wait > 0 and state.waiters.acquire(blocking=False)
    try:
        while True:
            left = max(0.0, end - time.monotonic()) if waiting else 0.0
            order = state.services.external.claim(
                path.id, owner=owner(), lease=query.lease, seconds=min(left, SLICE_SECONDS)
            )
            if order is not None:
                return view_response(order)
            if left <= SLICE_SECONDS or state.stopping.is_set():
                return empty_response()
    finally:
        if waiting:
            state.waiters.release()


@routes.route_to(
    "POST",
    f"{TRIALS}/<trial>/heartbeat",
    scope="submit",
    answers={200: HeartbeatView},
    problems=(404, 409, 413, 415),
    body_limit="max_json_bytes",
    extra=body_of("TrialHeartbeat"),
)
def beat_trial(path: TrialPath, query: NoQuery) -> Response:
    """Keep a trial: its lease begins anew. 409 once it is not yours any more."""
    token = parse_heartbeat(_body(path)).token
    external = runtime().services.external
    return view_response(external.heartbeat(path.id, path.trial, token, owner=owner()))


@routes.route_to(
    "POST",
    f"{TRIALS}/<trial>/report",
    scope="submit",
    answers={200: VerdictView},
    problems=(404, 409, 413, 415, 422),
    body_limit="max_json_bytes",
    extra=body_of("TrialReportBody"),
)
def report_trial(path: TrialPath, query: NoQuery) -> Response:
    """Report a score of a trial, or that it came to nothing; the answer says whether to stop.

    The score after the last epoch ends the trial, and so does a state. The same report again
    changes nothing; 409 where the trial is not yours any more, or the epoch has another score,
    also after the trial has ended.
    """
    update = parse_trial_report(_body(path))
    external = runtime().services.external
    return view_response(external.report(path.id, path.trial, update, owner=owner()))


def _body(path: TrialPath) -> Any:
    """The body of a request; its mistakes are named only to an owner of the search."""
    state = runtime()
    data: Any = json_body(
        state.settings.max_json_bytes, not_finite=DIVERGED, checked_later=("metrics", "cost")
    )
    state.services.external.check(path.id, owner=owner())
    return data
