"""Who gets what: every rule, every method, every kind of key, each with its exact status.

The rows come from the application's own map of routes, the expectations from the table below: a
route that is not in the table fails, and so does one that forgets its key, scope or owner.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi3.openapi import OpenAPI

from api import create_app
from api.auth_throttle import AuthThrottle
from hpsearch.errors import NotFound
from hpsearch.records import Reader
from hpsearch.service import Services
from hpsearch.service.datasets import Datasets
from hpsearch.service.external import External, TrialUpdate
from hpsearch.service.figures import FigureQueries
from hpsearch.service.keys import _checksum
from hpsearch.service.searches import Searches
from hpsearch.settings import Settings
from hpsearch.store.keys import Keys
from hpsearch.store.tables import api_key

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PUBLIC = {
    "/", "/new", "/compare", "/searches/<id>", "/docs", "/openapi.json", "/healthz", "/readyz",
    "/assets/<name>",
}  # fmt: skip
STALE = {"If-Match": '"999"'}  # changes nothing, and tells a search of one's own from a stranger's
JSON = {"Content-Type": "application/json"}
RESUME = b'{"action": "resume", "reason": "a test"}'  # of a search that is not paused


@dataclass(frozen=True)
class Row:
    """A route: its scope, what it answers to its owner and to another one, what is sent."""

    scope: str
    own: int
    other: int
    headers: dict[str, str]
    body: bytes = b""


def row(scope: str, own: int, other: int, *headers: dict[str, str], body: bytes = b"") -> Row:
    return Row(scope, own, other, {k: v for h in headers for k, v in h.items()}, body)


SEARCH = "/api/v1/searches/<id>"
TABLE = {
    ("GET", "/api/v1/searches"): row("read", 200, 200),
    ("POST", "/api/v1/searches"): row("submit", 422, 422, JSON, body=b"{}"),
    ("GET", SEARCH): row("read", 200, 404),
    ("GET", f"{SEARCH}/rounds"): row("read", 200, 404),
    ("GET", f"{SEARCH}/trials"): row("read", 200, 404),
    ("GET", f"{SEARCH}/result"): row("read", 409, 404),
    ("GET", f"{SEARCH}/model"): row("read", 409, 404),
    ("GET", f"{SEARCH}/report"): row("read", 200, 404),
    ("GET", f"{SEARCH}/statement"): row("read", 409, 404),
    ("GET", f"{SEARCH}/tuning-curve"): row("read", 200, 404),
    ("GET", f"{SEARCH}/health"): row("read", 200, 404),
    ("GET", f"{SEARCH}/figures/<name>"): row("read", 200, 404),
    ("GET", f"{SEARCH}/coordinates"): row("read", 200, 404),
    ("GET", "/api/v1/figures/progress"): row("read", 400, 400),
    ("GET", f"{SEARCH}/spec"): row("read", 200, 404),
    ("PATCH", SEARCH): row("submit", 412, 404, STALE, JSON, body=b"{}"),
    ("DELETE", SEARCH): row("submit", 412, 404, STALE),
    ("PUT", f"{SEARCH}/sharing"): row("submit", 412, 404, STALE, JSON, body=b'{"sharing": []}'),
    ("POST", f"{SEARCH}/operate"): row("operate", 409, 409, JSON, body=RESUME),
    ("POST", f"{SEARCH}/pause"): row("submit", 412, 404, STALE),
    ("POST", f"{SEARCH}/resume"): row("submit", 412, 404, STALE),
    ("POST", f"{SEARCH}/cancel"): row("submit", 412, 404, STALE),
    ("POST", f"{SEARCH}/trials/claim"): row("submit", 409, 404),
    ("POST", f"{SEARCH}/trials/<trial>/heartbeat"): row("submit", 409, 404, JSON, body=b"{}"),
    ("POST", f"{SEARCH}/trials/<trial>/report"): row("submit", 409, 404, JSON, body=b"{}"),
    ("GET", "/api/v1/datasets"): row("read", 200, 200),
    ("GET", "/api/v1/datasets/<name>"): row("read", 200, 404),
    ("GET", "/api/v1/datasets/<name>/test-rows"): row("read", 200, 404),
    ("PUT", "/api/v1/datasets/<name>"): row("submit", 415, 415),
    ("DELETE", "/api/v1/datasets/<name>"): row("submit", 409, 404),
    ("GET", "/api/v1/whoami"): row("any", 200, 200),
    ("GET", "/api/v1/keys"): row("admin", 200, 200),
    ("POST", "/api/v1/keys"): row("admin", 400, 400, JSON, body=b"{}"),
    ("POST", "/api/v1/keys/<id>/revoke"): row("admin", 200, 200),
    ("GET", "/api/v1/audit"): row("admin", 200, 200),
    ("GET", "/metrics"): row("read", 200, 200),
}
REFUSED = ("none", "malformed", "unknown", "bad secret", "expired", "revoked")
SCOPED = ("read", "submit", "operate", "admin")
OTHERS = ("other", "granted", "operator")  # keys of other owners


@dataclass
class World:
    """An application, a search and a dataset of one owner, and a header for each kind of key."""

    app: OpenAPI
    client: FlaskClient
    headers: dict[str, dict[str, str]]
    names: dict[str, str]

    def path(self, rule: str) -> str:
        for name, value in self.names.items():
            rule = rule.replace(name, value)
        return rule

    def methods(self, rule: str) -> set[str]:
        return {m for r in self.app.url_map.iter_rules() if r.rule == rule for m in r.methods or ()}


@pytest.fixture(scope="module")
def world(
    services: Services, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> World:
    file = tmp_path_factory.mktemp("matrix") / "data.csv"
    file.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
    services.datasets.put("matrix", file, content_type="text/csv", owner="matrix")
    space = {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}}
    search, _ = services.searches.submit({"dataset": "matrix", "space": space}, owner="matrix")
    services.searches.share(search.id, ["granted"], owner="matrix")
    revoked, headers = keys(services)
    app = create_app(services, settings)
    names = {
        "/keys/<id>": f"/keys/{revoked}",
        "/figures/<name>": "/figures/ranges",
        "<id>": search.id,
        "<trial>": "1-0",
        "/assets/<name>": "/assets/docs.js",
        "<name>": "matrix",
    }
    return World(app, app.test_client(), headers, names)


def keys(services: Services) -> tuple[str, dict[str, dict[str, str]]]:
    """The id of the revoked key, and a header for each kind of key."""

    def made(*scopes: str, owner: str = "matrix") -> tuple[str, str]:
        view, token = services.keys.create(name="m", owner=owner, scopes=list(scopes), days=1)
        return view.id, token

    tokens = {scope: made(scope)[1] for scope in SCOPED}
    tokens["other"] = made("read", "submit", "admin", owner="another")[1]
    tokens["granted"] = made("read", "submit", owner="granted")[1]
    tokens["operator"] = made("read", "submit", "operate", owner="operator")[1]
    revoked, tokens["revoked"] = made(*SCOPED)
    services.keys.revoke(revoked)
    expired, tokens["expired"] = made(*SCOPED)
    expire(services, expired)
    bad = made(*SCOPED)[1]
    tokens["bad secret"] = with_another_secret(bad)
    tokens["unknown"] = "no-key-of-anybody-but-long-enough-for-one"
    headers = {kind: {"Authorization": f"Bearer {token}"} for kind, token in tokens.items()}
    headers["none"] = {}
    headers["malformed"] = {"Authorization": f"Basic {tokens['read']}"}
    return revoked, headers


def expire(services: Services, key_id: str) -> None:
    """Let the key's last day be over, by the database's clock."""
    with services.store.engines.write.begin() as connection:
        connection.execute(api_key.update().where(api_key.c.id == key_id).values(expires_at=1.0))


def with_another_secret(token: str) -> str:
    """A token of the same id whose checksum is right and whose secret is not."""
    prefix, key_id, secret = token[:-8].split("_")
    body = f"{prefix}_{key_id}_{secret[::-1]}"
    return body + _checksum(body)


@pytest.fixture
def addresses() -> Iterator[str]:
    """Addresses that nothing else calls from: invalid keys are counted by address."""
    return (f"127.9.{i // 250}.{i % 250 + 1}" for i in itertools.count())


SCOPES_OF = {
    "other": {"read", "submit", "admin"},
    "granted": {"read", "submit"},
    "operator": {"read", "submit", "operate"},
}
# Of a search that is not theirs: whoever it was shared with reads, an operator reads and stops.
_SHOWN = {
    (method, rule)
    for (asked, rule), wanted in TABLE.items()
    if wanted.scope == "read" and rule.startswith(SEARCH)
    for method in (asked, "HEAD")
}
SEEN_BY = {
    "other": set(),
    "granted": _SHOWN,
    "operator": _SHOWN | {("POST", f"{SEARCH}/operate")},
}


def expected(world: World, rule: str, method: str, kind: str) -> int:
    if method not in world.methods(rule):
        return 401 if kind in REFUSED else 405
    if rule in PUBLIC:
        return 200
    wanted = TABLE["GET" if method == "HEAD" else method, rule]
    if kind in REFUSED:
        return 401
    if wanted.scope == "any":
        return wanted.own
    if kind in OTHERS:
        if wanted.scope not in SCOPES_OF[kind]:
            return 403
        granted = (method, rule) in SEEN_BY[kind]
        return wanted.own if granted else wanted.other
    return wanted.own if kind == wanted.scope else 403


def test_the_table_has_every_route_and_no_other(world: World) -> None:
    here = {
        (method, rule.rule)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert here == set(TABLE) | {("GET", rule) for rule in PUBLIC}


@pytest.mark.parametrize("kind", [*REFUSED, *SCOPED, *OTHERS])
def test_every_rule_and_method_answers_this_kind_of_key_exactly_so(
    world: World, addresses: Iterator[str], kind: str
) -> None:
    rules = sorted({rule.rule for rule in world.app.url_map.iter_rules()})
    differing = []
    for rule, method in itertools.product(rules, METHODS):
        sent = TABLE.get((method, rule), row("", 0, 0))
        answer = world.client.open(
            world.path(rule),
            method=method,
            headers={**sent.headers, **world.headers[kind]},
            data=sent.body,
            environ_base={"REMOTE_ADDR": next(addresses)},
        )
        wanted = expected(world, rule, method, kind)
        answer.close()
        if answer.status_code != wanted:
            differing.append((method, rule, answer.status_code, wanted))
            continue
        if wanted in (401, 405):
            assert answer.content_type == "application/problem+json"
        if wanted == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        if wanted == 405:
            assert set(answer.headers["Allow"].split(", ")) == world.methods(rule)
    assert differing == []


def test_paths_that_do_not_exist_are_no_map_for_strangers(
    world: World, addresses: Iterator[str]
) -> None:
    for path in ("/nothing", "/api/v1", "/api/v1/searches/", "/API/v1/keys"):
        for kind, status in [*((k, 401) for k in REFUSED), ("read", 404), ("other", 404)]:
            answer = world.client.get(
                path,
                headers=world.headers[kind],
                environ_base={"REMOTE_ADDR": next(addresses)},
            )
            answer.close()
            assert answer.status_code == status, (path, kind)


def test_lists_hold_nothing_of_another_owner(world: World) -> None:
    for path in ("/api/v1/searches", "/api/v1/datasets"):
        for kind, there in (("read", True), ("other", False)):
            answer = world.client.get(path, headers=world.headers[kind]).get_data(as_text=True)
            assert ("matrix" in answer) == there


def test_the_document_states_the_scope_of_every_operation(world: World) -> None:
    document = world.client.get("/openapi.json").get_json()
    stated = {
        (method.upper(), path.replace("{", "<").replace("}", ">")): operation["x-scope"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    public = dict.fromkeys((("GET", rule) for rule in PUBLIC), "public")
    assert stated == {route: wanted.scope for route, wanted in TABLE.items()} | public


def test_a_route_that_forgets_the_owner_is_found(
    world: World, addresses: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The matrix can fail: this mutant reads whatever id it is given."""
    right = Searches.health

    def forgetful(self: Searches, search_id: str, *, owner: str) -> Any:
        return right(self, search_id, owner="matrix")

    monkeypatch.setattr(Searches, "health", forgetful)
    with pytest.raises(AssertionError, match="health"):
        test_every_rule_and_method_answers_this_kind_of_key_exactly_so(world, addresses, "other")


