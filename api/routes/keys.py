"""API keys over HTTP: one's own, and for the operator of the service the work of `hpsearch keys`."""

from __future__ import annotations

from flask import Response

from api.body import json_body
from api.parameters import KeyPath, NoQuery, PageQuery
from api.request_bodies import parse_key_request
from api.responses import KeyList, NewKey, view_response
from api.routing import Routes, body_of
from api.runtime import principal, runtime
from hpsearch.origins import API
from hpsearch.report.views import KeyView, WhoamiView

routes = Routes("keys", description="One's own key; keys of every owner: make, list, revoke.")

KEYS = f"{API}/keys"


@routes.route_to("GET", f"{API}/whoami", scope="any", answers={200: WhoamiView})
def whoami(query: NoQuery) -> Response:
    """The key of this request: its owner, its scopes, and until when it is valid."""
    return view_response(runtime().services.keys.whoami(principal()))


@routes.route_to("GET", KEYS, scope="admin", answers={200: KeyList})
def keys(query: PageQuery) -> Response:
    """List every owner's keys, oldest first, without their secrets."""
    return view_response(runtime().services.keys.page(limit=query.limit, cursor=query.cursor))


@routes.route_to(
    "POST",
    KEYS,
    scope="admin",
    answers={201: NewKey},
    problems=(413, 415),
    body_limit="max_json_bytes",
    extra=body_of("KeyRequest"),
)
def create_key(query: NoQuery) -> Response:
    """Make a key. Its token is in this answer and kept nowhere."""
    state = runtime()
    wanted = parse_key_request(json_body(state.settings.max_json_bytes))
    key, token = state.services.keys.create(
        name=wanted.name,
        owner=wanted.owner or wanted.name,
        scopes=list(wanted.scopes),
        days=wanted.days,
    )
    return view_response(NewKey(**key.model_dump(), token=token), 201)


@routes.route_to(
    "POST", f"{KEYS}/<id>/revoke", scope="admin", answers={200: KeyView}, problems=(404,)
)
def revoke_key(path: KeyPath, query: NoQuery) -> Response:
    """Take a key back; it opens nothing from now on."""
    return view_response(runtime().services.keys.revoke(path.id))
