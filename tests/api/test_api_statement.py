"""`GET /searches/{id}/statement`, its client and its command: one statement in three forms."""

from __future__ import annotations

import json
from typing import Any

import httpx

from hpsearch import cli
from hpsearch.report.views import StatementView


def test_the_form_follows_format_or_accept(
    commands: httpx.Client, complete: Any, spec: dict[str, Any], capsys: Any
) -> None:
    ended = complete(commands, spec)
    path = f"/api/v1/searches/{ended['id']}/statement"
    plain = commands.get(path)
    assert plain.headers["Content-Type"] == "application/json; charset=utf-8"
    assert plain.headers["Vary"] == "Accept"
    view = StatementView.model_validate(plain.json())
    assert [row.name for row in view.ranges] == sorted(spec["space"])
    types = {"json": "application/json", "markdown": "text/markdown", "text": "text/plain"}
    for form, media in types.items():
        asked = commands.get(path, params={"format": form})
        accepted = commands.get(path, headers={"Accept": f"{media}, */*;q=0.1"})
        assert asked.content == accepted.content
        assert asked.headers["Content-Type"] == f"{media}; charset=utf-8"
        assert cli.run(["statement", ended["id"], "--format", form]) == 0
        assert capsys.readouterr().out == asked.text
        assert ended["id"] not in asked.text
    assert cli.run(["statement", ended["id"]]) == 0
    assert capsys.readouterr().out == commands.get(path, params={"format": "text"}).text
    refused = commands.get(path, params={"format": "pdf"})
    assert refused.status_code == 400
    assert "format" in json.dumps(refused.json())


def test_a_search_that_runs_has_no_statement_yet(
    commands: httpx.Client, spec: dict[str, Any], capsys: Any
) -> None:
    search = commands.post("/api/v1/searches", json=spec).json()["id"]
    refused = commands.get(f"/api/v1/searches/{search}/statement")
    assert refused.status_code == 409
    assert "ask again when it has completed" in refused.json()["detail"]
    assert cli.run(["statement", search]) != 0
    assert "no statement yet" in capsys.readouterr().err
