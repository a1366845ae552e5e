"""Hosts, origins and headers: what holds for every request and response."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.guards import is_loopback

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/docs"), ("GET", "/assets/docs.js"), ("GET", "/healthz"),
     ("GET", "/openapi.json"), ("GET", "/nothing"), ("PATCH", "/docs"),
     ("GET", "/api/v1/searches"), ("GET", "/api/v1/searches/x"), ("POST", "/api/v1/searches")],
)  # fmt: skip
def test_every_response_has_the_security_headers(
    clients: Any, client: httpx.Client, method: str, path: str
) -> None:
    for caller in (client, clients.bare()):
        answer = caller.request(method, path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert len(answer.headers["X-Request-Id"]) == 16
        if path.startswith("/api"):
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8080", "127.0.0.1.evil.example",
     "127.0.0.1@evil.example", "localhost:80:80", "", "[::2]", "10.0.0.1", "localhost/x", "0.0.0.0"],
)  # fmt: skip
def test_another_host_is_refused(client: httpx.Client, host: str) -> None:
    for path in ("/", "/healthz", "/api/v1/searches"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 400
        assert "HPSEARCH_ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1", "[::1]:8080"])
def test_the_loopback_by_any_name_is_ours(client: httpx.Client, host: str) -> None:
    assert client.get("/api/v1/searches", headers={"Host": host}).status_code == 200


def test_further_hosts_are_named_in_the_settings(start: Any, home: Any, client: Any) -> None:
    named = start(home, HPSEARCH_ALLOWED_HOSTS="search.example, Other.example")
    for host, status in [
        ("search.example", 200),
        ("SEARCH.example:443", 200),
        ("other.example", 200),
        ("x.search.example", 400),
    ]:
        answer = httpx.get(f"{named.url}/healthz", headers={"Host": host})
        assert answer.status_code == status, host


def test_pages_of_other_sites_change_nothing(client: httpx.Client, spec: dict[str, Any]) -> None:
    search = client.post("/api/v1/searches", json=spec).headers["Location"]
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": f"http://{client.base_url.host}:1"},
    ):
        for method, path in [("POST", "/pause"), ("POST", "/cancel"), ("DELETE", "")]:
            assert client.request(method, search + path, headers=headers).status_code == 403
        assert client.put("/api/v1/datasets/x", headers=headers).status_code == 403
        assert client.get(search, headers=headers).json()["state"] == "queued"
    own = {"Sec-Fetch-Site": "same-origin", "Origin": str(client.base_url).rstrip("/")}
    assert client.post(f"{search}/pause", headers=own).status_code == 200


def test_the_origin_is_judged_before_the_key(clients: Any) -> None:
    answer = clients.bare().post("/api/v1/searches", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_loopback_names() -> None:
    assert all(is_loopback(h) for h in ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"))
    assert not any(is_loopback(h) for h in ("", "0.0.0.0", "::", "10.0.0.1", "example", "1"))


def test_a_request_that_is_no_http_ends_there(client: httpx.Client) -> None:
    import socket

    with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b"400" in raw.recv(1000)
    assert client.get("/healthz").status_code == 200
