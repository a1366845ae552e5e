"""The API on PostgreSQL, which refuses texts and numbers that SQLite swallows."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.app import create_app
from hpsearch.settings import Settings
from hpsearch.store import engine
from hpsearch.wiring import build
from migrations.schema import Database

SEARCHES = "/api/v1/searches"
KEY = "k" * 32


@pytest.fixture
def user(start: Any, tmp_path: Path, postgres_url: str) -> httpx.Client:
    api = start(tmp_path, DATABASE_URL=postgres_url, HPSEARCH_API_KEY=KEY)
    return httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)


def test_a_search_lives_and_odd_input_dies_at_the_border(
    user: httpx.Client, spec: dict[str, Any]
) -> None:
    with user:
        assert user.get("/readyz").json()["status"] == "ready"
        made = user.post(SEARCHES, json={**spec, "name": "漢字 😀"})
        assert made.status_code == 201, made.text
        search = made.headers["Location"]
        for body in (b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b'{"seed": 1e400}'):
            answer = user.post(SEARCHES, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 400, answer.text
        for body in ({"dataset": "\x7f\u202e"}, {**spec, "seed": 2**53}, {**spec, "rounds": 2**53}):
            assert user.post(SEARCHES, json=body).status_code == 422
        for path in (f"{SEARCHES}/%00", f"{SEARCHES}/%ff", f"{search}/trials?round=10001",
                     f"{SEARCHES}?cursor=WzFlNDAwLCAiXHUwMDAwIl0", "/api/v1/datasets/%ED%A0%80"):  # fmt: skip
            assert 400 <= user.get(path).status_code < 500, path
        tag = user.get(search).headers["ETag"]
        assert user.post(f"{search}/pause", headers={"If-Match": tag}).status_code == 200
        assert user.post(f"{search}/cancel").status_code == 200
        assert [s["name"] for s in user.get(SEARCHES).json()["items"]] == ["漢字 😀"]
        assert user.delete(search).status_code == 204


def test_cursors_that_somebody_made_up_are_refused(user: httpx.Client) -> None:
    with user:
        for values in (
            '[1e308, "\\u0000"]',
            '["\\u0000"]',
            '[1e999, "x"]',
            '[1.0, "\\ud800"]',
            "[{}]",
        ):
            cursor = base64.urlsafe_b64encode(values.encode()).decode().rstrip("=")
            for path in (SEARCHES, "/api/v1/datasets"):
                answer = user.get(path, params={"cursor": cursor})
                assert answer.status_code == 400, (path, values, answer.text)


def test_no_connection_left_is_503_and_says_when_to_ask_again(
    configured: Callable[..., Settings], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is where somebody holds a lock: each request keeps its connection and waits."""
    monkeypatch.setattr(engine, "POOL_SECONDS", 0.05)
    settings = configured(database_url=postgres_url, api_key=KEY)
    with build(settings) as services, ExitStack() as stack:
        client = create_app(services, settings).test_client()
        key = {"Authorization": f"Bearer {KEY}"}
        assert client.get(SEARCHES, headers=key).status_code == 200
        pool: Any = services.store.engines.read.pool
        for _ in range(pool.size() + pool._max_overflow):
            stack.enter_context(services.store.engines.read.connect())
        for path in (SEARCHES, f"{SEARCHES}/x", "/api/v1/datasets", "/api/v1/keys", "/metrics"):
            answer = client.get(path, headers=key)
            assert answer.status_code == 503, (path, answer.text)
            assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503


def test_a_name_that_the_database_cannot_hold_is_the_requests_fault(
    configured: Callable[..., Settings], postgres_url: str, postgres: Any, spec: dict[str, Any]
) -> None:
    """An old database of Latin letters; the texts of a UTF-8 one are tried above."""
    name = f"{sa.make_url(postgres_url).database}_latin"
    postgres._sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    database = Database(postgres.url(name))
    database.upgrade()
    database.close()
    settings = configured(database_url=postgres.url(name), api_key=KEY)
    with build(settings) as services:
        client = create_app(services, settings).test_client()
        key = {"Authorization": f"Bearer {KEY}"}
        assert client.post(SEARCHES, json={**spec, "name": "é"}, headers=key).status_code == 201
        answer = client.post(SEARCHES, json={**spec, "name": "漢字"}, headers=key)
        assert answer.status_code == 400, answer.text
        assert "its encoding is UTF8" in answer.json["detail"]  # type: ignore[index]
    postgres.drop(name)
