"""`hpsearch move`: a data folder in mid-run goes on in PostgreSQL, to the same result; refusals change nothing."""

from __future__ import annotations

import json
import uuid

import pytest
import sqlalchemy as sa
from support.alone import alone
from support.bench import OWNER, Bench
from support.checker import verify
from support.embedded import half_done
from upgrade.rows import columns, contents

from hpsearch.errors import Conflict, Corrupt
from hpsearch.settings import load
from hpsearch.store import SCHEMA, Engines, transfer
from hpsearch.store.engine import sqlite_module
from hpsearch.store.tables import metadata
from hpsearch.supervisor.home import exclusive
from hpsearch.trials import SearchState
from hpsearch.wiring import build


@pytest.fixture
def empty_url(postgres):
    """A database of PostgreSQL as CREATE DATABASE makes it."""
    name = f"moved_{uuid.uuid4().hex[:8]}"
    yield postgres.create(name)
    postgres.drop(name)


def there(home, url, **more):
    return build(load(home=home / "there", database_url=url, job_size=2, republish_seconds=0.01,
                      data_url=str(home / "data"), **more))  # fmt: skip


def rows_of(url):
    return contents(url, columns(url))


def test_a_search_in_mid_run_goes_on_there_to_the_same_result(
    run, services, home, empty_url, monkeypatch, tmp_path
):
    search_id = half_done(services)
    token = services.keys.create(name="ann", owner="ann", scopes=["read"])[1]
    history, audited = services.store.events(search_id), services.audit.page(limit=1000).items
    before = rows_of(f"sqlite:///{home}/hpsearch.db")
    place = tmp_path / "shared"
    code, out, err = run("move", "--to", empty_url, "--data", str(place), "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["datasets"], said["data"]) == (1, str(place))
    moved = {table["table"]: table["rows"] for table in said["tables"]}
    assert moved == {name: len(rows) for name, rows in before.items()}
    assert rows_of(f"sqlite:///{home}/hpsearch.db") == before

    expected = alone(services, search_id)
    with there(home, empty_url) as target:
        assert Bench(target).status(search_id).state is SearchState.RUNNING
        assert target.store.events(search_id) == history
        assert target.keys.authenticate(token).owner == "ann"
        came, *earlier = target.audit.page(limit=1000).items
        assert earlier == audited
        assert (came.actor, came.action, came.target) == (
            "command line", "service.moved", transfer.installation_of(services.store.engines),
        )  # fmt: skip
        assert alone(target, search_id) == expected
        assert target.searches.result(search_id, owner=OWNER).digest == expected
    verify(empty_url)
    monkeypatch.setenv("DATABASE_URL", empty_url)
    monkeypatch.setenv("HPSEARCH_DATA_URL", str(place))
    assert run("replay", search_id)[0] == 0  # its exit code says whether all of it agrees


def test_moved_twice_it_is_there_already(run, services, postgres_url):
    half_done(services)
    code, out, _ = run("move", "--to", postgres_url)
    assert code == 0
    assert "read back, they are the same" in out
    before = rows_of(postgres_url)
    code, _, err = run("move", "--to", postgres_url)
    assert code == 3
    assert "it is there already" in err
    assert rows_of(postgres_url) == before


@pytest.mark.parametrize("what", ["rows", "a stranger's table", "a newer schema"])
def test_a_database_that_is_not_empty_is_left_alone(run, services, home, postgres_url, what):
    half_done(services)
    statement, said = {
        "rows": ("INSERT INTO event (at, kind) VALUES (1.0, 'x')", "not empty (1 rows in event)"),
        "a stranger's table": ("CREATE TABLE shop (id int)", "a table 'shop' that is not ours"),
        "a newer schema": ("UPDATE alembic_version SET version_num = '9999'",
                           f"has the schema 9999, and this version knows {SCHEMA}"),
    }[what]  # fmt: skip
    engines = Engines(postgres_url)
    with engines.write.begin() as connection:
        connection.execute(sa.text(statement))
    engines.dispose()
    before = rows_of(postgres_url)
    code, _, err = run("move", "--to", postgres_url, "--data", str(home.parent / "shared"))
    assert code == 3
    assert said in err
    assert rows_of(postgres_url) == before
    assert not (home.parent / "shared").exists()


def test_a_service_that_lives_is_not_moved(run, services, home, postgres_url):
    half_done(services)
    with exclusive(home):
        code, _, err = run("move", "--to", postgres_url)
        assert code == 3
        assert f"already running on {home}" in err
    services.store.write(lambda tx: tx.workers.register("w", host="h", pid=1, fingerprint={}))
    services.jobs.beat("l", host="h", pid=2)
    code, _, err = run("move", "--to", postgres_url)
    assert code == 3
    assert "1 worker and 1 loop of this data folder lived a moment ago; stop the service" in err
    with there(home, postgres_url) as target:
        assert transfer.occupied(target.store.engines) == []


def test_only_sqlite_moves_and_only_to_postgresql(run, services, postgres_url, monkeypatch):
    code, _, err = run("move", "--to", "sqlite:////tmp/other.db")
    assert code == 2
    assert "it takes postgresql+psycopg://" in err
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    code, _, err = run("move", "--to", postgres_url)
    assert code == 2
    assert "unset DATABASE_URL" in err


def test_the_password_comes_from_a_file(run, services, postgres_url, tmp_path):
    half_done(services)
    url = sa.make_url(postgres_url)
    (tmp_path / "password").write_text(f"{url.password}\n")
    bare = postgres_url.replace(f":{url.password}@", "@")
    words = ("move", "--to", bare, "--password-file", str(tmp_path / "password"))
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert str(url.password) not in out


def test_a_dataset_that_is_damaged_is_named_before_anything_moves(
    run, services, home, empty_url, tmp_path
):
    half_done(services)
    (digest,) = services.store.read(lambda tx: tx.library.digests())
    (home / "data" / digest / "train_x.npy").write_bytes(b"")
    code, _, err = run("move", "--to", empty_url, "--data", str(tmp_path / "shared"))
    assert code == 70
    assert "is not what was stored" in err
    assert columns(empty_url) == {}
    assert list((tmp_path / "shared").glob("*")) == []


LATER = """CREATE TABLE later (id INTEGER NOT NULL PRIMARY KEY, sure BOOLEAN, what JSON, raw BLOB, x DOUBLE,
    "order" VARCHAR(20))"""


@pytest.fixture
def later(sqlite_url, postgres_url):
    """A table that the build of tomorrow adds, on both databases."""
    table = sa.Table(
        "later", metadata,
        sa.Column("id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), primary_key=True),
        sa.Column("sure", sa.Boolean), sa.Column("what", sa.JSON), sa.Column("raw", sa.LargeBinary),
        sa.Column("x", sa.Double), sa.Column("order", sa.String(20)),
    )  # fmt: skip
    pair = Engines(sqlite_url), Engines(postgres_url)
    for engines in pair:
        with engines.write.begin() as connection:
            table.create(connection)
    yield table, *pair
    metadata.remove(table)
    for engines in pair:
        engines.dispose()


ROWS = [(7, True, {"a": [0.1, None, "é\n\t\\N"]}, b"\x00\xff\n", 0.1 + 0.2, "\\N"),
        (9, False, 0.30000000000000004, b"", 1e22, ""), (11, None, None, None, 5e-324, "naïve\t'x'"),
        (12, None, "text", None, 1.7976931348623157e308, None)]  # fmt: skip


def test_a_table_of_tomorrow_comes_along_to_the_last_digit(later):
    table, source, target = later
    names = [column.name for column in table.columns]
    with source.write.begin() as connection:
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in ROWS])
    copied = {each.table: each.rows for each in transfer.transfer(source, target)}
    assert copied["later"] == len(ROWS)
    with target.write.begin() as connection:
        found = connection.execute(sa.select(table).order_by(table.c.id)).all()
        assert [tuple(row) for row in found] == ROWS
        made = connection.execute(table.insert().values(sure=True).returning(table.c.id))
        assert made.scalar_one() == 13


