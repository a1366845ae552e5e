"""The audit over HTTP and at the command line: who acted, from where, and how strangers are counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from api.refused_keys import ADDRESSES, RefusedKeys
from hpsearch.cli import run as main
from hpsearch.errors import NoDatabase
from hpsearch.service import Services

AUDIT = "/api/v1/audit"


@pytest.fixture
def admin(clients: Any) -> httpx.Client:
    return clients("admin")


def test_an_act_has_its_key_address_and_request(
    admin: httpx.Client, client: httpx.Client, spec: dict[str, Any]
) -> None:
    made = client.post("/api/v1/searches", json={**spec, "name": "audited"})
    address = made.headers["Location"]
    client.post(f"{address}/pause")
    cancelled = client.post(f"{address}/cancel")
    assert client.delete(address).status_code == 204
    target = made.json()["id"]
    rows = admin.get(AUDIT, params={"target": target}).json()["items"][::-1]
    assert [r["action"] for r in rows] == [
        "search.submitted", "search.paused", "search.cancelled", "search.deleted",
    ]  # fmt: skip
    assert {(r["actor"], r["address"], bool(r["key_id"])) for r in rows} == {
        ("key", "127.0.0.1", True)
    }
    assert rows[2]["request_id"] == cancelled.headers["X-Request-Id"]
    assert rows[0]["detail"] == {"owner": rows[0]["owner"], "name": "audited"}
    by_owner = admin.get(AUDIT, params={"actor": rows[0]["owner"]}).json()["items"][::-1]
    assert by_owner == rows
    first = admin.get(AUDIT, params={"target": target, "limit": 3}).json()
    rest = admin.get(AUDIT, params={"target": target, "cursor": first["next"]}).json()
    assert (first["items"] + rest["items"])[::-1] == rows
    assert rest["next"] is None


def test_whoever_uses_a_key_after_its_end_is_a_stranger_with_an_address(
    admin: httpx.Client, clients: Any
) -> None:
    ended = clients("read", owner="left the team")
    (made,) = admin.get(AUDIT, params={"action": "key.made", "limit": 1}).json()["items"]
    assert admin.post(f"/api/v1/keys/{made['target']}/revoke").status_code == 200
    refused = ended.get(AUDIT)
    assert refused.status_code == 401
    asked = {"action": "key.used_after_revocation", "target": made["target"]}
    (row,) = admin.get(AUDIT, params=asked).json()["items"]
    assert (row["actor"], row["address"], row["request_id"]) == (
        "stranger", "127.0.0.1", refused.headers["X-Request-Id"],
    )  # fmt: skip
    assert (row["key_id"], row["owner"]) == (None, None)
    assert row["detail"] == {"owner": "left the team"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"limit": 1001}, "less than or equal to 1000"),
        ({"since": "soon"}, "neither a day"),
        ({"action": "search.eaten"}, "is not one of key.made"),
        ({"until": "2026-01-01", "since": "2026-01-02"}, "exchange them"),
        ({"who": "ada"}, "who"),
    ],
)
def test_a_query_beyond_its_limits_is_refused(
    admin: httpx.Client, asked: dict[str, Any], words: str
) -> None:
    answer = admin.get(AUDIT, params=asked)
    assert answer.status_code == 400
    assert words in answer.text


def test_invalid_keys_are_a_counted_row_and_what_runs_is_written_at_the_end(
    start: Callable[..., Any], fresh: Any, eventually: Callable[..., Any]
) -> None:
    api = start(fresh)
    for number in range(30):
        wrong = {"Authorization": f"Bearer wrong-key-number-{number}-of-thirty-keys"}
        assert httpx.get(f"{api.url}{AUDIT}", headers=wrong).status_code in (401, 429)
    assert api.stop() == 0
    api = start(fresh)
    right = {"Authorization": "Bearer bootstrap-key-of-the-tests-0123456789"}
    answer = httpx.get(f"{api.url}{AUDIT}", headers=right, params={"action": "key.refused"})
    (row,) = answer.json()["items"]
    assert (row["actor"], row["address"], row["times"]) == ("stranger", "127.0.0.1", 30)
    everything = httpx.get(f"{api.url}{AUDIT}", headers=right).text
    assert "wrong-key" not in everything
    assert "bootstrap.set" in everything


def test_the_command_line_is_an_actor(
    configured: Callable[..., Any],
    migrated_sqlite: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = configured()
    settings.make_home()
    (settings.home / "hpsearch.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("HPSEARCH_HOME", str(settings.home))
    assert main(["keys", "create", "notebook", "--json"]) == 0
    key = json.loads(capsys.readouterr().out)
    assert main(["keys", "revoke", key["id"]]) == 0
    capsys.readouterr()
    assert main(["audit", "--actor", "command line", "--json"]) == 0
    text = capsys.readouterr().out
    rows = json.loads(text)
    assert [(r["action"], r["target"]) for r in rows] == [
        ("key.revoked", key["id"]), ("key.made", key["id"]),
    ]  # fmt: skip
    assert all(r["os_user"] for r in rows)
    assert key["token"][20:40] not in text
    assert main(["audit", "--target", key["id"], "--limit", "1"]) == 0
    table = capsys.readouterr().out
    assert "key.revoked" in table
    assert "key.made" not in table
    assert main(["audit", "--since", "soon"]) == 2
    assert "neither a day" in capsys.readouterr().err


def test_the_client_and_the_command_ask_a_service(
    admin: httpx.Client,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    services.keys.create(name="seen", owner="seen", scopes=["read"])
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("HPSEARCH_API_KEY", token)
    asked = [
        "audit",
        "--url",
        str(admin.base_url),
        "--action",
        "key.made",
        "--limit",
        "1",
        "--json",
    ]
    assert main(asked) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["actor"], row["detail"]["owner"]) == ("service", "seen")


class Written:
    """Where counts are written to, which may be away."""

    def __init__(self) -> None:
        self.rows: list[dict[str, int]] = []
        self.away = False
        self.event = threading.Event()

    def __call__(self, counts: Mapping[str, int]) -> None:
        if self.away:
            raise NoDatabase("away")
        self.rows.append(dict(counts))
        self.event.set()


def test_addresses_are_bounded_and_counts_are_kept_through_an_outage() -> None:
    written = Written()
    refused = RefusedKeys(written, seconds=3600)
    written.away = True
    for number in range(1000):
        refused.count(f"192.0.2.{number % 250}")
    refused.flush()
    refused.count("192.0.2.1")
    written.away = False
    refused.flush()
    (row,) = written.rows
    assert len(row) == ADDRESSES + 1
    assert (row["192.0.2.1"], row["others"], sum(row.values())) == (5, 4 * (250 - ADDRESSES), 1001)
    refused.flush()
    assert len(written.rows) == 1


def test_a_thread_writes_them_after_a_while() -> None:
    written = Written()
    refused = RefusedKeys(written, seconds=0.01)
    refused.count("192.0.2.1")
    assert written.event.wait(30)
    assert written.rows == [{"192.0.2.1": 1}]
