"""The process: when it refuses to start, what it survives, what it logs, how it stops."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from api import body, server
from hpsearch import logs
from hpsearch.settings import load
from hpsearch.wiring import build

SEARCHES = "/api/v1/searches"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("arguments", "variables", "word"),
    [
        (["--host", "0.0.0.0"], {}, "HPSEARCH_ALLOW_REMOTE"),
        (["--host", "0.0.0.0"], {"HPSEARCH_API_KEY": "k" * 32}, "HPSEARCH_ALLOW_REMOTE"),
        (["--host", "0.0.0.0"], {"HPSEARCH_ALLOW_REMOTE": "1"}, "HPSEARCH_API_KEY"),
        (["--host", "192.0.2.1"], {}, "192.0.2.1"),
        (["--host", "::"], {}, "loopback"),
        ([], {"HPSEARCH_API_KEY": "short"}, "32"),
        ([], {"HPSEARCH_API_KEY_FILE": "/nowhere/key"}, "HPSEARCH_API_KEY_FILE"),
        ([], {"REDIS_URL": "redis://127.0.0.1:1/0"}, "HPSEARCH_API_KEY"),
        (["--port", "70000"], {}, "HPSEARCH_PORT"),
        ([], {"HPSEARCH_MAX_JSON_BYTES": "lots"}, "HPSEARCH_MAX_JSON_BYTES"),
    ],
)
def test_settings_that_cannot_work_stop_it_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    arguments: list[str], variables: dict[str, str], word: str,
) -> None:  # fmt: skip
    for name in [*os.environ]:
        if name.startswith("HPSEARCH_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
    for name, value in {**variables, "HPSEARCH_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert server.main(arguments) == 78
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert word in said
    assert said.count("\n") == 1
    assert "short" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_to_start_is_the_exit_code_of_the_process(
    environment_of: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "api", "--host", "0.0.0.0"],
        check=False,
        env=environment_of(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 78


def test_a_remote_address_with_key_and_permission_is_served(
    environment_of: Callable[..., dict[str, str]], fresh: Path, port: int, wait: Any
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "api", "--host", "0.0.0.0", "--port", str(port)],
        env=environment_of(fresh, HPSEARCH_API_KEY="k" * 32, HPSEARCH_ALLOW_REMOTE="1"),
        cwd=fresh,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(f"http://127.0.0.1:{port}")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_bootstrap_key_has_every_scope_and_follows_its_setting(
    start: Any, fresh: Path, environment_of: Callable[..., dict[str, str]]
) -> None:
    first = start(fresh, HPSEARCH_API_KEY="first-" * 8)
    old = bearer("first-" * 8)
    assert httpx.get(f"{first.url}{SEARCHES}", headers=old).status_code == 200
    made = httpx.post(f"{first.url}/api/v1/keys", headers=old, json={"name": "user"})
    user = bearer(made.json()["token"])
    key = fresh / "key"
    key.write_text("second-" * 8 + "\n")
    second = start(fresh, HPSEARCH_API_KEY="", HPSEARCH_API_KEY_FILE=str(key))
    new = bearer("second-" * 8)
    for api in (first, second):  # a rolling restart: one runs with the old key still
        assert httpx.get(f"{api.url}{SEARCHES}", headers=new).status_code == 200
        assert httpx.get(f"{api.url}{SEARCHES}", headers=user).status_code == 200
        assert httpx.get(f"{api.url}{SEARCHES}", headers=old).status_code == 401
    assert first.stop() == 0
    refused = subprocess.run(
        [sys.executable, "-P", "-m", "api", "--port", "0"],
        check=False,
        env=environment_of(fresh, HPSEARCH_API_KEY="first-" * 8),
        cwd=fresh,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 78, refused.stderr
    lines = [json.loads(line) for line in refused.stderr.splitlines()]
    (said,) = [line for line in lines if "refused to start" in line["event"]]
    assert re.search(r"hpsearch keys allow bootstrap-[0-9a-f]{8}", said["event"])
    assert "first-" not in refused.stderr
    assert not [line for line in lines if "exception" in line]
    assert any("the bootstrap key is another one" in e["event"] for e in events(second.log))
    assert httpx.get(f"{second.url}{SEARCHES}", headers=new).status_code == 200


def test_a_closed_key_is_told_where_the_database_comes_later(
    start: Any, tmp_path: Path, migrated: Callable[[Path], None]
) -> None:
    api = start(tmp_path, HPSEARCH_API_KEY="k" * 32)
    migrated(tmp_path)
    with build(load(home=tmp_path)) as services:
        services.keys.ensure_bootstrap("k" * 32)
        services.keys.revoke("bootstrap")
        waiting = httpx.get(f"{api.url}/readyz")
        assert waiting.status_code == 503
        assert [e["path"] for e in waiting.json()["errors"]] == ["key"]
        refused = httpx.get(f"{api.url}{SEARCHES}", headers=bearer("k" * 32))
        assert refused.status_code == 503
        assert "keys allow" not in refused.text
        causes = [e["cause"] for e in events(api.log) if "is refused" in e["event"]]
        assert len(causes) == 1
        assert causes[0].endswith("hpsearch keys allow bootstrap")
        services.keys.allow("bootstrap")
    assert httpx.get(f"{api.url}/readyz").status_code == 200
    assert httpx.get(f"{api.url}{SEARCHES}", headers=bearer("k" * 32)).status_code == 200


def test_it_answers_while_the_broker_is_down(start: Any, fresh: Path, spec: dict[str, Any]) -> None:
    api = start(fresh, REDIS_URL="redis://127.0.0.1:1/0", HPSEARCH_API_KEY="k" * 32)
    assert httpx.get(f"{api.url}/readyz").status_code == 200
    made = httpx.post(f"{api.url}{SEARCHES}", json=spec, headers=bearer("k" * 32), timeout=30)
    assert made.status_code == 201
    seen = httpx.get(f"{api.url}{made.headers['Location']}", headers=bearer("k" * 32))
    assert seen.json()["state"] == "queued"


def test_it_starts_before_its_database_and_says_so(
    start: Any, tmp_path: Path, migrated: Callable[[Path], None]
) -> None:
    api = start(tmp_path, HPSEARCH_API_KEY="k" * 32)
    waiting = httpx.get(f"{api.url}/readyz")
    assert waiting.status_code == 503
    assert int(waiting.headers["Retry-After"]) > 0
    assert "migrations" in waiting.json()["detail"]
    early = httpx.get(f"{api.url}{SEARCHES}", headers=bearer("k" * 32))
    assert early.status_code in (500, 503)
    assert early.headers["Content-Type"] == "application/problem+json"
    migrated(tmp_path)
    assert httpx.get(f"{api.url}/readyz").json()["status"] == "ready"
    assert httpx.get(f"{api.url}{SEARCHES}", headers=bearer("k" * 32)).status_code == 200


def test_a_fault_of_ours_is_logged_once_and_told_without_internals(
    start: Any, fresh: Path, spec: dict[str, Any]
) -> None:
    api = start(fresh, HPSEARCH_API_KEY="k" * 32)
    me = bearer("k" * 32)
    made = httpx.post(f"{api.url}{SEARCHES}", json=spec, headers=me, timeout=30)
    with sqlite3.connect(fresh / "hpsearch.db") as database:
        database.execute("""UPDATE search SET spec = '{"not": "a spec"}'""")
    answer = httpx.get(f"{api.url}{made.headers['Location']}", headers=me)

    assert answer.status_code == 500
    problem = answer.json()
    assert problem["type"] == "/problems/internal-error"
    request_id = answer.headers["X-Request-Id"]
    assert request_id in problem["detail"]
    assert "pydantic" not in answer.text
    faults = [e for e in events(api.log) if e.get("event") == "fault"]
    assert [e["request_id"] for e in faults] == [request_id]
    assert "ValidationError" in faults[0]["exception"]
    assert httpx.get(f"{api.url}/healthz").status_code == 200


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_logs_are_json_and_hold_no_key(start: Any, fresh: Path, spec: dict[str, Any]) -> None:
    key = "my-own-secret-" * 3
    api = start(fresh, HPSEARCH_API_KEY=key, HPSEARCH_LOG_LEVEL="debug")
    httpx.post(f"{api.url}{SEARCHES}", json=spec, headers=bearer(key), timeout=30)
    httpx.get(f"{api.url}{SEARCHES}", headers=bearer("hps_0123_wrong-wrong"))
    httpx.get(f"{api.url}{SEARCHES}", headers=bearer(key), params={"cursor": key})
    api.stop()
    text = api.log.read_text()
    assert "my-own-secret" not in text
    assert "wrong-wrong" not in text
    assert "uthorization" not in text
    requests = [e for e in events(api.log) if e["event"] == "request"]
    assert {e["status"] for e in requests} >= {201, 401, 400}
    assert {e["key"] for e in requests} == {"bootstrap", None}


def test_logs_hide_secrets_in_tracebacks_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", process="api", secret="known-secret")
    try:
        raise ValueError("hps_ab12_XYZ known-secret postgresql://me:pass@db/x Bearer abc.def")
    except ValueError:
        structlog.get_logger("t").exception("failed", url="redis://:word@host/0")
    logging.getLogger("gunicorn.error").warning("from the server: hps_ab12_XYZ")
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "from the server" in said
    for secret in ("XYZ", "known-secret", "me:pass", ":word@", "abc.def"):
        assert secret not in said
    assert said.count(logs.HIDDEN) >= 5


def test_a_stopping_process_answers_those_who_wait(
    start: Any, fresh: Path, spec: dict[str, Any]
) -> None:
    api = start(fresh, HPSEARCH_API_KEY="k" * 32)
    me = bearer("k" * 32)
    made = httpx.post(f"{api.url}{SEARCHES}", json=spec, headers=me, timeout=30)
    answers: list[httpx.Response] = []

    def poll() -> None:
        url = f"{api.url}{made.headers['Location']}"
        answers.append(httpx.get(url, params={"wait": 30}, headers=me, timeout=40))

    waiting = threading.Thread(target=poll)
    waiting.start()
    time.sleep(0.5)  # until the request is under way; earlier only makes the test easier
    started = time.monotonic()
    assert api.stop() == 0
    waiting.join()
    assert time.monotonic() - started < 25
    assert answers[0].status_code == 200


def test_a_stopping_process_serves_until_nobody_asks(
    start: Any, fresh: Path, spec: dict[str, Any]
) -> None:
    api = start(fresh, HPSEARCH_API_KEY="k" * 32, HPSEARCH_DRAIN_SECONDS="3")
    answers: list[int] = []
    broken: list[httpx.HTTPError] = []

    def ask() -> None:  # each time on a connection of its own, until none is taken
        try:
            while True:
                made = httpx.post(f"{api.url}{SEARCHES}", json=spec, headers=bearer("k" * 32))
                answers.append(made.status_code)
        except httpx.ConnectError:
            pass
        except httpx.HTTPError as error:
            broken.append(error)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    assert httpx.get(f"{api.url}/readyz").status_code == 200
    api.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 2.9
    seen: list[int] = []
    while 503 not in seen:
        assert time.monotonic() < deadline
        seen.append(httpx.get(f"{api.url}/readyz").status_code)
    said = httpx.get(f"{api.url}/readyz").json()
    assert said["errors"] == [{"path": "process", "message": "is stopping"}]
    count = len(answers)
    assert api.process.wait(timeout=20) == 0
    for asker in askers:
        asker.join()
    assert broken == []
    assert len(answers) > count
    assert set(answers) <= {201, 429}


def test_gunicorn_can_start_it_by_itself(
    environment_of: Callable[..., dict[str, str]], fresh: Path, port: int, wait: Any
) -> None:
    process = subprocess.Popen(
        [
            sys.executable, "-P", "-m", "gunicorn", "api:create_app()", "--no-control-socket",
            "--worker-class", "gthread", "--threads", "4", "--bind", f"127.0.0.1:{port}",
        ],
        env=environment_of(fresh, HPSEARCH_API_KEY="k" * 32),
        cwd=fresh,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait(f"http://127.0.0.1:{port}")
        url = f"http://127.0.0.1:{port}{SEARCHES}"
        assert httpx.get(url, headers=bearer("k" * 32)).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_it_starts_in_a_folder_that_holds_other_modules_of_its_names(
    start: Any, fresh: Path
) -> None:
    for name in ("worker", "api", "hpsearch"):
        (fresh / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    assert httpx.get(f"{start(fresh, anew=True).url}/healthz").status_code == 200


def test_old_remains_of_uploads_are_swept(tmp_path: Path) -> None:
    old, new, other = (tmp_path / n for n in ("upload-old", "upload-new", "something"))
    for file in (old, new, other):
        file.write_bytes(b"x")
        os.utime(file, (time.time() - 7200, time.time() - 7200))
    os.utime(new)
    body.remove_stale_uploads(tmp_path)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["something", "upload-new"]
    body.remove_stale_uploads(tmp_path / "nowhere")


def test_a_silent_sender_loses_its_thread(api: Any, client: httpx.Client) -> None:
    import socket

    host, port = client.base_url.host, client.base_url.port or 80
    token = client.headers["Authorization"]
    with socket.create_connection((host, port), timeout=60) as raw:
        head = (
            f"POST {SEARCHES} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        raw.sendall(head.encode())
        started = time.monotonic()
        said = raw.recv(4000)
        assert b"400" in said.split(b"\r\n")[0]
        assert 5 < time.monotonic() - started < 30


def test_a_probe_does_not_wait_for_probes_that_are_sent_slowly(
    api: Any, client: httpx.Client
) -> None:
    import socket

    host, _, port = api.url.removeprefix("http://").partition(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(2 * server.PROBES)]
    try:
        for raw in slow:
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: " + host.encode() + b"\r\nX-Slow: ")
        time.sleep(0.2)  # they are in the server's hands
        assert client.get(f"{api.url}/healthz", timeout=3).status_code == 200
    finally:
        for raw in slow:
            raw.close()


@pytest.mark.parametrize(
    ("start", "probe"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"HEAD /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /", True),
        (b"GET /readyz HTTP/1.1\r\nHost: a\r\n", False),
        (b"GET /readyz HTTP/1.1\r\nHost: a\r\ncontent-length: 9\r\n\r\n", False),
        (b"GET /readyz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", False),
        (b"GET /readyz2 HTTP/1.1\r\nHost: a\r\n\r\n", False),
        (b"", False),
    ],
)
def test_only_whole_probes_are_probes(start: bytes, probe: bool) -> None:
    assert server.is_probe(start) is probe


def test_a_broken_upload_is_a_problem_of_the_sender(api: Any, client: httpx.Client) -> None:
    import socket

    host, port = client.base_url.host, client.base_url.port or 80
    token = client.headers["Authorization"]
    with socket.create_connection((host, port), timeout=30) as raw:
        head = (
            f"PUT /api/v1/datasets/cut HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
            "Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\na,b\n1,2\n"
        )
        raw.sendall(head.encode())
        raw.shutdown(socket.SHUT_WR)
        said = raw.recv(4000)
        assert b"400" in said.split(b"\r\n")[0]
    assert client.get("/api/v1/datasets/cut").status_code == 404
