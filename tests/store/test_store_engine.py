"""Transactions on both databases: nothing lost, and faults that pass are outlived."""

from __future__ import annotations

import os
import socket
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from support import proxy as proxies

from hpsearch.errors import Misconfigured, Unavailable
from hpsearch.records import NewKey
from hpsearch.store import Store, engine, faults
from hpsearch.store.tables import dataset_content, worker


def test_concurrent_read_modify_write_loses_nothing(database_url):
    store = Store(database_url, synchronous="NORMAL")
    store.write(lambda tx: tx.library.insert_once(dataset_content, {"digest": "d", "info": {}}))

    def count():
        for _ in range(25):
            store.write(lambda tx: tx.final.count_opening("d"))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content = store.read(lambda tx: tx.library.content("d"))
    assert content is not None
    assert content.openings == 100
    store.close()


def test_sqlite_begins_before_it_reads(sqlite_url):
    """A plain SELECT inside `write` must take the write lock: that is what loses no update."""
    store = Store(sqlite_url)
    inside, release = threading.Event(), threading.Event()

    def hold(tx):
        tx.library.content("d")
        inside.set()
        release.wait(10)

    holder = threading.Thread(target=lambda: store.write(hold))
    holder.start()
    assert inside.wait(10)
    probe = engine.sqlite_module().connect(sqlite_url.removeprefix("sqlite:///"), timeout=0)
    with pytest.raises(Exception, match="locked"):
        probe.execute("BEGIN IMMEDIATE")
    probe.close()
    release.set()
    holder.join()
    store.close()


def test_sqlite_is_set_up_to_keep_what_it_commits(sqlite_url):
    store = Store(sqlite_url)
    with store.engines.read.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    wal = engine.wal_is_safe(engine.sqlite_module().sqlite_version_info)
    assert pragma["journal_mode"] == ("wal" if wal else "truncate")
    assert (pragma["synchronous"], pragma["foreign_keys"]) == (2, 1)
    assert pragma["busy_timeout"] == engine.BUSY_MS
    store.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 40, 1), False), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 44, 6), True),
     ((3, 50, 7), True), ((3, 53, 4), True), ((3, 50, 6), False)],
)  # fmt: skip
def test_versions_with_the_wal_bug(version, safe):
    assert engine.wal_is_safe(version) is safe


def test_another_database_is_refused():
    with pytest.raises(Misconfigured, match="postgresql"):
        Store("mysql://user@localhost/db")


def test_work_is_repeated_after_a_fault_that_passes(sqlite_url):
    store = Store(sqlite_url)
    tries = []

    def work(tx):
        tries.append(1)
        if len(tries) < 3:
            raise exc.OperationalError("SELECT 1", {}, Exception("database is locked"))
        return "done"

    assert store.write(work) == "done"
    assert len(tries) == 3
    store.close()


def test_a_fault_that_stays_is_unavailable_and_others_are_not_repeated(sqlite_url, monkeypatch):
    monkeypatch.setattr(engine, "BACKOFF", 0.001)
    store = Store(sqlite_url)
    tries = []

    def locked(tx):
        tries.append(1)
        raise exc.OperationalError("SELECT 1", {}, Exception("database is locked"))

    with pytest.raises(Unavailable, match="locked"):
        store.write(locked)
    assert len(tries) == engine.ATTEMPTS
    tries.clear()

    def mistaken(tx):
        raise exc.IntegrityError("INSERT", {}, Exception("a mistake of ours"))

    def broken(tx):
        tries.append(1)
        raise exc.OperationalError("SELECT 1", {}, Exception("no such table: x"))

    with pytest.raises(Unavailable, match="no such table"):
        store.write(broken)
    assert len(tries) == 1
    with pytest.raises(exc.IntegrityError):
        store.write(mistaken)
    store.close()


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (exc.OperationalError("", {}, SimpleNamespace(sqlstate="40001")), True),
        (exc.OperationalError("", {}, SimpleNamespace(sqlstate="08006")), True),
        (exc.OperationalError("", {}, SimpleNamespace(sqlstate="53100")), False),
        (exc.InterfaceError("", {}, Exception("gone")), True),
        (exc.IntegrityError("", {}, Exception("unique")), False),
        (exc.OperationalError("", {}, Exception("gone"), connection_invalidated=True), True),
    ],
)
def test_which_faults_pass(error, passing):
    assert faults.transient(error) is passing


