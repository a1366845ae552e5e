"""Keys over HTTP for the admin scope, how they look, when they were used, how often they may ask."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import create_app
from api.key_usage import KeyUsage
from api.outage import Outage
from api.rate_limiter import RateLimiter
from hpsearch.errors import NoDatabase, Unauthenticated, Unavailable
from hpsearch.records import NewKey
from hpsearch.service import Services
from hpsearch.service.keys import _base62, _checksum
from hpsearch.settings import Settings

KEYS = "/api/v1/keys"
SEARCHES = "/api/v1/searches"


@pytest.fixture
def admin(clients: Any) -> httpx.Client:
    return clients("admin")


def test_an_admin_makes_lists_and_revokes_keys(admin: httpx.Client, clients: Any) -> None:
    asked = {"name": "notebook", "owner": "ada", "scopes": ["read"], "days": 2}
    made = admin.post(KEYS, json=asked)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    key = made.json()
    assert (key["owner"], key["scopes"]) == ("ada", ["read"])
    assert key["expires_at"] is not None
    holder = clients.bare(Authorization=f"Bearer {key['token']}")
    assert holder.get(SEARCHES).status_code == 200
    assert holder.post(SEARCHES, json={}).status_code == 403

    listed = admin.get(KEYS, params={"limit": 1000}).json()["items"]
    assert key["id"] in [k["id"] for k in listed]
    assert key["token"][20:40] not in str(listed)
    assert "sha256" not in str(listed)

    assert admin.post(f"{KEYS}/{key['id']}/revoke").json()["revoked_at"] is not None
    assert holder.get(SEARCHES).status_code == 401
    assert admin.post(f"{KEYS}/nobody/revoke").status_code == 404
    assert admin.post(f"{KEYS}/%00/revoke").status_code == 404


def test_what_a_key_may_do_is_no_more_than_it_says(admin: httpx.Client, clients: Any) -> None:
    plain = admin.post(KEYS, json={"name": "plain"}).json()
    assert (plain["owner"], plain["scopes"], plain["expires_at"]) == (
        "plain", ["read", "submit"], None,
    )  # fmt: skip
    holder = clients.bare(Authorization=f"Bearer {plain['token']}")
    assert holder.post(KEYS, json={"name": "more", "scopes": ["admin"]}).status_code == 403


def test_keys_are_paged_in_the_order_of_their_making(admin: httpx.Client) -> None:
    for i in range(3):
        admin.post(KEYS, json={"name": f"p{i}"})
    whole = [k["id"] for k in admin.get(KEYS, params={"limit": 1000}).json()["items"]]
    seen, cursor = [], None
    while True:
        page = admin.get(KEYS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [k["id"] for k in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "name"),
        ([], "body"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x", "scopes": ["root"]}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "days": "7"}, "days"),
        ({"name": "x", "id": "mine"}, "id"),
        ({"name": "x", "secret_sha256": "0" * 64}, "secret_sha256"),
    ],
)
def test_a_request_for_a_key_names_its_mistakes(
    admin: httpx.Client, body: object, words: str
) -> None:
    answer = admin.post(KEYS, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


# How a token is made


@given(st.binary(min_size=32, max_size=32))
def test_a_secret_of_32_bytes_has_43_digits_and_loses_nothing(secret: bytes) -> None:
    text = _base62(secret)
    assert re.fullmatch("[0-9A-Za-z]{43}", text)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for character in text:
        number = number * 62 + digits.index(character)
    assert number.to_bytes(32) == secret


def test_a_token_is_told_from_noise_by_its_form(services: Services) -> None:
    view, token = services.keys.create(name="t", owner="t", scopes=["read"])
    assert re.fullmatch(rf"hps_{view.id}_[0-9A-Za-z]{{43}}[0-9a-f]{{8}}", token)
    assert _checksum(token[:-8]) == token[-8:]
    assert services.keys.authenticate(token).key_id == view.id
    for wrong in (token[:-1], token[:-1] + "x", token.swapcase(), token + "0", f"{token} "):
        with pytest.raises(Unauthenticated):
            services.keys.authenticate(wrong)


def test_keys_of_the_form_before_still_open(services: Services) -> None:
    """Their secrets were written in base64, which has dashes and underscores."""
    body = "hps_00ff_" + "Ab-_" * 11
    token = body + _checksum(body)
    from hpsearch.service.keys import _hash

    key = NewKey("00ff", "old", "old", "read", _hash(token))
    services.store.write(lambda tx: tx.keys.insert(key))
    assert services.keys.authenticate(token).owner == "old"


# When a key was used


def test_the_last_use_of_a_key_is_written(
    services: Services, eventually: Callable[..., Any]
) -> None:
    view, _ = services.keys.create(name="t", owner="t", scopes=["read"])
    usage = KeyUsage(services.keys.note_use, seconds=0.01)
    assert view.last_used_at is None
    usage.record(view.id)

    def last() -> str | None:
        return next(k.last_used_at for k in services.keys.list() if k.id == view.id)

    first = eventually(last)
    usage.record(view.id)
    eventually(lambda: last() != first)


def test_the_last_use_is_the_moment_of_the_use(services: Services) -> None:
    view, _ = services.keys.create(name="t", owner="t", scopes=["read"])

    def seconds_since(ago: float) -> float:
        services.keys.note_use({view.id: ago})
        used = next(k.last_used_at for k in services.keys.list() if k.id == view.id)
        assert used is not None
        return parsed(used) - parsed(view.created_at)

    assert seconds_since(-5.0) == pytest.approx(5.0, abs=3.0)
    assert seconds_since(-50.0) == pytest.approx(50.0, abs=3.0)
    assert seconds_since(20.0) == pytest.approx(50.0, abs=3.0)  # an earlier use, written late


def parsed(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def test_a_request_does_not_wait_for_the_writing_and_survives_its_failure(
    eventually: Callable[..., Any],
) -> None:
    written: list[set[str]] = []
    held, entered = threading.Event(), threading.Event()

    def slow(ages: Mapping[str, float]) -> None:
        entered.set()
        assert held.wait(30)
        assert all(0 <= age < 60 for age in ages.values())
        written.append(set(ages))
        if len(written) == 1:
            raise Unavailable("locked")

    usage = KeyUsage(slow, seconds=0.01)
    usage.record("a")
    assert entered.wait(30)
    for name in "bcb":
        usage.record(name)  # returns, though the first writing is still held
    assert written == []
    held.set()
    eventually(lambda: len(written) == 2)
    assert written == [{"a"}, {"a", "b", "c"}]


# How often a key may ask


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_with_time_and_never_beyond_its_size() -> None:
    clock = Clock()
    buckets = RateLimiter(rate=2.0, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.take("b") == 0
    clock.now = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0, 1]
    clock.now = 100.0
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 1]


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    services: Services, settings: Settings
) -> None:
    slow = settings.model_copy(update={"requests_per_second": 0.1, "request_burst": 5})
    http = create_app(services, slow).test_client()
    tokens = [services.keys.create(name="t", owner="t", scopes=["read"])[1] for _ in range(2)]
    busy, calm = ({"Authorization": f"Bearer {token}"} for token in tokens)
    codes = [http.get(SEARCHES, headers=busy).status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    refused = http.get(SEARCHES, headers=busy)
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.content_type == "application/problem+json"
    assert "too many requests" in refused.get_json()["detail"]
    # Another key of the same owner has its own bucket, and what is public has none.
    assert http.get(SEARCHES, headers=calm).status_code == 200
    assert http.get("/healthz", headers=busy).status_code == 200


def test_only_the_database_has_outages_that_a_key_read_from_it_ends(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = create_app(services, settings).test_client()
    token = services.keys.create(name="t", owner="t", scopes=["read"])[1]
    met: list[Exception] = []
    monkeypatch.setattr(Outage, "met", lambda _, error: met.append(error))
    faults = [Unavailable("the datasets cannot be read"), NoDatabase("it does not answer")]
    for fault in faults:
        monkeypatch.setattr(type(services.searches), "list", Mock(side_effect=fault))
        answer = http.get(SEARCHES, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert met == faults[1:]


def test_a_hundred_submissions_at_once_with_one_idempotency_key(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    def submit(_: int) -> httpx.Response:
        return client.post(SEARCHES, json=spec, headers={"Idempotency-Key": "once"})

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(submit, range(100)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(client.get(SEARCHES).json()["items"]) == 1
