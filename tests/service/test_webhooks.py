"""Webhooks: told once where all is well, again where not, never to anybody else, never for nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import socket
import threading
from contextlib import ExitStack

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bench import OWNER, SPEC, Bench
from support.checker import verify
from support.commits import Commits, broken
from support.outside import Outside
from support.receiver import DRIPPING, receiver
from support.waiting import until

from hpsearch.errors import InvalidSpec, Misconfigured
from hpsearch.origins import origin_of
from hpsearch.service.webhooks import Webhooks
from hpsearch.settings import load
from hpsearch.spec.webhook import refusal
from hpsearch.trials import SearchState, TrialState
from hpsearch.wiring import build
from worker.webhook_thread import WebhookThread

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
SMALL = {"rounds": 1, "trials_per_round": 4, "final": {"epochs": 1, "models": 1}}


@pytest.fixture
def told(configured):
    """told(database_url, *answers): a bench, its postman, and a receiver that answers so."""
    with ExitStack() as stack:

        def make(database_url, *answers, **settings):
            found = stack.enter_context(receiver(*answers))
            defaults = {
                "webhook_hosts": found.origin, "webhook_retry_seconds": 1e-3,
                "webhook_attempts": 3, "webhook_seconds": 30.0,
            }  # fmt: skip
            made = configured(database_url=database_url, **{**defaults, **settings})
            services = stack.enter_context(build(made))
            return Bench(services), Webhooks(services.store, services.settings), found

        yield make


def submitted(bench, found, **changes):
    return bench.submit(**{**SMALL, "webhook": {"url": found.url}, **changes})


def webhook(bench, search_id):
    return bench.status(search_id).webhook


def settled(bench, postman, search_id):
    """Send until there is nothing left to send; how it went."""

    def over():
        postman.deliver()
        now = webhook(bench, search_id)
        return now if now.state in ("delivered", "given_up") else None

    return until(over, what="the end of a delivery")


def test_the_end_is_told_once(told, database_url):
    bench, postman, found = told(database_url, webhook_secret=SECRET, public_url="https://x.org/")
    search_id = submitted(bench, found, name="Füchse")
    before = webhook(bench, search_id)
    assert (before.host, before.state) == (found.origin, "waiting")
    assert postman.deliver() == 0
    bench.complete(search_id)
    assert webhook(bench, search_id).state == "sending"
    revision = bench.status(search_id).revision
    assert (postman.deliver(), postman.deliver()) == (1, 0)
    (sent,) = found.sent
    ended = bench.status(search_id)
    assert sent.path == "/hook/s3cret"
    assert json.loads(sent.body) == {
        "type": "search.completed",
        "timestamp": ended.finished_at,
        "data": {
            "id": search_id, "name": "Füchse", "state": "completed",
            "ended_at": ended.finished_at,
            "links": {
                "self": f"https://x.org/api/v1/searches/{search_id}",
                "result": f"https://x.org/api/v1/searches/{search_id}/result",
            },
        },
    }  # fmt: skip
    assert (ended.webhook.state, ended.webhook.attempts) == ("delivered", 1)
    assert ended.webhook.delivered_at
    assert ended.revision == revision + 1, "who looks for news finds it"
    name, time = sent.headers["webhook-id"], sent.headers["webhook-timestamp"]
    digest = hmac.new(KEY, f"{name}.{time}.".encode() + sent.body, hashlib.sha256).digest()
    assert sent.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    verify(database_url, intact=False)


def test_without_a_webhook_nothing_is_owed(told, sqlite_url):
    bench, postman, found = told(sqlite_url)
    search_id = bench.submit(**SMALL)
    assert webhook(bench, search_id) is None
    bench.services.searches.cancel(search_id, owner=OWNER)
    assert (postman.deliver(), found.sent) == (0, [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancelled_search_tells_it_once_however_its_commit_went(told, database_url, when):
    """The delivery is written by the transaction that ends the search, or neither is."""
    bench, postman, found = told(database_url)
    search_id = submitted(bench, found)
    engines = bench.services.store.engines
    commits = Commits(engines, broken(engines))
    commits.armed = when
    bench.services.searches.cancel(search_id, owner=OWNER)
    assert commits.armed is None
    assert settled(bench, postman, search_id).state == "delivered"
    (sent,) = found.sent
    assert json.loads(sent.body)["type"] == "search.cancelled"
    assert "result" not in json.loads(sent.body)["data"]["links"]
    assert "webhook-signature" not in sent.headers


def test_a_receiver_that_falters_is_asked_again(told, sqlite_url):
    bench, postman, found = told(sqlite_url, 500, 204)
    search_id = submitted(bench, found)
    bench.services.searches.cancel(search_id, owner=OWNER)
    postman.deliver()
    assert webhook(bench, search_id).error == "answered 500"
    after = settled(bench, postman, search_id)
    assert (after.state, after.attempts, after.error) == ("delivered", 2, None)
    first, second = (sent.headers for sent in found.sent)
    assert first["webhook-id"] == second["webhook-id"], "by which it knows that it is the same"
    assert "cookie" not in second


@pytest.mark.parametrize(
    ("answer", "seconds", "why"),
    [
        (302, 30.0, "answered 302, and redirects are not followed"),
        (DRIPPING, 0.3, "no answer within 0.3 s"),
        (None, 30.0, "ConnectError"),
    ],
)
def test_in_the_end_it_is_given_up_and_seen(told, sqlite_url, caplog, answer, seconds, why):
    answers = () if answer is None else (answer,)
    bench, postman, found = told(sqlite_url, *answers, webhook_seconds=seconds)
    url = found.url
    if answer is None:
        with socket.socket() as closed:  # a port at which nobody listens
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    settings = bench.services.settings.model_copy(update={"webhook_hosts": origin_of(url)})
    with build(settings) as services, caplog.at_level(logging.WARNING):
        bench, postman = Bench(services), Webhooks(services.store, settings)
        search_id = submitted(bench, found, webhook={"url": url})
        services.searches.cancel(search_id, owner=OWNER)
        after = settled(bench, postman, search_id)
        events = [e for e in services.store.events(search_id) if e.kind.startswith("webhook")]
    assert (after.state, after.attempts) == ("given_up", 3)
    assert why in after.error
    assert {sent.path for sent in found.sent} <= {"/hook/s3cret"}
    if answer == 302:
        assert len(found.sent) == 3
    (line,) = [r.getMessage() for r in caplog.records if "is not told" in r.getMessage()]
    assert "s3cret" not in line
    (event,) = events
    assert (event.kind, event.detail["attempts"]) == ("webhook_given_up", 3)


def test_a_sender_that_died_in_mid_attempt_has_used_it_up(told, sqlite_url):
    bench, postman, found = told(sqlite_url, webhook_attempts=1, webhook_seconds=1e-3)
    search_id = submitted(bench, found)
    bench.services.searches.cancel(search_id, owner=OWNER)
    store = bench.services.store
    (row,) = store.read(lambda tx: tx.outbox.due(limit=8))
    assert store.write(lambda tx: tx.outbox.begin(row, patience=1e-3))
    assert not store.write(lambda tx: tx.outbox.begin(row, patience=1e-3)), "one of two"
    after = settled(bench, postman, search_id)
    assert (after.state, after.attempts) == ("given_up", 1)
    assert found.sent == []


def test_a_host_that_is_not_allowed_any_more_is_not_called(told, sqlite_url):
    bench, _, found = told(sqlite_url)
    search_id = submitted(bench, found)
    bench.services.searches.cancel(search_id, owner=OWNER)
    later = bench.services.settings.model_copy(update={"webhook_hosts": "other.example"})
    after = settled(bench, Webhooks(bench.services.store, later), search_id)
    assert after.state == "given_up"
    assert "is not in HPSEARCH_WEBHOOK_HOSTS" in after.error
    assert found.sent == []


@pytest.mark.parametrize(
    ("hosts", "url", "said"),
    [
        ("", "https://a.example/x", "https://a.example:443 cannot be told: webhooks are off"),
        ("a.example", "https://b.example/x", "https://b.example:443 is not in HPSEARCH_WEBHOOK_H"),
        ("a.example", "https://a.example:8443/x", "https://a.example:8443 is not in"),
        ("a.example", "http://A.example/x", "http://a.example:80 may be told over https alone"),
        ("a.example", "https://me:pw@a.example/x", "no user, no password"),
        ("a.example", "https://a.example.evil.org/", "https://a.example.evil.org:443 is not in"),
        ("a.example", "https://evil.org\\@a.example/", "give https://HOST/PATH"),
        ("a.example", "https://a.example./x", "give https://HOST/PATH"),
        ("a.example", "file:///etc/passwd", "give https://HOST/PATH"),
        ("a.example", "https://a.example:99999/", "give https://HOST/PATH"),
    ],
)
def test_who_is_not_allowed_is_named(hosts, url, said):
    assert said in (refusal(url, load(webhook_hosts=hosts)) or "")


def test_who_is_allowed_may_be_told():
    settings = load(webhook_hosts="a.example, http://[::1]:9000")
    for url in ("https://a.example/x?y=z", "HTTPS://A.example:443", "http://[::1]:9000/"):
        assert refusal(url, settings) is None, url


def test_of_a_spec_that_is_refused_nothing_is_stored(configured, sqlite_url):
    with build(configured(database_url=sqlite_url)) as services:
        spec = {**SPEC, "webhook": {"url": "https://a.example/s3cret"}}
        with pytest.raises(InvalidSpec) as refused:
            services.searches.submit(spec, owner=OWNER)
        (mistake,) = refused.value.mistakes
        assert (mistake.path, "s3cret" in mistake.message) == ("webhook.url", False)
        assert "HPSEARCH_WEBHOOK_HOSTS" in mistake.message
        assert services.searches.list(owner=OWNER).items == []


def test_the_address_is_kept_from_the_spec_and_the_digest(told, sqlite_url):
    """Specs are exported and shared, and the address is often a secret."""
    bench, _, found = told(sqlite_url)
    ids = [submitted(bench, found), bench.submit(**SMALL)]
    for search_id in ids:
        bench.complete(search_id)
    assert "webhook" not in bench.services.searches.spec(ids[0], owner=OWNER)
    assert "s3cret" not in bench.status(ids[0]).model_dump_json()
    digests = {bench.services.searches.result(i, owner=OWNER).digest for i in ids}
    assert len(digests) == 1


def test_a_final_test_that_fails_and_is_run_again_ends_twice(told, sqlite_url):
    bench, postman, found = told(sqlite_url, max_losses=1)
    search_id = submitted(bench, found)
    bench.round()
    bench.work.advance_due()
    hint = bench.hint()
    bench.claim(hint)
    bench.work.give_back(hint, "no", worker_run="worker")
    assert settled(bench, postman, search_id).state == "delivered"
    bench.services.searches.resume(search_id, owner=OWNER)
    bench.complete(search_id)
    assert settled(bench, postman, search_id).state == "delivered"
    kinds = [json.loads(sent.body)["type"] for sent in found.sent]
    assert kinds == ["search.failed", "search.completed"]
    assert len({sent.headers["webhook-id"] for sent in found.sent}) == 2


def test_what_one_receiver_answers_costs_no_other_a_thing(told, sqlite_url):
    """Some redirects cannot even be read as addresses."""
    bench, postman, found = told(sqlite_url, 302, 204)
    found.location = "mailto:a@b"
    searches = [submitted(bench, found, seed=n) for n in range(2)]
    for search_id in searches:
        bench.services.searches.cancel(search_id, owner=OWNER)
    assert postman.deliver() == 2
    assert sorted(webhook(bench, s).state for s in searches) == ["delivered", "sending"]
    (said,) = filter(None, (webhook(bench, s).error for s in searches))
    assert said.startswith("InvalidURL")


def test_who_has_many_does_not_keep_the_others_waiting(told, sqlite_url):
    bench, postman, found = told(sqlite_url)
    searches = bench.services.searches
    ended = []
    for owner in [*["many"] * 10, "one"]:
        spec = {**SPEC, **SMALL, "webhook": {"url": found.url}, "seed": len(ended)}
        ended.append(searches.submit(spec, owner=owner)[0].id)
        searches.cancel(ended[-1], owner=owner)
    postman.deliver()
    assert searches.status(ended[-1], owner="one").webhook.state == "delivered"
    assert len(found.sent) < len(ended)


def test_pauses_grow_to_half_of_what_a_stepped_clock_would_make_of_them(told, sqlite_url):
    bench, postman, found = told(sqlite_url, 500, webhook_retry_seconds=600.0, webhook_attempts=20)
    search_id = submitted(bench, found)
    bench.services.searches.cancel(search_id, owner=OWNER)
    store = bench.services.store
    for attempts in range(1, 12):
        assert (postman.deliver(), postman.deliver()) == (1, 0)
        assert webhook(bench, search_id).attempts == attempts
        store.write(lambda tx: tx.outbox.missed(f"{search_id}-2", "later", pause=-1.0))


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(told, sqlite_url, monkeypatch):
    host = "http://localhost:9"
    bench, postman, _ = told(sqlite_url, webhook_hosts=host, webhook_seconds=0.2)
    search_id = bench.submit(**SMALL, webhook={"url": f"{host}/hook"})
    bench.services.searches.cancel(search_id, owner=OWNER)
    known, real = threading.Event(), socket.getaddrinfo

    def slow(*name, **how):
        assert known.wait(60)
        return real(*name, **how)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        assert postman.deliver() == 1
        assert webhook(bench, search_id).error == "no answer within 0.2 s"
    finally:
        known.set()


def test_two_models_that_fail_end_the_search_once(told, database_url):
    """Each final trial of a search that is trained elsewhere is a job of its own."""
    bench, postman, found = told(database_url, 500, 204, max_losses=1)
    outside = Outside(bench.services)
    small = {"rounds": 1, "trials_per_round": 4, "epochs": {"first": 1, "last": 1}}
    search_id = outside.submit(**small, webhook={"url": found.url})
    until(lambda: outside.turn(search_id) is SearchState.FINALIZING, what="its final test")
    held = [outside.claim(search_id) for _ in range(2)]
    for order in held:
        outside.report(order, None, state=TrialState.FAILED, message="no test part")
        postman.deliver()
    assert outside.status(search_id).state is SearchState.FAILED
    assert settled(bench, postman, search_id).state == "delivered"
    assert len({sent.headers["webhook-id"] for sent in found.sent}) == 1
    kinds = [e.kind for e in bench.services.store.events(search_id) if e.job_id is None]
    assert kinds.count("failed") == 1


def test_a_secret_that_cannot_be_read_uses_no_attempt_up(told, sqlite_url, tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET)
    bench, postman, found = told(sqlite_url, webhook_secret_file=file)
    search_id = submitted(bench, found)
    bench.services.searches.cancel(search_id, owner=OWNER)
    file.unlink()
    with pytest.raises(Misconfigured, match="HPSEARCH_WEBHOOK_SECRET_FILE"):
        postman.deliver()
    assert webhook(bench, search_id).attempts == 0
    file.write_text(SECRET)
    assert settled(bench, postman, search_id).state == "delivered"


def test_the_thread_of_the_loop_sends_and_outlives_a_fault(told, sqlite_url, caplog, monkeypatch):
    bench, postman, found = told(sqlite_url)
    search_id = submitted(bench, found)
    failed = threading.Event()
    deliver = postman.deliver

    def fails_once():
        if failed.is_set():
            return deliver()
        failed.set()
        raise ValueError("a fault of ours")

    monkeypatch.setattr(postman, "deliver", fails_once)
    with WebhookThread(postman, tick=0.01):
        assert failed.wait(10)
        bench.services.searches.cancel(search_id, owner=OWNER)
        until(lambda: webhook(bench, search_id).state == "delivered")
    assert len(found.sent) == 1
    assert "webhooks are not sent" in caplog.text


@given(
    st.one_of(
        st.from_regex(r"https?://[a-z0-9.:@\\/?#%\[\]-]{1,30}", fullmatch=True),
        st.text(max_size=30).map("https://a.example".__add__),
    )
)
def test_what_is_checked_is_what_is_called(url):
    """Two readings of one address are how requests are smuggled to other hosts."""
    origin = origin_of(url)
    if origin is None:
        return
    called = httpx.URL(url)
    host = f"[{called.host}]" if ":" in called.host else called.host
    port = called.port or {"https": 443, "http": 80}[called.scheme]
    assert f"{called.scheme}://{host}:{port}" == origin
    assert not called.userinfo
