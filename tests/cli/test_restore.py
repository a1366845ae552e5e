"""`hpsearch restore`: a data folder made of a backup; what cannot be restored changes nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import tarfile
from datetime import UTC, datetime

import pytest
from support.alone import alone
from support.bench import Bench
from support.checker import verify
from support.embedded import data_folder, half_done, opened

from hpsearch.service.backup import backup
from hpsearch.store import SCHEMA
from hpsearch.trials import SearchState
from migrations.schema import Database


@pytest.fixture(scope="module")
def made(tmp_path_factory, migrated_sqlite, with_builtin):
    """A backup in mid-run: the file, the search in it, and the digest it comes to."""
    folder = tmp_path_factory.mktemp("backed")
    home, file = data_folder(folder / "kept", migrated_sqlite, with_builtin), folder / "copy.tar"
    with opened(home) as services:
        search_id = half_done(services)
        backup(services, file, besides=[home / "api.key"])
        return file, search_id, alone(services, search_id)


@pytest.fixture
def copy(made, home):
    """The same, beside a data folder that the environment names."""
    return made


def members(file):
    with tarfile.open(file) as archive:
        return archive.getnames()


def check_audited(services, file, schema):
    """The audit ends with the restoring, by whom, from which copy and of when."""
    newest = services.audit.page(limit=1).items[0]
    installation = services.store.read(lambda tx: tx.installation.id())
    assert (newest.actor, newest.action, newest.target) == (
        "command line", "service.restored", installation,
    )  # fmt: skip
    assert newest.os_user
    with tarfile.open(file) as archive:
        copied = datetime.fromtimestamp(archive.getmember("hpsearch.db").mtime, UTC)
    assert newest.detail == {
        "from": file.name.replace("\udcff", r"\udcff"),
        "copied_at": copied.isoformat(timespec="seconds"),
        "schema": schema,
    }


def altered(file, tmp_path, *statements):
    """The same archive, with its database changed."""
    folder, made = tmp_path / "altered", tmp_path / "altered.tar"
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="tar")
    with sqlite3.connect(folder / "hpsearch.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    with tarfile.open(made, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    return made


def test_a_backup_of_mid_run_goes_on_to_the_same_result(run, copy, tmp_path):
    file, search_id, expected = copy
    folder = tmp_path / "new" / "restored"
    code, out, err = run("restore", str(file), "--home", str(folder))
    assert (code, err) == (0, "")
    assert f"hpsearch serve --home {folder}" in out
    assert sorted(p.name for p in folder.iterdir()) == ["api.key", "data", "hpsearch.db"]
    assert folder.stat().st_mode & 0o777 == 0o700
    (sealed,) = folder.glob("data/*/sealed/test_x.npy")
    assert (sealed.parent.stat().st_mode & 0o777, sealed.stat().st_mode & 0o777) == (0o700, 0o600)
    with opened(folder) as restored:
        assert Bench(restored).status(search_id).state is SearchState.RUNNING
        check_audited(restored, file, SCHEMA)
        assert alone(restored, search_id) == expected
    verify(f"sqlite:///{folder}/hpsearch.db")


def test_datasets_go_where_the_settings_have_them(run, copy, monkeypatch, tmp_path):
    monkeypatch.setenv("HPSEARCH_DATA_URL", str(tmp_path / "elsewhere"))
    code, out, _ = run("restore", str(copy[0]), "--home", str(tmp_path / "restored"), "--json")
    assert code == 0
    assert json.loads(out)["datasets"] == 1
    (kept,) = (tmp_path / "elsewhere").iterdir()
    assert (kept / "sealed" / "test_x.npy").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "restored" / "data").exists()


def test_a_folder_with_something_in_it_is_left_alone(run, copy, home, tmp_path):
    before = sorted(p.name for p in home.iterdir())
    code, _, err = run("restore", str(copy[0]))
    assert code == 3
    assert f"{home} is not empty" in err
    assert sorted(p.name for p in home.iterdir()) == before


def test_a_newer_backup_is_refused_and_an_older_one_migrated(run, copy, tmp_path):
    file, search_id, expected = copy
    newer = altered(file, tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    folder = tmp_path / "100%41 restored?"  # an address would have it otherwise
    code, _, err = run("restore", str(newer), "--home", str(folder))
    assert code == 3
    assert f"has the schema 9999, and this version knows {SCHEMA}: install the version" in err
    assert not folder.exists()

    # The embedded service that the backup is of, taken back as the build before had it.
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path / "old", filter="tar")
    database = Database(f"sqlite:///{tmp_path}/old/hpsearch.db")
    database.downgrade("0008")
    database.close()
    older = tmp_path / os.fsdecode(b"old \xff.tar")  # the name of a file need not be text
    with tarfile.open(older, "w") as archive:
        for name in ("hpsearch.db", "api.key", "data"):
            archive.add(tmp_path / "old" / name, name)
    code, _, err = run("restore", str(older), "--home", str(folder))
    assert code == 0
    assert f"migrated from schema 0008 to {SCHEMA}" in err
    with opened(folder) as restored:
        restored.require_schema()
        check_audited(restored, older, "0008")
        assert restored.audit.page(limit=1).model_dump_json()
        assert alone(restored, search_id) == expected


@pytest.mark.parametrize("what", ["text", "cut", "strange", "above", "damaged", "empty"])
def test_what_is_no_backup_is_refused(run, copy, tmp_path, what):
    file = copy[0]
    content = file.read_bytes()
    bad = tmp_path / "bad.tar"
    bad.write_bytes({"text": b"notes", "cut": content[:40_000]}.get(what, content))
    said = {"text": "is no backup", "cut": "is cut off", "strange": "is in no backup", "above": "is in no backup",
            "damaged": "hpsearch.db", "empty": "is no backup of hpsearch"}[what]  # fmt: skip
    named = {"strange": "../../etc/cron", "above": f"data/{'0' * 64}/../x", "empty": "api.key"}
    if what in named:
        with tarfile.open(bad, "w") as archive:
            archive.add(__file__, named[what])
    if what == "damaged":
        with tarfile.open(file) as archive:
            at = archive.getmember("hpsearch.db").offset_data
        bad.write_bytes(content[: at + 4096] + b"\xff" * 8192 + content[at + 12288 :])
    code, _, err = run("restore", str(bad), "--home", str(tmp_path / "restored"))
    assert code in (2, 70)
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "restored").exists()


def test_a_dataset_that_the_backup_lacks_is_named(run, services, tmp_path):
    half_done(services)
    (digest,) = services.store.read(lambda tx: tx.library.digests())
    services.files.delete(digest)
    assert run("backup", str(tmp_path / "copy.tar"))[0] == 0
    code, out, err = run("restore", str(tmp_path / "copy.tar"), "--home", str(tmp_path / "new"))
    assert code == 0
    assert "0 datasets" in out
    assert err.startswith(f"not restored: dataset {digest}")


def test_a_server_s_database_is_not_restored_here(run, copy, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://localhost/hpsearch")
    code, _, err = run("restore", str(copy[0]), "--home", str(tmp_path / "restored"))
    assert code == 2
    assert "pg_restore" in err
    code, _, err = run("restore", str(tmp_path / "none.tar"))
    assert code == 2
