"""Servers that say no, or are set up in another way: it works, or one sentence says what to do."""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa

from hpsearch.errors import InvalidRequest, Misconfigured, Unavailable
from hpsearch.records import NewKey
from hpsearch.store import Store, engine
from hpsearch.wiring import build
from migrations.__main__ import main as migrate
from migrations.schema import Database

TIMES = 7  # psycopg prepares what it has executed five times


def key(number=0, name="n"):
    """A key to insert."""
    return NewKey(f"k{number}", name, "o", "read", "old")


def threshold(store):
    """Times that psycopg executes a statement before it prepares it."""
    return store.read(lambda tx: tx.keys.connection.connection.driver_connection.prepare_threshold)


def test_nothing_is_prepared_behind_a_pooler(pooled_url, postgres_url):
    """Found out by itself, said in the address, or set: eight threads share a few connections."""
    store = Store(pooled_url)
    faults = []

    def work(worker):
        for number in range(TIMES * 3):
            try:
                store.write(lambda tx: tx.workers.register(worker, host="h", pid=1, fingerprint={}))
                store.read(lambda tx: tx.keys.page())
                store.write(lambda tx, n=number: tx.keys.insert(key(f"{worker}{n}")), durable=False)
            except Unavailable as error:
                faults.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    store.close()
    for url, prepared, expected in (
        (pooled_url, "auto", None), (postgres_url, "auto", 5), (postgres_url, "off", None),
        (pooled_url, "on", 5), (f"{postgres_url}&prepare_threshold=0", "auto", None),
        (f"{pooled_url}&prepare_threshold=3", "auto", 3),
    ):  # fmt: skip
        store = Store(url, prepared=prepared)
        assert threshold(store) == expected, (url, prepared)
        store.close()


def test_statements_that_a_pooler_mixes_up_name_the_setting(pooler, pooled_url):
    """Two clients on the same connection of the server prepare under the same name."""
    with ExitStack() as stack:
        stores = [Store(pooled_url, prepared="on") for _ in range(2)]
        for store in stores:
            stack.callback(store.close)

        def take_turns():
            for store in stores * TIMES:
                store.read(lambda tx: tx.keys.page())

        with pytest.raises(Unavailable, match="HPSEARCH_PREPARED_STATEMENTS=off"):
            take_turns()


@pytest.mark.parametrize("durable", [True, False])
def test_floats_keep_every_digit_whatever_the_server_is_set_to(postgres, postgres_url, durable):
    name = sa.make_url(postgres_url).database
    postgres._sql(f'ALTER DATABASE "{name}" SET extra_float_digits = 0')
    store = Store(postgres_url)
    query = sa.text("SELECT 0.1::float8 + 0.2::float8, json_build_array(0.1::float8 + 0.2::float8)")
    row = store.write(lambda tx: tx.keys.connection.execute(query).one(), durable=durable)
    assert tuple(row) == (0.1 + 0.2, [0.1 + 0.2])
    assert store.read(lambda tx: tx.keys.connection.execute(query).one())[0] == 0.1 + 0.2
    store.close()


@pytest.fixture
def encoded(postgres):
    """Make a database of an encoding; its address."""
    made = []

    def create(encoding):
        made.append(f"t_{uuid.uuid4().hex[:12]}")
        postgres._sql(
            f"CREATE DATABASE \"{made[-1]}\" TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
        )
        database = Database(postgres.url(made[-1]))
        database.upgrade()
        database.close()
        return postgres.url(made[-1])

    yield create
    for name in made:
        postgres.drop(name)


@pytest.mark.parametrize(
    ("encoding", "refused"), [("LATIN1", "日本"), ("SQL_ASCII", "é" * 100), ("EUC_JP", "😀")]
)
def test_a_database_of_another_encoding_holds_what_it_can(encoded, encoding, refused):
    store = Store(encoded(encoding))
    name = {"EUC_JP": "日本"}.get(encoding, "é")
    for row in (key(0, "plain"), key(1, name)):
        assert store.write(lambda tx, row=row: tx.keys.insert(row))
    assert {k.name for k in store.read(lambda tx: tx.keys.page())} == {"plain", name}
    with pytest.raises(InvalidRequest, match="its encoding is UTF8"):
        store.write(lambda tx: tx.keys.insert(key(9, refused)))
    assert store.described()["encoding"] == encoding
    store.close()


@pytest.fixture
def settled(postgres, postgres_url):
    """Settings of the database for everybody who connects from now on."""

    def settle(setting):
        postgres._sql(f'ALTER DATABASE "{sa.make_url(postgres_url).database}" SET {setting}')
        return Store(postgres_url)

    return settle


def test_a_database_that_takes_no_writes_says_so(settled, monkeypatch):
    monkeypatch.setattr(engine, "BACKOFF", 0.001)
    store = settled("default_transaction_read_only = on")
    for write in (lambda: store.write(lambda tx: tx.keys.insert(key())), store.probe):
        with pytest.raises(Unavailable, match=r"takes no writes: .*; it is a standby"):
            write()
    assert store.read(lambda tx: tx.keys.page()) == []
    store.close()


