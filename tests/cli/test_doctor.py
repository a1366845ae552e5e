"""`hpsearch doctor` names every fault that is planted, and is silent about those that are not."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from support import clock as clocks
from support.bench import Bench
from support.ports import free_port
from werkzeug.serving import make_server

from api.app import create_app
from hpsearch.cli.doctor import machine_checks, service_checks
from hpsearch.store import SCHEMA, engine
from hpsearch.wiring import build
from migrations.schema import Database

SKEW = 3600.0
KEY = "k" * 43


@pytest.fixture
def alone(monkeypatch, configured):
    """No setting but those of a test."""
    for name in list(os.environ):
        if name.startswith("HPSEARCH_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def home(alone, tmp_path, migrated_sqlite):
    """A data folder as the embedded service leaves it."""
    folder = tmp_path / "kept"
    (folder / "run").mkdir(parents=True)
    (folder / "hpsearch.db").write_bytes(migrated_sqlite.read_bytes())
    (folder / "api.key").write_text(KEY)
    (folder / "api.key").chmod(0o600)
    folder.chmod(0o700)
    alone.setenv("HPSEARCH_HOME", str(folder))
    alone.setenv("HPSEARCH_TICK_SECONDS", "0.1")
    return folder


@pytest.fixture
def doctor(capsys):
    """Run it; the exit code, and what it said by subject, the worst first."""
    from hpsearch import cli

    def call():
        code = cli.run(["doctor", "--json"])
        captured = capsys.readouterr()
        said: dict[str, list[str]] = {}
        for finding in json.loads(captured.out)["findings"]:
            assert finding["grade"] == "ok" or finding["remedy"]
            said.setdefault(finding["subject"], []).append(f"{finding['grade']}: {finding['said']}")
        return code, said

    return call


def plant(home, alone, configured):
    """Eight faults around one data folder; what has to be kept open for them."""
    alone.setenv("HPSEARCH_LEESE_SECONDS", "30")
    with build(configured(home=home)) as services:  # its data folder is another one
        bench = Bench(services)
        bench.submit(name="decided")
        bench.work.advance_due()
        bench.submit(name="undecided")
        digest = services.store.read(lambda tx: tx.library.digests())[0]
    home.chmod(0o755)
    (home / "api.key").chmod(0o644)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(home / "run" / "broker.sock"))  # and nobody listens
    left.close()
    taken = socket.socket()
    taken.bind(("127.0.0.1", int(os.environ["HPSEARCH_PORT"])))
    return taken, digest


def test_faults_of_the_embedded_service(home, alone, configured, doctor):
    alone.setenv("HPSEARCH_PORT", str(free_port()))
    code, said = doctor()
    assert code == 1, said
    unwell = {name: lines for name, lines in said.items() if not lines[0].startswith("ok")}
    assert list(unwell) == ["service"], unwell  # it does not run, and that is all
    assert next(iter(said)) == "service"
    assert not {"workers", "loop"} & set(said), "the cause has been told"

    taken, digest = plant(home, alone, configured)
    with taken:
        code, said = doctor()
    assert code == 1
    for subject, words in {
        "settings": "HPSEARCH_LEESE_SECONDS is set, and there is no such setting; did you mean "
        "HPSEARCH_LEASE_SECONDS?",
        "data folder": "mode 0755",
        "key": "mode 0644",
        "datasets": digest[:12],
        "broker": "left its socket",
        "port": "is taken by another program",
    }.items():
        assert words in said[subject][0], said
    assert {name for name, lines in said.items() if lines[0].startswith("fault")} == {
        "datasets", "port",
    }  # fmt: skip
    with build(configured(home=home)) as services:  # as they are where others run
        (found,) = service_checks.queue(services)
        assert (found.grade, "none is alive" in found.said) == ("fault", True)
        (found,) = service_checks.loop(services)
        assert found.grade == "fault"
        assert "none is alive, 1 searches wait for a decision" in found.said


def test_a_loop_is_known_by_its_heartbeat_and_not_by_idleness(configured, sqlite_url):
    with build(configured(database_url=sqlite_url, tick_seconds=0.01)) as services:
        (finding,) = service_checks.loop(services)
        assert (finding.grade, "stopped in order" in finding.said) == ("fault", True)
        services.jobs.beat("one", host="a-host", pid=7)
        (finding,) = service_checks.loop(services)
        assert (finding.grade, "1 alive, heard on a-host (pid 7)" in finding.said) == ("ok", True)
        with services.store.engines.write.begin() as connection:
            connection.execute(sa.text("UPDATE loop SET seen_at = seen_at - 90"))
        (finding,) = service_checks.loop(services)
        assert finding.grade == "fault"
        assert re.search(r"last one was heard on a-host \(pid 7\), 9\d s ago", finding.said)
        services.jobs.beat("one", host="a-host", pid=7)
        assert services.metrics.figures().loops == 1
        services.jobs.forget_loop("one")
        assert services.metrics.figures().loops == 0


@contextmanager
def listening(services):
    """The API of some services, on a socket; its port, and the paths with a key that it saw."""
    app, asked = create_app(services, services.settings), []

    def seen(environment, start):
        if "HTTP_AUTHORIZATION" in environment:
            asked.append(environment["PATH_INFO"])
        return app(environment, start)

    server = make_server("127.0.0.1", 0, seen, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_another_installation_is_not_taken_for_ours_and_gets_no_key(
    home, alone, configured, doctor, tmp_path
):
    """Nothing of ours runs, and somebody else's service has the port."""
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    other.upgrade()
    other.close()
    settings = configured(database_url=f"sqlite:///{tmp_path / 'other.db'}", api_key="o" * 43)
    alone.setenv("HPSEARCH_API_KEY", KEY)
    with build(settings) as services, listening(services) as (port, asked):
        alone.setenv("HPSEARCH_PORT", str(port))
        code, said = doctor()
        theirs = services.metrics.installation()
    assert code == 1
    assert said["service"][0].startswith("fault")
    assert f"belongs to installation {theirs}, ours is " in said["service"][0]
    assert not {"workers", "loop"} & set(said), "the cause has been told"
    assert asked == []


