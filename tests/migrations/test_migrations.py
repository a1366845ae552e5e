"""The schema's history: equal to the models, there and back, on both databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from hpsearch.errors import Unavailable
from hpsearch.store import SCHEMA, Engines, metadata
from hpsearch.wiring import build
from migrations import schema
from migrations.__main__ import main


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
        query = sa.text("SELECT evidence FROM round ORDER BY number")
        with bench.services.store.engines.read.connect() as connection:
            stored = connection.execute(query).scalars().all()
        return [json.loads(e) if isinstance(e, str) else e for e in stored]

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


RANKED = {  # accuracy as it was stored until 0006, and the rank value of the trial
    "own": [(0.9, 0.9), (0.0, 0.0), (-1.0, None)],
    "external": [(5.0, 5.0), (-1.0, -1.0), (-2e299, -2e299), (-1e300, None)],
}
OLD_SEARCH = """INSERT INTO search (id, owner, name, state, spec, dataset_digest, facts, body_sha256,
    created_at, best_index, best_accuracy)
    VALUES (:id, 'o', 'n', 'running', '{}', :digest, '{}', '', 0, :best, :accuracy)"""
OLD_JOB = """INSERT INTO job (id, search_id, kind, round, number, state, trials, epochs,
    deadline_seconds, created_at) VALUES (:id, :search, 'explore', 1, 0, 'queued', 1, 1, 1, 0)"""
OLD_TRIAL = """INSERT INTO trial (search_id, round, idx, job_id, state, params, accuracy)
    VALUES (:search, 1, :idx, :job, 'pending', '{}', :accuracy)"""


def test_the_rank_value_is_null_where_there_was_a_word_for_none(database_url):
    """There and back; elsewhere a score of -1 is a score."""
    database = schema.Database(database_url)
    database.downgrade("0006")
    engines = Engines(database_url)
    with engines.write.begin() as connection:
        connection.execute(sa.text("INSERT INTO dataset_content (digest, info) VALUES ('d', '{}')"))
        for number, (name, trials) in enumerate(RANKED.items(), 1):
            own = name == "own"
            best = {"best": 0, "accuracy": 0.9 if own else -1.0}
            values = {"id": name, "digest": "d" if own else None, **best}
            connection.execute(sa.text(OLD_SEARCH), values)
            connection.execute(sa.text(OLD_JOB), {"id": number, "search": name})
            for index, (accuracy, _) in enumerate(trials):
                line = {"search": name, "idx": index, "job": number, "accuracy": accuracy}
                connection.execute(sa.text(OLD_TRIAL), line)
        new = {"id": "new", "digest": "d", "best": None, "accuracy": None}
        connection.execute(sa.text(OLD_SEARCH), new)

    def stored(column):
        ordered = f"SELECT search_id, {column} FROM trial ORDER BY search_id, idx"
        best = "SELECT id, best_accuracy FROM search ORDER BY id"
        with engines.read.connect() as connection:
            found = {name: [] for name in RANKED}
            for name, value in connection.execute(sa.text(ordered)):
                found[name].append(value)
            return found, dict(connection.execute(sa.text(best)).all())

    before = stored("accuracy")
    database.upgrade()
    now = {name: [rank for _, rank in trials] for name, trials in RANKED.items()}
    assert stored("rank_value") == (now, {"own": 0.9, "external": None, "new": None})
    database.downgrade("0006")
    assert stored("accuracy") == before
    database.upgrade()
    database.close()
    engines.dispose()


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
    first, again = call("upgrade"), call("upgrade")
    assert first.stdout.strip() == again.stdout.strip() == schema.head()
    (line,) = map(json.loads, first.stderr.splitlines())  # the audit's, and no other
    assert (line["event"], line["action"]) == ("audit", "schema.upgraded")
    assert (line["target"], line["detail"]) == (schema.head(), {"from": None})
    assert again.stderr == ""
    assert call("heads").stdout.strip() == schema.head()
    asked = call("downgrade")
    assert (asked.returncode, asked.stdout) == (3, "")
    assert f"lost with {schema.head()}: " in asked.stderr
    assert "repeat the command with --yes" in asked.stderr
    assert call("current").stdout.strip() == schema.head()
    assert call("downgrade", "--yes").stdout.strip() == f"{int(schema.head()) - 1:04}"
    # The empty database only by its name.
    assert call("downgrade", f"-{int(schema.head()) - 1}", "--yes").returncode == 2
    assert call("downgrade", "base", "--yes").stdout.strip() == "empty"
    assert call("sideways").returncode == 2


def test_workers_keep_a_database_where_it_is(configured, database_url, monkeypatch, capsys):
    settings = configured(database_url=database_url)
    with build(settings) as services:
        services.store.write(
            lambda tx: tx.workers.register("w", host="here", pid=1, fingerprint={})
        )
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HPSEARCH_HOME", str(settings.home))
    assert main(["downgrade", "base", "--yes"]) == 3
    assert "1 worker lived in the last" in capsys.readouterr().err
    assert main(["current"]) == 0
    assert capsys.readouterr().out.strip() == schema.head()


def test_a_database_of_a_newer_version_is_left_alone(configured, database_url, monkeypatch, capsys):
    settings = configured(database_url=database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HPSEARCH_HOME", str(settings.home))
    with build(settings) as services:
        with services.store.engines.write.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        assert main(["upgrade"]) == 78
        assert "the database has the schema 9999, and this version knows" in capsys.readouterr().err
        assert services.ready()["migrations"].endswith("install the newer one")
        assert services.store.revision() == "9999"


def test_every_step_says_what_it_takes_along():
    steps = ScriptDirectory.from_config(schema.config()).walk_revisions()
    assert all(step.module.loses for step in steps)


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
