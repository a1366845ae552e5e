"""Sharing and operating over HTTP, by the client and at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hpsearch.cli import run as command
from hpsearch.client import Client
from hpsearch.errors import Forbidden, NotFound
from hpsearch.report.views import KeyView

SEARCHES = "/api/v1/searches"
READ = ("", "/rounds", "/trials", "/health", "/spec", "/report", "/figures/ranges")


def speaking(client: httpx.Client) -> Client:
    return Client(
        str(client.base_url), client.headers["Authorization"].removeprefix("Bearer "), patience=0
    )


def test_a_shared_search_is_listed_and_read_and_not_changed(
    clients: Any, client: httpx.Client, search: str
) -> None:
    bob = clients(owner="bob of the team")
    assert bob.get(search).status_code == 404
    before = client.get(search).json()
    sent = {"If-Match": f'"{before["revision"]}"'}
    told = client.put(f"{search}/sharing", json={"sharing": ["bob of the team"]}, headers=sent)
    assert (told.status_code, told.json()["sharing"]) == (200, ["bob of the team"])
    stale = client.put(f"{search}/sharing", json={"sharing": "all"}, headers=sent)
    assert stale.status_code == 412
    for part in READ:
        assert bob.get(search + part).status_code == 200, part
    shared = bob.get(SEARCHES, params={"shared": "true"}).json()["items"]
    assert [(s["id"], s["owner"]) for s in shared] == [(before["id"], before["owner"])]
    assert bob.get(SEARCHES).json()["items"] == []
    assert client.get(SEARCHES, params={"shared": "true"}).json()["items"] == []
    assert bob.post(f"{search}/cancel").status_code == 404
    assert bob.put(f"{search}/sharing", json={"sharing": []}).status_code == 404
    assert bob.get(SEARCHES, params={"everyone": "true"}).status_code == 403
    for wrong in ({"sharing": "everyone"}, {"sharing": [""]}, {}, {"sharing": [], "to": 1}):
        answer = client.put(f"{search}/sharing", json=wrong)
        assert answer.status_code == 400, wrong
        assert "sharing" in answer.text
    told = client.put(f"{search}/sharing", json={"sharing": "everyone"}).json()["detail"]
    assert told.startswith('sharing must be "all", or a list of at most 100 owners')
    assert client.get(search).json()["sharing"] == ["bob of the team"]


def test_an_operator_stops_a_search_and_its_owner_reads_why(
    clients: Any, client: httpx.Client, search: str
) -> None:
    ops = clients("read", "operate")
    assert ops.get(f"{search}/rounds").status_code == 200
    everyone = ops.get(SEARCHES, params={"everyone": "true", "limit": 1000}).json()["items"]
    assert search.rpartition("/")[2] in {s["id"] for s in everyone}
    assert ops.get(SEARCHES).json()["items"] == []
    for wrong in ({"action": "pause"}, {"action": "pause", "reason": ""}, {"reason": "why"},
                  {"action": "delete", "reason": "why"}):  # fmt: skip
        assert ops.post(f"{search}/operate", json=wrong).status_code == 400
    asked = {"action": "pause", "reason": "the disks are full"}
    assert client.post(f"{search}/operate", json=asked).status_code == 403
    assert ops.post(f"{search}/operate", json=asked).json()["state"] == "paused"
    assert client.get(search).json()["reason"] == "paused by an operator: the disks are full"
    assert ops.post(f"{search}/cancel").status_code == 403
    rows = clients("admin").get("/api/v1/audit", params={"actor": "key", "limit": 1}).json()
    assert rows["items"][0]["detail"]["reason"] == "the disks are full"


def test_the_client_and_the_command_line(
    clients: Any,
    client: httpx.Client,
    search: str,
    commands: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    search_id = search.rpartition("/")[2]
    out: Callable[[], str] = lambda: capsys.readouterr().out  # noqa: E731
    assert command(["share", search_id, "carol", "dan"]) == 0
    assert out() == f"{search_id} is read by carol, dan\n"
    for wrong in ([], ["carol", "--all"], ["--all", "--nobody"]):
        assert command(["share", search_id, *wrong]) == 2
    capsys.readouterr()
    carol, ops = clients(owner="carol"), clients("read", "operate")
    with speaking(carol) as reading, speaking(ops) as operating, speaking(client) as own:
        assert [s.id for s in reading.list(shared=True)] == [search_id]
        with pytest.raises(Forbidden):
            reading.pause(search_id, reason="not mine")
        with pytest.raises(Forbidden):
            list(reading.list(everyone=True))
        assert own.share(search_id, "all").sharing == "all"
        assert own.share(search_id, []).sharing == []
        with pytest.raises(NotFound):
            reading.status(search_id)
        assert operating.status(search_id).owner == own.status(search_id).owner
    token = ops.headers["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("HPSEARCH_API_KEY", token)
    assert command(["list", "--everyone", "--limit", "1000"]) == 0
    table = out()
    assert "OWNER" in table
    assert search_id in table
    assert command(["cancel", search_id, "--reason", "the week is over", "--json"]) == 0
    assert json.loads(out())["reason"] == "cancelled by an operator: the week is over"
    assert command(["status", search_id]) == 0
    assert "the week is over" in out()


def test_a_key_says_whose_it_is_and_what_it_opens(
    clients: Any, commands: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    about = clients("operate", "read", owner="eve of the team").get("/api/v1/whoami").json()
    assert (about["owner"], about["scopes"]) == ("eve of the team", ["read", "operate"])
    with speaking(commands) as own:
        mine = own.whoami()
    assert command(["whoami", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == mine.model_dump(mode="json")
    assert command(["whoami"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{mine.owner}: {', '.join(mine.scopes)}\nkey {mine.key_id} ")
    made = clients("admin").post("/api/v1/keys", json={"name": "n", "scopes": ["admin"], "days": 2})
    holder = clients.bare(Authorization=f"Bearer {made.json()['token']}")
    assert holder.get("/api/v1/whoami").json()["expires_at"] == made.json()["expires_at"]
    assert holder.get("/api/v1/whoami", params={"key": "other"}).status_code == 400


def test_limits_at_the_command_line(
    configured: Callable[..., Any],
    migrated_sqlite: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = configured()
    settings.make_home()
    (settings.home / "hpsearch.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("HPSEARCH_HOME", str(settings.home))
    monkeypatch.setenv("HPSEARCH_KEY_DAYS", "30")
    assert command(["keys", "create", "ada"]) == 2
    assert "--days 30" in capsys.readouterr().err
    assert command(["keys", "create", "ada", "--days", "30", "--scope", "operate"]) == 0
    capsys.readouterr()
    assert command(["owners", "set", "ada", "--searches", "3"]) == 0
    assert "searches 3, datasets as in the settings" in capsys.readouterr().out
    assert command(["owners", "list", "--json"]) == 0
    (limits,) = json.loads(capsys.readouterr().out)["items"]
    assert limits == {"owner": "ada", "searches": 3, "datasets": None, "dataset_bytes": None}
    assert command(["owners", "list"]) == 0
    assert "ada" in capsys.readouterr().out
    assert command(["owners", "set", "eve", "--searches", "3"]) == 2
    assert "no key belongs to 'eve'" in capsys.readouterr().err


def test_a_scope_of_a_newer_service_is_text() -> None:
    key = {"id": "k", "name": "n", "owner": "o", "scopes": ["read", "of-tomorrow"],
           "created_at": "2026-01-01T00:00:00Z", "expires_at": None, "revoked_at": None}  # fmt: skip
    assert KeyView.model_validate(key).scopes == ["read", "of-tomorrow"]
