"""Keys on a real socket: how they are sent, taken back and counted. `test_api_matrix` has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from api import create_app
from api.auth import check_declared
from hpsearch.errors import Misconfigured
from hpsearch.service import Services
from hpsearch.settings import Settings


def test_variants_of_a_path_are_other_paths(client: httpx.Client) -> None:
    for variant in ("/api/v1/searches/", "//api/v1/searches", "/API/v1/searches", "/api/v1/../"):
        assert client.get(variant, follow_redirects=False).status_code == 404


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
    bad = clients.bare(address="127.3.0.1", Authorization="Bearer wrong")
    codes = [bad.get("/api/v1/searches").status_code for _ in range(25)]
    assert set(codes[:20]) == {401}
    assert codes[-1] == 429
    last = bad.get("/api/v1/searches")
    assert 0 < int(last.headers["Retry-After"]) <= 60
    # No right key is refused for it: neither from there, never used before, nor elsewhere.
    assert clients(address="127.3.0.1").get("/api/v1/searches").status_code == 200
    elsewhere = clients.bare(address="127.3.0.2", Authorization="Bearer wrong")
    assert elsewhere.get("/api/v1/searches").status_code == 401


def test_proxies_that_are_trusted_tell_clients_apart(start: Any, fresh: Path) -> None:
    api = start(fresh, HPSEARCH_API_KEY="k" * 32, HPSEARCH_TRUSTED_PROXIES="127.0.0.1")
    url = f"{api.url}/api/v1/searches"

    def ask(client: str, key: str = "wrong") -> httpx.Response:
        return httpx.get(
            url,
            headers={
                "Authorization": f"Bearer {key}",
                "X-Forwarded-For": f"198.51.100.99, {client}",
                "X-Forwarded-Proto": "https",
                "X-Request-Id": "of-the-proxy",
            },
        )

    assert [ask("203.0.113.1").status_code for _ in range(22)][-1] == 429
    assert ask("203.0.113.2").status_code == 401
    right = ask("203.0.113.1", "k" * 32)
    assert (right.status_code, right.headers["X-Request-Id"]) == (200, "of-the-proxy")
    page = httpx.get(f"{api.url}/", headers={"X-Forwarded-Proto": "https"})
    assert f"https://{page.request.url.netloc.decode()}" in page.text


def test_a_route_without_a_declared_scope_keeps_the_service_from_starting(
    services: Services, settings: Settings
) -> None:
    app = create_app(services, settings)
    app.add_url_rule("/forgotten", "forgotten", lambda: "anything")
    with pytest.raises(Misconfigured, match="forgotten"):
        check_declared(app, {e: None for e in app.view_functions if e != "forgotten"})  # type: ignore[arg-type]