def test_our_own_service_that_somebody_started_by_hand(home, alone, configured, doctor):
    alone.setenv("HPSEARCH_API_KEY", KEY)
    settings = configured(home=home, api_key=KEY)
    with build(settings) as services, listening(services) as (port, asked):
        alone.setenv("HPSEARCH_PORT", str(port))
        _, said = doctor()
    assert said["service"] == [f"ok: ready at http://127.0.0.1:{port}"]
    assert asked == ["/api/v1/searches"]
    assert said["loop"][0].startswith("fault: none is alive")


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread")
def test_faults_of_the_distributed_service(alone, configured, postgres_url, doctor, tmp_path):
    url = clocks.install(postgres_url)
    ruled = clocks.Clock(time.time() + SKEW)
    with build(configured(database_url=url)) as services:
        ruled.rule(services.store.engines)
        for pid, core in ((1, "Haswell"), (2, "SkylakeX")):
            services.jobs.register(
                str(pid), host="a", pid=pid, fingerprint={"blas": core, "numpy": "2"}
            )
    ruled.close()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '2'\nimport numpy\n"
    )
    for name, value in {
        "HPSEARCH_HOME": tmp_path / "home",
        "HPSEARCH_PORT": free_port(),
        "DATABASE_URL": url,
        "REDIS_URL": f"redis://:hunter22@127.0.0.1:{free_port()}/0",
        "PYTHONPATH": tmp_path / "site",
    }.items():
        alone.setenv(name, str(value))
    code, said = doctor()
    assert code == 1
    for subject, words in {
        "clock": "s ahead of this machine's",
        "workers": "blas: Haswell or SkylakeX",
        "broker": "refused",
        "numerics": "runs 2 threads",
        "key": "neither HPSEARCH_API_KEY nor HPSEARCH_API_KEY_FILE",
    }.items():
        assert words in said[subject][0], said
    assert "numpy" not in said["workers"][0], "what is alike is no fault"
    assert "hunter22" not in str(said)


