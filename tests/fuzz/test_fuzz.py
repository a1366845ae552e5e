"""A short, seeded part of `make fuzz`, and mutants that each suite must find."""

from __future__ import annotations

import io
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from flask import g, request
from werkzeug.datastructures import Headers

from api import body, create_app
from api.auth import Authority
from fuzz import contract, raw, server, uploads
from fuzz.files import KINDS
from fuzz.outcome import Outcome
from fuzz.world import World
from hpsearch.data import child
from hpsearch.service import Services
from hpsearch.service.searches import Searches
from hpsearch.settings import Settings, load
from hpsearch.wiring import build

SEED = 7


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[server.Server]:
    with server.running(home, server.environment(home)) as found:
        yield found


@pytest.fixture(scope="module")
def settings(home: Path) -> Settings:
    return load(
        home=home, api_key=server.KEY, requests_per_second=0, max_active_searches=10**6,
        log_level="error",
    )  # fmt: skip


@pytest.fixture(scope="module")
def services(api: server.Server, settings: Settings) -> Iterator[Services]:
    """On the database of the server, which has been migrated."""
    with build(settings) as found:
        yield found


@pytest.fixture(scope="module")
def world(services: Services, home: Path) -> World:
    return World(services, home)


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.NO_WAY_OUT.items():
        monkeypatch.setenv(name, value)


def schema_of(services: Services, settings: Settings) -> Any:
    return contract.document(create_app(services, settings))


def sound(outcome: Outcome) -> None:
    assert outcome.problems == []
    assert (outcome.faults, outcome.bypasses) == (0, 0)


# From the OpenAPI document


def test_requests_from_the_document(services: Services, settings: Settings, world: World) -> None:
    schema = schema_of(services, settings)
    assert sum(1 for _ in schema.get_all_operations()) >= 25
    outcome = contract.run(schema, world, requests_wanted=350, number=SEED)
    sound(outcome)
    assert outcome.requests >= 200
    assert {200, 201, 400, 401, 403, 404, 422} <= set(outcome.codes)


def mutated(services: Services, settings: Settings, world: World, path: str) -> Outcome:
    schema = schema_of(services, settings).include(path_regex=path)
    return contract.run(schema, world, requests_wanted=30, number=SEED)


def test_a_route_without_the_owner_check_is_found(
    services: Services, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Searches.spec
    mutant = lambda self, search_id, *, owner: right(self, search_id, owner="fuzz-owner")  # noqa: E731
    monkeypatch.setattr(Searches, "spec", mutant)
    assert mutated(services, settings, world, "/spec$").bypasses


def test_a_route_without_a_scope_is_found(
    services: Services, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Authority.admit

    def admit(self: Authority) -> None:
        if (request.endpoint or "").endswith("metrics_text"):
            g.pop("principal", None)
            return
        right(self)

    monkeypatch.setattr(Authority, "admit", admit)
    assert mutated(services, settings, world, "/metrics$").bypasses


def test_a_handler_that_fails_on_odd_text_is_found(
    services: Services, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader of JSON that Python brings along takes half a surrogate pair; SQL does not."""
    monkeypatch.setattr(body.strict_json, "loads", careless)
    outcome = mutated(services, settings, world, "/searches$")
    assert outcome.faults
    assert any("ServerError" in problem for problem in outcome.problems)


def careless(data: bytes, **_: Any) -> Any:
    value = json.loads(data)
    json.dumps(value, ensure_ascii=False).encode("ascii")  # what a driver that knows ASCII does
    return value


# Raw bytes


def test_raw_bytes_on_a_socket(api: server.Server, world: World) -> None:
    outcome = raw.run(api.address, world, requests_wanted=20 * len(raw.KINDS), number=SEED)
    sound(outcome)
    assert outcome.requests >= 140
    assert {400, 401} <= set(outcome.codes)
    assert api.answers()
    assert api.faults() == []


def test_a_server_that_fails_on_odd_bytes_is_found(world: World) -> None:
    def fragile(environ: dict[str, Any], start: Any) -> list[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        start("200 OK", Headers([("Content-Type", "text/plain")]).to_wsgi_list())
        return [path.encode()]

    class Silent(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing: it is meant to fail."""

        def get_stderr(self) -> Any:
            return io.StringIO()

    with make_server("127.0.0.1", 0, fragile, handler_class=Silent) as mutant:
        thread = threading.Thread(target=mutant.serve_forever, daemon=True)
        thread.start()
        try:
            outcome = raw.run(mutant.server_address, world, requests_wanted=70, number=SEED)  # type: ignore[arg-type]
        finally:
            mutant.shutdown()
            thread.join()
    assert outcome.faults


@pytest.mark.parametrize(("keyed", "bypasses"), [(False, 1), (True, 0)])
def test_an_answer_with_the_owner_s_things_and_no_key_is_found(keyed: bool, bypasses: int) -> None:
    outcome = Outcome("raw")
    answer = b"HTTP/1.1 400 Bad\r\n\r\nHTTP/1.1 200 OK\r\n\r\ncanary-of-the-owner"
    raw.judge(outcome, "smuggled", b"GET", answer, keyed=keyed)
    assert outcome.bypasses == bypasses
    assert outcome.codes == {400: 1, 200: 1}


# Hostile files


def test_hostile_files(api: server.Server, world: World) -> None:
    before = api.resident()
    with httpx.Client(base_url=api.url, timeout=120) as client:
        outcome = uploads.run(client, world, files_wanted=len(KINDS), number=SEED)
    sound(outcome)
    assert outcome.codes[422] + outcome.codes[413] >= 10
    assert api.resident() - before < 200_000_000
    assert api.faults() == []


def test_a_parser_whose_refusals_are_forgotten_is_found(
    services: Services, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_ERRORS", None)
    transport = httpx.WSGITransport(app=create_app(services, settings), raise_app_exceptions=False)
    with httpx.Client(transport=transport, base_url="http://localhost") as client:
        outcome = uploads.run(client, world, files_wanted=2, number=SEED)
    assert outcome.faults


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"npz bomb", "csv wide", "csv long"}))
def test_the_same_seed_draws_the_same_file(kind: str) -> None:
    _, make = KINDS[kind]
    draws = [[make(random.Random(seed)) for seed in range(5)] for _ in range(2)]
    assert draws[0] == draws[1]
    assert len({bytes(content) for content in draws[0]}) > 1