def test_what_the_server_cannot_hold_is_said_and_nothing_moves(later):
    table, source, target = later
    with source.write.begin() as connection:
        connection.execute(table.insert(), [{"order": "fits"}, {"order": "zero\x00"}])
    with pytest.raises(Conflict, match="table later: the database cannot hold a row"):
        transfer.transfer(source, target)
    assert transfer.occupied(target) == []


def test_rows_that_differ_when_they_are_read_back_are_not_kept(later, monkeypatch):
    """As if the server rounded what it stores."""
    table, source, target = later
    with source.write.begin() as connection:
        connection.execute(table.insert(), [{"x": 1 / 3}])
    with target.write.begin() as connection:
        connection.execute(sa.text("ALTER TABLE later ALTER x TYPE real"))
    with pytest.raises(Corrupt, match="table later: 1 rows were written and 1 read back"):
        transfer.transfer(source, target)
    assert transfer.occupied(target) == []


def test_nobody_writes_to_the_source_meanwhile(later, monkeypatch):
    _, source, target = later
    seen, module = [], sqlite_module()

    def copy(table, file, server):
        if not seen:
            other = module.connect(source.url.database, timeout=0)
            with pytest.raises(module.OperationalError, match="locked"):
                other.execute("UPDATE alembic_version SET version_num = 'x'")
            other.close()
            seen.append(table)
        return kept(table, file, server)

    kept = transfer._copy
    monkeypatch.setattr(transfer, "_copy", copy)
    transfer.transfer(source, target)
    assert seen