def test_connections_are_compared_with_what_the_database_allows(
    configured, postgres, postgres_url, sqlite_url, pooled_url
):
    name = make_url(postgres_url).database
    with build(configured(database_url=postgres_url)) as services:
        for pid in range(4):
            services.jobs.register(str(pid), host="a", pid=pid, fingerprint={})
        (found,) = service_checks.connections(services)
        assert found.grade == "ok"
        assert "4 slots, a loop and one API open up to 35" in found.said
        postgres._sql(f'ALTER DATABASE "{name}" CONNECTION LIMIT 34')
        (found,) = service_checks.connections(services)
        assert (found.grade, "allows 34" in found.said) == ("warning", True)
        assert "max_connections" in found.remedy
        postgres._sql(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    for url in (sqlite_url, pooled_url):
        with build(configured(database_url=url)) as services:
            assert list(service_checks.connections(services)) == []


def test_the_most_of_an_api_is_its_pool():
    assert engine.POOL_KEPT + engine.POOL_MORE == service_checks.PER_API


def test_settings_that_cannot_work_are_all_that_is_said(alone, doctor):
    alone.setenv("HPSEARCH_LEASE_SECONDS", "soon")
    code, said = doctor()
    assert code == 1
    assert list(said) == ["settings"]
    assert "HPSEARCH_LEASE_SECONDS" in said["settings"][0]


def test_databases_that_are_away_or_of_another_version(alone, configured, tmp_path, home):
    def database(**settings):
        with build(configured(home=home, data_url=None, **settings)) as services:
            return list(service_checks.database(services))

    away = database(database_url=f"postgresql+psycopg://u:hunter22@127.0.0.1:{free_port()}/x")
    assert [f.grade for f in away] == ["fault"]
    assert "refused" in away[0].said
    assert "hunter22" not in away[0].said

    empty = database(database_url=f"sqlite:///{tmp_path / 'empty.db'}")
    assert [(f.subject, f.grade) for f in empty] == [("database", "ok"), ("migrations", "fault")]

    whole = Database(f"sqlite:///{home / 'hpsearch.db'}")
    whole.downgrade("-1")
    whole.close()
    old = database()[1]
    assert (old.subject, old.grade) == ("migrations", "fault")
    assert SCHEMA in old.said


def test_a_key_that_is_too_short_and_a_folder_that_is_not_ours(home, alone, configured):
    (home / "api.key").write_text("short")
    (found,) = machine_checks.key(configured(home=home))
    assert (found.grade, "5 characters" in found.said) == ("fault", True)
    (found,) = machine_checks.folder(configured(home=home / "nothing"))
    assert found.said.endswith("does not exist")


def test_a_disk_without_room(small_disk, configured):
    (found,) = machine_checks.disk(configured(home=small_disk(8).folder / "home", data_url=None))
    assert (found.subject, found.grade) == ("disk", "fault")
    assert "8 MB free" in found.said


def test_people_get_a_line_and_what_to_do(home, alone, capsys):
    from hpsearch import cli

    alone.setenv("HPSEARCH_HOME", str(home / "nothing"))
    alone.setenv("HPSEARCH_PORT", str(free_port()))
    assert cli.run(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("fault    database"))
    assert lines[at + 1].strip().startswith("-> ")
    assert lines[0].startswith("fault    service")
    assert lines[-1] == "2 faults, 1 warning"


def test_addresses_that_cannot_work_are_findings(home, alone, doctor):
    alone.setenv("HPSEARCH_PORT", str(free_port()))
    alone.setenv("REDIS_URL", "valkey://h:6379/0")
    alone.setenv("DATABASE_URL", "postgresql+asyncpg://u:hunter22@h/d")
    code, said = doctor()
    assert code == 1
    assert "'asyncpg' is not supported" in said["settings"][0]
    alone.delenv("DATABASE_URL")
    code, said = doctor()
    assert code == 1
    assert "REDIS_URL: 'valkey' is not supported" in said["worker"][0]


def test_what_lies_between_and_what_a_database_cannot_hold(
    configured, pooled_url, postgres, postgres_url
):
    for prepared, grade, words in (("auto", "ok", "pooler"), ("on", "warning", "prepared")):
        settings = configured(database_url=pooled_url, prepared_statements=prepared)
        with build(settings) as services:
            first, *_ = service_checks.database(services)
            assert (first.grade, words in first.said) == (grade, True), first
    name = make_url(postgres_url).database
    postgres._sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with build(configured(database_url=postgres_url)) as services:
        (first,) = service_checks.database(services)
        assert first.grade == "fault"
        assert "it is a standby" in first.said
    postgres._sql(
        f"CREATE DATABASE {name}_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
    )
    database = Database(postgres.url(f"{name}_ascii"))
    database.upgrade()
    database.close()
    with build(configured(database_url=postgres.url(f"{name}_ascii"))) as services:
        first, *_ = service_checks.database(services)
        assert first.grade == "warning"
        assert "encoding SQL_ASCII" in first.said
    postgres.drop(f"{name}_ascii")
