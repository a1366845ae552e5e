"""The API on PostgreSQL, which refuses texts and numbers that SQLite swallows."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

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
