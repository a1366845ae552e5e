"""Keys and scopes: every route and every method, without a key, with a bad one, a weak one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pytest
from flask_openapi3.openapi import OpenAPI

from api import create_app
from api.auth import check_declared
from hpsearch.errors import Misconfigured
from hpsearch.service import Services
from hpsearch.settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PUBLIC = {"/", "/docs", "/openapi.json", "/healthz", "/readyz", "/assets/<name>"}
# What the contract asks for, written down a second time.
SCOPES = {
    ("GET", "/api/v1/searches"): "read",
    ("POST", "/api/v1/searches"): "submit",
    ("GET", "/api/v1/searches/<id>"): "read",
    ("DELETE", "/api/v1/searches/<id>"): "submit",
    ("GET", "/api/v1/searches/<id>/rounds"): "read",
    ("GET", "/api/v1/searches/<id>/trials"): "read",
    ("GET", "/api/v1/searches/<id>/result"): "read",
    ("GET", "/api/v1/searches/<id>/health"): "read",
    ("GET", "/api/v1/searches/<id>/spec"): "read",
    ("PATCH", "/api/v1/searches/<id>"): "submit",
    ("POST", "/api/v1/searches/<id>/pause"): "submit",
    ("POST", "/api/v1/searches/<id>/resume"): "submit",
    ("POST", "/api/v1/searches/<id>/cancel"): "submit",
    ("GET", "/api/v1/datasets"): "read",
    ("GET", "/api/v1/datasets/<name>"): "read",
    ("PUT", "/api/v1/datasets/<name>"): "submit",
    ("DELETE", "/api/v1/datasets/<name>"): "submit",
    ("GET", "/metrics"): "read",
}


@pytest.fixture(scope="module")
def app(services: Services, settings: Settings) -> OpenAPI:
    """The application in this process: for its map of routes alone."""
    return create_app(services, settings)


@pytest.fixture(scope="module")
def rules(app: OpenAPI) -> set[str]:
    return {rule.rule for rule in app.url_map.iter_rules()}


@pytest.fixture
def addresses() -> Iterator[str]:
    """Loopback addresses that no other test calls from: invalid keys are counted by address."""
    return (f"127.1.{i // 250}.{i % 250 + 1}" for i in range(10_000))


def filled(rule: str) -> str:
    return rule.replace("<id>", "x").replace("<name>", "docs.js")


def allowed(app: OpenAPI, rule: str) -> set[str]:
    return {m for r in app.url_map.iter_rules() if r.rule == rule for m in r.methods or () if m}


def test_the_routes_are_those_of_the_contract(app: OpenAPI) -> None:
    here = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert here == set(SCOPES) | {("GET", rule) for rule in PUBLIC}


def test_without_a_key_only_public_routes_answer(
    app: OpenAPI, rules: set[str], clients: Any
) -> None:
    nobody = clients.bare()
    for rule, method in product([*sorted(rules), "/nothing/here", "/api/v1"], METHODS):
        answer = nobody.request(method, filled(rule))
        if rule in PUBLIC and method in allowed(app, rule):
            assert answer.status_code == 200, (method, rule)
            continue
        assert answer.status_code == 401, (method, rule)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_with_an_invalid_key_nothing_answers(
    rules: set[str], clients: Any, addresses: Iterator[str]
) -> None:
    for rule, method in product(sorted(rules - PUBLIC), METHODS):
        bad = clients.bare(address=next(addresses), Authorization="Bearer hps_not_a_key")
        assert bad.request(method, filled(rule)).status_code == 401, (method, rule)


def test_a_key_opens_what_its_scope_says_and_no_more(clients: Any) -> None:
    by_scope = {scope: clients(scope) for scope in ("read", "submit", "admin")}
    for (method, rule), needed in SCOPES.items():
        for scope, client in by_scope.items():
            answer = client.request(method, filled(rule))
            if scope == needed:
                assert answer.status_code not in (401, 403), (method, rule)
            else:
                assert answer.status_code == 403, (method, rule, scope)
                assert needed in answer.json()["detail"]


def test_unknown_paths_and_methods_are_named_to_those_with_a_key(
    app: OpenAPI, rules: set[str], client: httpx.Client
) -> None:
    assert client.get("/nothing/here").status_code == 404
    for variant in ("/api/v1/searches/", "//api/v1/searches", "/API/v1/searches", "/api/v1/../"):
        assert client.get(variant, follow_redirects=False).status_code == 404
    for rule, method in product(sorted(rules), METHODS):
        if method not in allowed(app, rule):
            answer = client.request(method, filled(rule))
            assert answer.status_code == 405, (method, rule)
            assert set(answer.headers["Allow"].split(", ")) == allowed(app, rule)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer a b", "Bearer " + "x" * 600, "x", "ü"],
)
def test_a_header_that_is_no_bearer_key_is_refused(clients: Any, header: str) -> None:
    answer = clients.bare().get(
        "/api/v1/searches", headers={b"Authorization": header.encode("latin-1")}
    )
    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["detail"]


def test_a_key_in_the_query_or_in_a_cookie_is_no_key(clients: Any, client: httpx.Client) -> None:
    token = client.headers["Authorization"].removeprefix("Bearer ")
    nobody = clients.bare(Cookie=f"key={token}")
    assert nobody.get("/api/v1/searches", params={"key": token}).status_code == 401


def test_a_revoked_key_stops_at_once(services: Services, clients: Any) -> None:
    view, token = services.keys.create(name="t", owner="t", scopes=["read"], days=1)
    holder = clients.bare(address="127.2.0.1", Authorization=f"bearer  {token}")
    assert holder.get("/api/v1/searches").status_code == 200
    services.keys.revoke(view.id)
    assert holder.get("/api/v1/searches").status_code == 401


def test_an_address_with_too_many_invalid_keys_has_to_wait(clients: Any) -> None:
    known = clients(address="127.3.0.1")
    assert known.get("/api/v1/searches").status_code == 200
    bad = clients.bare(address="127.3.0.1", Authorization="Bearer wrong")
    codes = [bad.get("/api/v1/searches").status_code for _ in range(25)]
    assert set(codes[:20]) == {401}
    assert codes[-1] == 429
    last = bad.get("/api/v1/searches")
    assert 0 < int(last.headers["Retry-After"]) <= 60
    # Neither the one whose key has worked nor anybody elsewhere is locked out.
    assert known.get("/api/v1/searches").status_code == 200
    elsewhere = clients.bare(address="127.3.0.2", Authorization="Bearer wrong")
    assert elsewhere.get("/api/v1/searches").status_code == 401


def test_a_route_without_a_declared_scope_keeps_the_service_from_starting(
    services: Services, settings: Settings
) -> None:
    app = create_app(services, settings)
    app.add_url_rule("/forgotten", "forgotten", lambda: "anything")
    with pytest.raises(Misconfigured, match="forgotten"):
        check_declared(app, {e: None for e in app.view_functions if e != "forgotten"})  # type: ignore[arg-type]