def test_a_connection_that_dies_inside_the_work(postgres_url):
    """The transaction is gone with it, so the work is done again, and counted once."""
    store, other = Store(postgres_url), Store(postgres_url)
    store.write(lambda tx: tx.library.insert_once(dataset_content, {"digest": "d", "info": {}}))
    killed = []

    def work(tx):
        tx.final.count_opening("d")
        if not killed:
            query = sa.text("SELECT pg_backend_pid()")
            killed.append(tx.queue.connection.execute(query).scalar_one())
            with other.engines.write.begin() as killer:
                killer.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": killed[0]})

    store.write(work)
    content = store.read(lambda tx: tx.library.content("d"))
    assert content is not None
    assert content.openings == 1
    store.close()
    other.close()


@pytest.mark.parametrize("durable", [True, False])
def test_pooled_connections_that_died_are_replaced(postgres_url, durable):
    store, other = Store(postgres_url), Store(postgres_url)
    pid = store.write(lambda tx: said(tx, "SELECT pg_backend_pid()"))
    with other.engines.write.begin() as killer:
        killer.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert store.write(lambda tx: said(tx, "SELECT 1"), durable=durable) == 1
    assert store.write(lambda tx: said(tx, "SELECT pg_backend_pid()")) != pid
    store.close()
    other.close()


def said(tx, query):
    """What PostgreSQL answers."""
    return tx.queue.connection.execute(sa.text(query)).scalar_one()


def test_what_need_not_last_is_not_waited_for(postgres_url):
    """By its own transaction alone, whatever the connection does before and after."""
    store = Store(postgres_url)
    for durable, wanted in ((True, "on"), (False, "off"), (True, "on")):
        assert (
            store.write(lambda tx: said(tx, "SHOW synchronous_commit"), durable=durable) == wanted
        )
        level = store.write(lambda tx: said(tx, "SHOW transaction_isolation"), durable=durable)
        assert level == "read committed"
    with pytest.raises(LookupError):
        store.write(refused, durable=False)
    assert store.read(lambda tx: tx.library.content("d")) is None
    store.close()


def refused(tx):
    """Work that fails after it has written."""
    tx.library.insert_once(dataset_content, {"digest": "d", "info": {}})
    raise LookupError


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_a_server_that_vanishes_is_noticed(postgres, postgres_url):
    """What the kernel is told about the connection; a network that swallows packets is rare here."""
    with proxies.before(postgres.socket) as proxy:
        url = sa.make_url(postgres_url).set(query={}, host="127.0.0.1", port=proxy.port)
        store = Store(url.render_as_string(hide_password=False))
        with (
            store.engines.write.connect() as connection,
            socket.socket(fileno=os.dup(connection.connection.dbapi_connection.fileno())) as found,
        ):
            options = {
                name: found.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
            }
            alive = found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        store.close()
    assert alive
    assert options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"] <= 30
    assert options["TCP_USER_TIMEOUT"] == 30_000


def test_a_database_without_tables_says_so(tmp_path, postgres):
    for url in (f"sqlite:///{tmp_path}/empty.db", postgres.create("empty")):
        store = Store(url)
        with pytest.raises(Unavailable, match="does not work"):
            store.read(lambda tx: tx.keys.page())
        store.close()
    postgres.drop("empty")


def test_an_insert_that_loses_its_race_says_so(database_url):
    store = Store(database_url)
    key = NewKey("k", "n", "o", "read", "old")
    assert store.write(lambda tx: tx.keys.insert(key))
    assert not store.write(lambda tx: tx.keys.insert(key))
    changed = replace(key, secret_sha256="new")
    store.write(lambda tx: tx.keys.replace(changed, former="k-former"))
    rows = {row.id: row for row in store.read(lambda tx: tx.keys.page())}
    assert (rows["k"].secret_sha256, rows["k"].live) == ("new", True)
    assert (rows["k-former"].secret_sha256, rows["k-former"].live) == ("old", False)
    store.close()


def test_a_worker_that_goes_on_living_is_seen_again(database_url):
    store = Store(database_url)
    moments = []
    for _ in range(2):
        store.write(lambda tx: tx.workers.register("w", host="h", pid=1, fingerprint={}))
        moments.append(
            store.read(
                lambda tx: tx.workers.connection.execute(sa.select(worker.c.seen_at)).scalar_one()
            )
        )
    assert moments[1] > moments[0]
    store.close()
