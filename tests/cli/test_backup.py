"""`hpsearch backup`: a copy made in mid-run goes on to the same result; refusals change nothing."""

from __future__ import annotations

import json
import tarfile
import uuid

import pytest
import sqlalchemy as sa
from support.alone import alone
from support.bench import Bench
from support.checker import verify
from support.embedded import half_done, opened

from hpsearch.errors import Unavailable
from hpsearch.service.backup import backup
from hpsearch.store import SHARED
from hpsearch.trials import SearchState
from hpsearch.wiring import build
from migrations.schema import Database


def test_a_copy_made_in_mid_run_goes_on_to_the_same_result(run, services, tmp_path):
    search_id = half_done(services)
    file = tmp_path / "copy.tar"
    code, out, err = run("backup", str(file), "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert (made["path"], made["datasets"], made["missing"]) == (str(file), 1, [])
    assert file.stat().st_size == made["bytes"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.glob(".backup-*")] == []

    expected = alone(services, search_id)
    folder = tmp_path / "restored"
    folder.mkdir()
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="tar")
    assert (folder / "api.key").read_text() == "k" * 43
    with opened(folder) as restored:
        bench = Bench(restored)
        assert bench.status(search_id).state is SearchState.RUNNING
        assert alone(restored, search_id) == expected
        info = restored.files.info(iris(restored))
        restored.files.verify(info)
        sealed = restored.files.file(info, "test_x.npy")
        assert (sealed.parent.stat().st_mode & 0o777, sealed.stat().st_mode & 0o777) == (
            0o700,
            0o600,
        )
    verify(f"sqlite:///{folder}/hpsearch.db")


def test_a_dump_of_postgresql_in_mid_run_goes_on_to_the_same_result(
    postgres, postgres_url, configured, tmp_path
):
    def opened_at(url):
        return build(configured(database_url=url, job_size=2, republish_seconds=0.01))

    with opened_at(postgres_url) as services:
        search_id = half_done(services)
        postgres.dump(sa.make_url(postgres_url).database, tmp_path / "copy.dump")
        expected = alone(services, search_id)
    name = f"restored_{uuid.uuid4().hex[:8]}"
    url = postgres.restore(tmp_path / "copy.dump", name)
    try:
        with opened_at(url) as restored:
            assert Bench(restored).status(search_id).state is SearchState.RUNNING
            assert alone(restored, search_id) == expected
        verify(url)
    finally:
        postgres.drop(name)


def iris(services):
    row = services.store.read(lambda tx: tx.library.get(SHARED, "iris"))
    return row.digest


def test_a_file_that_exists_is_left_alone(run, services, tmp_path):
    file = tmp_path / "copy.tar"
    file.write_text("mine")
    code, _, err = run("backup", str(file))
    assert code == 3
    assert "exists" in err
    assert file.read_text() == "mine"


def test_a_dataset_that_vanished_is_named_and_the_rest_is_kept(run, services, tmp_path):
    half_done(services)
    services.files.delete(iris(services))
    code, out, err = run("backup", str(tmp_path / "copy.tar"))
    assert code == 0
    assert "0 datasets" in out
    assert err.startswith("not copied: ")
    assert iris(services) in err
    with tarfile.open(tmp_path / "copy.tar") as archive:
        assert archive.getnames() == ["hpsearch.db", "api.key"]


def test_a_folder_that_is_not_there_is_said(services, tmp_path):
    with pytest.raises(Unavailable, match="cannot be written"):
        backup(services, tmp_path / "no" / "copy.tar")


def test_postgresql_is_left_to_its_own_tools(run, home, postgres_url, monkeypatch, tmp_path):
    database = Database(postgres_url)
    database.upgrade()
    database.close()
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    code, _, err = run("backup", str(tmp_path / "copy.tar"))
    assert code == 2
    assert "pg_dump" in err
    assert not (tmp_path / "copy.tar").exists()
