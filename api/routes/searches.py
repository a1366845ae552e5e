"""Searches: submit, watch, read, steer, remove."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from flask import Response, request

from api.body import json_body
from api.parameters import (
    MAX_WAIT_SECONDS,
    EditQuery,
    IdempotencyHeader,
    IfMatchHeader,
    IfNoneMatchHeader,
    NoQuery,
    PageQuery,
    SearchesQuery,
    SearchPath,
    StatusQuery,
    SubmitQuery,
    TrialsQuery,
)
from api.request_bodies import parse_operation, parse_sharing
from api.responses import RoundList, SearchList, empty_response, json_response, view_response
from api.routing import Answer, Handler, Routes, body_of, content
from api.runtime import SLICE_SECONDS, owner, principal, reader, runtime
from api.trials_csv import trials_csv
from hpsearch.errors import Forbidden, Stale
from hpsearch.origins import API
from hpsearch.records import Reader
from hpsearch.report.views import HealthView, ResultView, StatusView, SubmittedView

routes = Routes("searches", description="Submit a search, watch it, read its answer.")

SEARCHES = f"{API}/searches"
SEARCH = f"{SEARCHES}/<id>"

_REVISION = re.compile(r"[0-9]{1,15}")

_TRIALS: Answer = {
    "description": "One page of trials, or every trial as CSV.",
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/TrialList"}},
        "text/csv": {"schema": {"type": "string"}},
    },
}
_SPEC: Answer = content("application/json", "A spec.", {"$ref": "#/components/schemas/SearchSpec"})
_SUBMITTED: Answer = {
    "description": "The search that this Idempotency-Key has made; with ?dry_run=true the plan.",
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    {"$ref": "#/components/schemas/SubmittedView"},
                    {"$ref": "#/components/schemas/PlanView"},
                ]
            }
        }
    },
}
_EDIT_ANSWER: Answer = {
    "description": "The status; with ?dry_run=true what the next round would be.",
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    {"$ref": "#/components/schemas/StatusView"},
                    {"$ref": "#/components/schemas/NextRoundView"},
                ]
            }
        }
    },
}


@routes.route_to(
    "POST",
    SEARCHES,
    scope="submit",
    answers={201: SubmittedView, 200: _SUBMITTED},
    problems=(409, 413, 415, 422),
    body_limit="max_json_bytes",
    extra=body_of("SearchSpec"),
)
def submit(header: IdempotencyHeader, query: SubmitQuery) -> Response:
    """Submit a search.

    201 with the new search and its Location; 200 where this Idempotency-Key has been used for
    the same spec before. The answer has the plan: rounds, trials and rungs as they follow from the
    budget, or from the fields that the spec names. With `dry_run` nothing is stored, and the answer
    is the plan alone, with 200.
    """
    state = runtime()
    data: Any = json_body(state.settings.max_json_bytes)
    if query.dry_run:
        return view_response(state.services.searches.plan(data, owner=owner()))
    status, created = state.services.searches.submit(
        data, owner=owner(), idempotency_key=header.idempotency_key
    )
    return _status(status, code=201 if created else 200, location=f"{SEARCHES}/{status.id}")


@routes.route_to("GET", SEARCHES, scope="read", answers={200: SearchList})
def searches(query: SearchesQuery) -> Response:
    """List searches, newest first: all, or those that a state, tags, a text and a time select.

    One's own; with `shared` those that others let this key's owner read; with `everyone` those of
    every owner, for which the key needs the scope operate as well.
    """
    if query.everyone and "operate" not in principal().scopes:
        raise Forbidden("everyone=true needs a key with the scopes read and operate")
    mine = not query.everyone and not query.shared
    granted = Reader(owner(), everyone=query.everyone)
    return view_response(
        runtime().services.searches.list(
            owner=owner() if mine else granted,
            others=query.shared,
            state=query.state,
            tags=query.tag,
            words=query.q,
            since=query.since,
            limit=query.limit,
            cursor=query.cursor,
        )
    )


@routes.route_to("GET", SEARCH, scope="read", answers={200: StatusView, 304: None}, problems=(404,))
def status(path: SearchPath, query: StatusQuery, header: IfNoneMatchHeader) -> Response:
    """Status of a search.

    The ETag is the revision. With `wait` the answer comes as soon as the revision differs from
    the one in If-None-Match (without it: from the present one), or when the time is over.
    """
    current = runtime().services.searches.status(path.id, owner=reader())
    conditional = "If-None-Match" in request.headers
    if query.wait > 0 and (not conditional or _is_known(current)):
        current = _wait(current, min(query.wait, MAX_WAIT_SECONDS))
    if conditional and _is_known(current):
        return Response(status=304, headers={"ETag": _etag(current)})
    return _status(current)


@routes.route_to("GET", f"{SEARCH}/rounds", scope="read", answers={200: RoundList}, problems=(404,))
def rounds(path: SearchPath, query: PageQuery) -> Response:
    """List the rounds: the ranges, the outcome and the decisions of each."""
    searches = runtime().services.searches
    return view_response(
        searches.rounds(path.id, owner=reader(), limit=query.limit, cursor=query.cursor)
    )


@routes.route_to(
    "GET",
    f"{SEARCH}/trials",
    scope="read",
    answers={200: _TRIALS},
    problems=(404,),
)
def trials(path: SearchPath, query: TrialsQuery) -> Response:
    """Trials, page by page; with Accept: text/csv all of them at once."""
    if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
        return trials_csv(runtime().services.searches, path.id, owner=reader(), query=query)
    return view_response(
        runtime().services.searches.trials(
            path.id,
            owner=reader(),
            round=query.round,
            state=query.state,
            sort=query.sort,
            curve=query.curve,
            limit=query.limit,
            cursor=query.cursor,
        )
    )


@routes.route_to(
    "GET", f"{SEARCH}/result", scope="read", answers={200: ResultView}, problems=(404, 409)
)
def result(path: SearchPath, query: NoQuery) -> Response:
    """The best range and its test score; 409 until the search is completed."""
    return view_response(runtime().services.searches.result(path.id, owner=reader()))


@routes.route_to(
    "GET", f"{SEARCH}/health", scope="read", answers={200: HealthView}, problems=(404,)
)
def health(path: SearchPath, query: NoQuery) -> Response:
    """Findings about a search in any state: what, the number behind it, and what to do."""
    return view_response(runtime().services.searches.health(path.id, owner=reader()))


@routes.route_to("GET", f"{SEARCH}/spec", scope="read", answers={200: _SPEC}, problems=(404,))
def spec(path: SearchPath, query: NoQuery) -> Response:
    """The spec as it is now, edits and defaults written out; it can be submitted again."""
    return json_response(runtime().services.searches.spec(path.id, owner=reader()))


@routes.route_to(
    "PATCH",
    SEARCH,
    scope="submit",
    answers={200: _EDIT_ANSWER},
    problems=(404, 409, 412, 413, 415, 422),
    body_limit="max_json_bytes",
    extra=body_of("SearchEdit"),
)
def edit(path: SearchPath, header: IfMatchHeader, query: EditQuery) -> Response:
    """Edit a search that runs, from the next round on; its tags and note at any time.

    What has been trained is kept and used. With `dry_run` nothing is stored, and the answer is
    what the next round would be; 409 once the search is finalizing or has ended.
    """
    state, revision = runtime(), _expected_revision()
    changes: Any = json_body(state.settings.max_json_bytes)
    searches = state.services.searches
    if query.dry_run:
        preview = searches.preview(path.id, changes, owner=owner(), if_revision=revision)
        return view_response(preview)
    return _status(searches.edit(path.id, changes, owner=owner(), if_revision=revision))


def _steering(action: str) -> Callable[[Handler], Handler]:
    """Declare the decorated function as the handler of `POST .../action`."""
    return routes.route_to(
        "POST",
        f"{SEARCH}/{action}",
        scope="submit",
        answers={200: StatusView},
        problems=(404, 409, 412),
    )


@_steering("pause")
def pause(path: SearchPath, header: IfMatchHeader, query: NoQuery) -> Response:
    """Pause: running jobs end, no new ones begin."""
    searches, revision = runtime().services.searches, _expected_revision()
    return _status(searches.pause(path.id, owner=owner(), if_revision=revision))


@_steering("resume")
def resume(path: SearchPath, header: IfMatchHeader, query: NoQuery) -> Response:
    """Resume a paused search, or the final test of a failed one."""
    searches, revision = runtime().services.searches, _expected_revision()
    return _status(searches.resume(path.id, owner=owner(), if_revision=revision))


@_steering("cancel")
def cancel(path: SearchPath, header: IfMatchHeader, query: NoQuery) -> Response:
    """Cancel for good; what has been found stays readable."""
    searches, revision = runtime().services.searches, _expected_revision()
    return _status(searches.cancel(path.id, owner=owner(), if_revision=revision))


@routes.route_to(
    "PUT",
    f"{SEARCH}/sharing",
    scope="submit",
    answers={200: StatusView},
    problems=(404, 412, 413, 415),
    body_limit="max_json_bytes",
    extra=body_of("SharingRequest"),
)
def share(path: SearchPath, header: IfMatchHeader, query: NoQuery) -> Response:
    """Let owners read a search, and no others: those who are named, or all.

    They read its status, rounds, trials, result, model, figures and spec, and change nothing.
    """
    state, revision = runtime(), _expected_revision()
    asked = parse_sharing(json_body(state.settings.max_json_bytes))
    searches = state.services.searches
    return _status(searches.share(path.id, asked.sharing, owner=owner(), if_revision=revision))


@routes.route_to(
    "POST",
    f"{SEARCH}/operate",
    scope="operate",
    answers={200: StatusView},
    problems=(404, 409, 413, 415),
    body_limit="max_json_bytes",
    extra=body_of("OperateRequest"),
)
def operate(path: SearchPath, query: NoQuery) -> Response:
    """Pause, resume or cancel a search of any owner, who reads the reason in its status."""
    state = runtime()
    asked = parse_operation(json_body(state.settings.max_json_bytes))
    searches = state.services.searches
    return _status(searches.operate(path.id, asked.action, reason=asked.reason, owner=reader()))


@routes.route_to("DELETE", SEARCH, scope="submit", answers={204: None}, problems=(404, 409, 412))
def delete(path: SearchPath, header: IfMatchHeader, query: NoQuery) -> Response:
    """Remove an ended search and all its rows."""
    searches, revision = runtime().services.searches, _expected_revision()
    current = searches.status(path.id, owner=owner())
    if revision is not None and current.revision != revision:
        raise Stale(f"the search is at revision {current.revision}, not {revision}; read it again")
    searches.delete(path.id, owner=owner())
    return empty_response()


def _status(current: StatusView, *, code: int = 200, location: str | None = None) -> Response:
    response = view_response(current, code, ETag=_etag(current))
    if location is not None:
        response.headers["Location"] = location
    return response


def _etag(current: StatusView) -> str:
    return f'"{current.revision}"'


def _is_known(current: StatusView) -> bool:
    return request.if_none_match.contains_weak(str(current.revision))


def _wait(current: StatusView, seconds: float) -> StatusView:
    """The status once it differs from `current`, or after `seconds`; at once if it is the last.

    Where as many clients wait as may, this one is answered at once.
    """
    state = runtime()
    if not state.waiters.acquire(blocking=False):
        return current
    try:
        end, revision = time.monotonic() + seconds, current.revision
        while current.revision == revision and current.finished_at is None:
            if state.stopping.is_set():
                break
            rest = end - time.monotonic()
            if rest <= 0:
                break
            current = state.services.searches.wait(
                current.id, owner=reader(), revision=revision, seconds=min(rest, SLICE_SECONDS)
            )
        return current
    finally:
        state.waiters.release()


def _expected_revision() -> int | None:
    """The revision that If-Match names; None where any revision is accepted."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    tags = request.if_match.as_set()
    tag = next(iter(tags), "")
    if len(tags) != 1 or not _REVISION.fullmatch(tag):
        raise Stale(
            f"If-Match {request.headers['If-Match'][:40]!r} is no ETag of a status; send the one "
            'that the status answered with, such as "3"'
        )
    return int(tag)
