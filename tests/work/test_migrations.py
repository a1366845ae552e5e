"""The schema's history: equal to the models, there and back, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hpsearch.errors import Unavailable
from hpsearch.store import SCHEMA, Engines, metadata
from hpsearch.wiring import build
from migrations import schema


def differences(url):
    engines = Engines(url)
    with engines.write.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        found = compare_metadata(context, metadata)
    engines.dispose()
    return found


def test_the_migrations_make_the_models(database_url):
    assert differences(database_url) == []


def test_the_comparison_can_fail(database_url):
    engines = Engines(database_url)
    with engines.write.begin() as connection:
        connection.execute(sa.text("DROP TABLE event"))
        connection.execute(sa.text("ALTER TABLE worker ADD COLUMN surplus INTEGER"))
    engines.dispose()
    assert len(differences(database_url)) >= 2


def test_down_to_nothing_and_up_again(database_url):
    database = schema.Database(database_url)
    database.downgrade("base")
    assert database.current() is None
    database.upgrade()
    assert database.current() == schema.head()
    database.close()
    assert differences(database_url) == []


def test_the_way_back_takes_facts_out_of_the_evidence(bench, database_url):
    """The build before compares evidence as a whole, and knows the sentence alone."""
    search_id = bench.submit(rounds=4, epochs={"first": 2, "last": 2})
    bench.complete(search_id)

    def evidence():
        return bench.services.store.read(
            lambda tx: [r.evidence for r in tx.searches.rounds(search_id)]
        )

    before = evidence()
    assert any("explored_facts" in (stored or {}) for stored in before)
    database = schema.Database(database_url)
    database.downgrade("0006")
    database.upgrade()
    database.close()
    for stored in before:
        (stored or {}).pop("explored_facts", None)
    assert evidence() == before


def test_partial_indexes_are_partial(database_url):
    """Without its condition `one final` would allow one job in a search."""
    engines = Engines(database_url)
    with engines.read.connect() as connection:
        found = {
            index["name"]: (index["dialect_options"], index["unique"])
            for index in sa.inspect(connection).get_indexes("job")
        }
    engines.dispose()
    options, unique = found["uq_job_one_final"]
    assert unique
    assert any("final" in str(condition) for condition in options.values())


def test_many_who_upgrade_at_once(postgres_url):
    database = schema.Database(postgres_url)
    database.downgrade("base")
    database.close()
    errors = []

    def upgrade():
        mine = schema.Database(postgres_url)
        try:
            mine.upgrade()
        except Exception as error:  # noqa: BLE001  # the assertion shows it
            errors.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert differences(postgres_url) == []


def test_the_process(tmp_path, configured):
    settings = configured()
    environment = {**os.environ, "HPSEARCH_HOME": str(settings.home)}

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-P", "-m", "migrations", *arguments],
            env=environment, capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip

    assert call("current").stdout.strip() == "empty"
    assert call("upgrade").stdout.strip() == schema.head()
    assert call("upgrade").stdout.strip() == schema.head()
    assert call("heads").stdout.strip() == schema.head()
    assert call("downgrade", "base").stdout.strip() == "empty"
    assert call("sideways").returncode == 2


def test_a_database_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "ANSWER_SECONDS", 0.1)
    database = schema.Database(f"sqlite:///{tmp_path}/nowhere/at/all.db")
    with pytest.raises(Unavailable, match="does not answer"):
        database.upgrade()
    database.close()


def test_the_store_knows_the_newest_revision():
    assert schema.head() == SCHEMA


def test_readiness_names_what_is_missing(configured, database_url, tmp_path):
    with build(configured(database_url=database_url)) as services:
        assert services.ready() == {"database": "ok", "migrations": "ok"}
        with services.store.engines.write.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
        assert services.ready()["migrations"].startswith("at 0000, this version needs")
    with build(configured(database_url=f"sqlite:///{tmp_path}/empty.db")) as services:
        assert "migrations upgrade" in services.ready()["migrations"]
    with build(configured(database_url=f"sqlite:///{tmp_path}/no/such/folder.db")) as services:
        assert "unable to open database file" in services.ready()["database"]