def test_a_key_ring_that_forgets_expiry_is_found(
    world: World, addresses: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Keys.get
    # The key has been refused by an honest ring, which is remembered for a while.
    monkeypatch.setattr(AuthThrottle, "is_known_invalid", lambda *_: False)
    monkeypatch.setattr(Keys, "get", lambda keys, key_id: _Alive(right(keys, key_id)))
    with pytest.raises(AssertionError):
        test_every_rule_and_method_answers_this_kind_of_key_exactly_so(world, addresses, "expired")


class _Alive:
    def __init__(self, row: Any) -> None:
        self._row = row
        self.live = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def test_every_use_case_about_what_is_owned_asks_for_the_owner() -> None:
    """A new public method without `owner` has to be named here, with its reason."""
    without = {
        f"{kind.__name__}.{name}"
        for kind in (Searches, FigureQueries, Datasets, External)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and "owner" not in inspect.signature(method).parameters
    }
    # The first removes what nobody refers to; both take digests, and no route calls them.
    assert without == {"Datasets.sweep", "Datasets.require_splits"}


def test_every_use_case_refuses_a_stranger(world: World, services: Services) -> None:
    """Each is executed on a real search and a real dataset of somebody else."""
    search_id = world.names["<id>"]
    values = {
        "search_id": search_id, "name": "matrix", "changes": {}, "revision": 1, "seconds": 0.0,
        "trial": "1-0", "token": "t", "update": TrialUpdate("t", score=0.5), "with_": "all",
        "action": "cancel", "reason": "a test",
    }  # fmt: skip
    tried = set()
    for used in (services.searches, services.figures, services.datasets, services.external):
        for name, method in inspect.getmembers(used, inspect.ismethod):
            asked = inspect.signature(method).parameters
            if name.startswith("_") or not {"search_id", "name"} & set(asked):
                continue
            if name in ("put", "add"):  # make a dataset of one's own
                continue
            sent = {k: v for k, v in values.items() if k in asked}
            with pytest.raises(NotFound):
                method(**sent, owner="a-stranger")
            tried.add(name)
    assert tried >= {"status", "rounds", "trials", "result", "health", "spec", "edit", "preview",
                     "pause", "resume", "cancel", "delete", "wait", "find", "get", "sample",
                     "curves", "coordinates", "surface", "asked", "claim", "heartbeat", "report", "share", "operate"}  # fmt: skip
    for used in (services.searches, services.datasets):
        assert "matrix" not in used.list(owner="a-stranger").model_dump_json()


def test_every_use_case_takes_a_reader_or_an_owner_alone(world: World, services: Services) -> None:
    """What reads takes a reader, and refuses one without a grant; what changes takes owners alone."""
    search_id, reading, changing = world.names["<id>"], set(), set()
    for kind in (Searches, FigureQueries, External):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            asked = inspect.signature(method).parameters
            if not name.startswith("_") and "search_id" in asked:
                (reading if asked["owner"].annotation == "Access" else changing).add(name)
    assert changing == {
        "edit", "preview", "pause", "resume", "cancel", "delete", "share",
        "check", "claim", "heartbeat", "report",
    }  # fmt: skip
    values = {"revision": 1, "seconds": 0.0, "action": "cancel", "reason": "a test"}
    for used in (services.searches, services.figures):
        for name in sorted(reading & set(dir(used))):
            method = getattr(used, name)
            sent = {k: v for k, v in values.items() if k in inspect.signature(method).parameters}
            for nobody in (Reader("a-stranger"), "granted"):
                with pytest.raises(NotFound):
                    method(search_id, **sent, owner=nobody)
    with pytest.raises(NotFound):  # whom it was shared with
        services.searches.operate(search_id, "cancel", reason="a test", owner=Reader("granted"))
