"""The bootstrap key on both databases: many starts at once, and keys that were closed."""

from __future__ import annotations

import threading

import pytest

from hpsearch.errors import InvalidRequest, Misconfigured, NotFound, Unauthenticated
from hpsearch.wiring import build

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def services(configured, database_url):
    with build(configured(database_url=database_url)) as services:
        yield services


@pytest.fixture
def keys(services):
    return services.keys


@pytest.mark.parametrize("before", [None, OLD])
def test_many_that_start_at_once_with_the_same_new_key(keys, before):
    if before:
        keys.ensure_bootstrap(before)
    errors, go = [], threading.Barrier(4)

    def start():
        go.wait(30)
        try:
            keys.ensure_bootstrap(NEW)
        except Exception as error:  # noqa: BLE001  # the assertion shows it
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert keys.authenticate(NEW).key_id == "bootstrap"
    assert len(keys.list()) == (2 if before else 1)


def test_a_replaced_key_needs_to_be_allowed(keys):
    keys.ensure_bootstrap(OLD)
    keys.ensure_bootstrap(NEW)
    with pytest.raises(Misconfigured, match="replaced by another one") as refused:
        keys.ensure_bootstrap(OLD)
    assert OLD not in str(refused.value)
    assert keys.authenticate(NEW).key_id == "bootstrap"
    former = next(view for view in keys.list() if view.id != "bootstrap")
    assert former.id in str(refused.value)
    assert former.revoked_at is not None
    assert keys.allow(former.id).id == former.id
    with pytest.raises(Unauthenticated):
        keys.authenticate(OLD)  # not before a start with it
    keys.ensure_bootstrap(OLD)
    assert keys.authenticate(OLD).key_id == "bootstrap"
    with pytest.raises(Misconfigured):
        keys.ensure_bootstrap(NEW)


def test_the_first_use_of_a_replaced_key_is_in_the_audit_once(services):
    services.keys.ensure_bootstrap(OLD)
    services.keys.ensure_bootstrap(NEW)
    former = next(view.id for view in services.keys.list() if view.id != "bootstrap")
    for token in (OLD, OLD, "s" * 40):
        with pytest.raises(Unauthenticated):
            services.keys.authenticate(token)
    rows = services.audit.page(limit=50, action="key.used_after_revocation").items
    assert [row.target for row in rows] == [former]


def test_a_revoked_key_needs_to_be_allowed_or_replaced(keys):
    keys.ensure_bootstrap(OLD)
    keys.revoke("bootstrap")
    with pytest.raises(Misconfigured, match=r"was revoked; .*hpsearch keys allow bootstrap$"):
        keys.ensure_bootstrap(OLD)
    keys.allow("bootstrap")
    assert keys.authenticate(OLD).key_id == "bootstrap"
    keys.revoke("bootstrap")
    keys.ensure_bootstrap(NEW)
    assert keys.authenticate(NEW).key_id == "bootstrap"
    with pytest.raises(Misconfigured, match="replaced"):
        keys.ensure_bootstrap(OLD)


def test_only_bootstrap_keys_are_allowed_again(keys):
    view, token = keys.create(name="a", owner="a", scopes=["read"])
    keys.revoke(view.id)
    with pytest.raises(InvalidRequest, match="only bootstrap keys"):
        keys.allow(view.id)
    with pytest.raises(Unauthenticated):
        keys.authenticate(token)
    with pytest.raises(NotFound):
        keys.allow("bootstrap-00000000")
