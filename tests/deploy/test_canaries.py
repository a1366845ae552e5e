"""No secret leaves the service: planted ones are looked for in every log and every answer.

The deployment runs with passwords that no redaction by form would know, and is then hurt until
every process has complained: the broker gone, the database's password changed under it, a row
that makes the API fail. What is printed then is where secrets get out.
"""

from __future__ import annotations

import copy
import json
from urllib.parse import quote

import httpx
import psycopg
import pytest
from support.waiting import until

from hpsearch.service.keys import _checksum

SEARCHES = "/api/v1/searches"
SPEC = {
    "dataset": "iris",
    "space": {"learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"}},
    "rounds": 1,
    "trials_per_round": 4,
    "epochs": {"first": 1, "last": 1},
    "final": {"epochs": 1, "models": 1},
}
MADE_UP = "hps_00ab12_" + "CanaryOfAKey" * 3 + "1234567"
TOKEN = MADE_UP + _checksum(MADE_UP)
OTHER = "canary-that-has-no-form-at-all-0123456789"


@pytest.fixture
def talkative(stand):
    """The stand, with every process at its most talkative."""
    stand._services = copy.deepcopy(stand._services)
    for name in ("api", "coordinator", "worker"):
        stand._services[name].setdefault("environment", {})["HPSEARCH_LOG_LEVEL"] = "debug"
    return stand


def forms(secret: str) -> set[str]:
    """A secret as texts may hold it: plain, in an address, in JSON, as Python shows it."""
    shown = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], repr(secret)}
    return shown | {repr(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


def test_planted_secrets_are_in_no_log_and_no_answer(talkative, postgres):
    stand = talkative
    key = stand.secret("api_key")
    broker = stand.start("redis")
    assert stand.start("migrations").wait() == 0
    api, coordinator = stand.start("api"), stand.start("coordinator")
    worker = stand.start("worker")
    said: list[str] = []
    with httpx.Client(base_url=stand.url, timeout=60) as client:

        def ask(method: str, path: str, token: str | None = key, **more) -> httpx.Response | None:
            sent = {} if token is None else {"Authorization": f"Bearer {token}"}
            try:
                answer = client.request(method, path, headers=sent, **more)
            except httpx.TransportError:
                return None
            said.append(f"{answer.headers} {answer.text}")
            return answer

        def status(path: str, token: str | None = None) -> int:
            answer = ask("GET", path, token)
            return 0 if answer is None else answer.status_code

        until(lambda: status("/readyz") == 200, seconds=120, what="the API")
        search = ask("POST", SEARCHES, json=SPEC).headers["Location"]
        until(lambda: ask("GET", search).json()["finished_at"], seconds=120, what="the end")
        for token in (TOKEN, OTHER, f"{key} {key}", key[:-1]):
            assert status(SEARCHES, token) == 401
        ask("GET", SEARCHES, params={"cursor": key, "key": TOKEN})
        ask("POST", f"{SEARCHES}?key={key}", json={"name": key, "dataset": TOKEN})
        ask("PUT", f"/api/v1/datasets/{TOKEN}", content=key.encode())

        break_a_row(stand, postgres)
        assert status(search, key) == 500
        broker.end()
        until(lambda: grown(coordinator.log, "onnection"), seconds=60, what="a complaint")
        until(lambda: grown(worker.log, "onnection"), seconds=60, what="a complaint")
        change_the_password(stand, postgres)
        until(lambda: status("/readyz") == 503, seconds=60, what="the API to notice")
        assert status(SEARCHES, key) == 503
        until(lambda: grown(api.log, "authentication failed"), seconds=60, what="a traceback")
        until(lambda: grown(coordinator.log, "authentication failed"), seconds=60, what="another")

    texts = {c.log.name: c.log.read_text() for c in stand.running} | {"answers": "\n".join(said)}
    assert all(texts[c.log.name] for c in (api, coordinator, worker))
    secrets = {"key": key, "token": TOKEN, "form": OTHER, "database": stand.secret("database_password"),
               "broker": stand.secret("redis_password")}  # fmt: skip
    # What the caller has sent as a name or a label may come back to the caller.
    found = [
        (name, what)
        for name, text in texts.items()
        for what, secret in secrets.items()
        for form in forms(secret)
        if form in text and not (name == "answers" and what in ("key", "token"))
    ]
    assert found == []


def grown(log, word: str) -> bool:
    return word in log.read_text()


def administrator(stand, postgres):
    name = stand.address.split("?")[0].strip("/")
    url = postgres.url(name).replace("postgresql+psycopg", "postgresql")
    return psycopg.connect(url, autocommit=True)


def break_a_row(stand, postgres) -> None:
    with administrator(stand, postgres) as connection:
        connection.execute("""UPDATE search SET spec = '{"not": "a spec"}'""")


def change_the_password(stand, postgres) -> None:
    """From now on what every process knows is wrong; open connections end."""
    with administrator(stand, postgres) as connection:
        connection.execute("ALTER ROLE hpsearch PASSWORD 'another'")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hpsearch'"
        )