def test_connections_to_a_server_that_takes_no_writes_are_not_kept(settled, monkeypatch):
    """After a failover the old primary may live on; its name leads to the new one."""
    monkeypatch.setattr(engine, "BACKOFF", 0.001)
    store = settled("default_transaction_read_only = on")
    assert store.read(lambda tx: tx.keys.page()) == []
    settled("default_transaction_read_only = off")
    assert store.write(lambda tx: tx.keys.insert(key()))
    store.close()


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout", "transaction_timeout"])
def test_time_limits_of_the_server(settled, postgres_url, monkeypatch, setting):
    """Somebody holds a lock for longer than the server lets us wait."""
    monkeypatch.setattr(engine, "BACKOFF", 0.001)
    store = settled(f"{setting} = '50ms'")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as holder:
        holder.execute("SET transaction_timeout = 0")
        holder.execute("SET statement_timeout = 0; LOCK TABLE api_key")
        with pytest.raises(Unavailable, match="does not answer"):
            store.write(lambda tx: tx.keys.insert(key()))
    store.close()


@pytest.mark.parametrize("kind", ["sqlite_url", "postgres_url"])
def test_more_work_than_connections(request, kind, monkeypatch):
    monkeypatch.setattr(engine, "POOL_SECONDS", 0.05)
    store = Store(request.getfixturevalue(kind))
    with ExitStack() as stack:
        pool = store.engines.write.pool
        for _ in range(pool.size() + pool._max_overflow):
            stack.enter_context(store.engines.write.connect())
        for work in (lambda: store.write(lambda tx: tx.keys.page()), store.probe):
            with pytest.raises(Unavailable, match="every connection"):
                work()
    assert store.read(lambda tx: tx.keys.page()) == []
    store.close()


def test_a_file_that_is_no_database_says_so(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no database, " * 1000)
    store = Store(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(Unavailable, match="not a database"):
        store.revision()
    store.close()


def test_a_role_without_rights(postgres, postgres_url, capsys, monkeypatch, tmp_path):
    """Both where the tables are to be made and where they are another's."""
    name = f"weak_{uuid.uuid4().hex[:8]}"
    postgres._sql(f"CREATE ROLE {name} LOGIN PASSWORD 'w'")
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path))
    for database in ("postgres", sa.make_url(postgres_url).database):
        url = sa.make_url(postgres.url(database)).set(username=name, password="w")
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
        assert migrate(["upgrade"]) == Unavailable.exit_code
        said = capsys.readouterr().err
        assert "permission denied" in said
        assert "GRANT" in said
        assert "Traceback" not in said
    postgres._sql(f"DROP ROLE {name}")


ADDRESSES = {
    "postgresql+psycopg2://u:hunter22@h/d": "the driver 'psycopg2' is not supported; write "
    "postgresql+psycopg://",
    "postgresql+asyncpg://u:hunter22@h/d": "write postgresql+psycopg://",
    "sqlite+aiosqlite:///x.db": "write sqlite+pysqlite://",
    "postgres://u:hunter22@h/d": "'postgres' is not supported",
    "mysql+pymysql://u:hunter22@h/d": "'mysql' is not supported",
    "postgresql+psycopg://u:hunter22@h:none/d": "the port is no number",
    "h.internal:5432/d": "it is no URL",
    "postgresql+psycopg://h/d?prepare_threshold=few": "is no number",
    "postgresql+psycopg://h/d?autocommit=true": 'invalid connection option "autocommit"',
    "postgresql+psycopg://h/d?connect_timeout=long": "is no number of seconds",
    "sqlite://": "it names no file",
    "sqlite:///:memory:": "it names no file",
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_that_cannot_work_is_one_sentence(url, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", url)
    assert migrate(["upgrade"]) == Misconfigured.exit_code
    said = capsys.readouterr().err
    assert ADDRESSES[url] in said
    assert said.startswith("hpsearch: DATABASE_URL: ")
    assert "hunter22" not in said


def test_what_an_address_says_about_its_connections_holds(configured, postgres_url):
    """`postgresql://` alone is psycopg's; what the address names is not overwritten."""
    url = postgres_url.replace("+psycopg", "") + "&connect_timeout=9"
    with build(configured(database_url=url)) as services:
        with services.store.engines.read.connect() as connection:
            info = connection.connection.driver_connection.info
        assert info.get_parameters()["connect_timeout"] == "9"


def test_connections_tell_their_process_unless_a_pooler_lies_between(
    pooled_url, postgres_url, monkeypatch
):
    def named(url):
        store = Store(url)
        shown = sa.text("SHOW application_name")
        name = store.read(lambda tx: tx.keys.connection.execute(shown).scalar())
        store.close()
        return name

    monkeypatch.setenv("PGAPPNAME", "it's a worker " + "x" * 60)
    assert named(postgres_url) == f"it's a worker {'x' * 34}/{os.getpid()}"
    monkeypatch.setenv("PGAPPNAME", "hpsearch-worker")
    assert named(postgres_url) == f"hpsearch-worker/{os.getpid()}"
    assert named(f"{postgres_url}&application_name=mine") == "mine"
    assert str(os.getpid()) not in named(pooled_url)
