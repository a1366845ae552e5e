"""docs/distributed.md: its commands do what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = (PROJECT / "docs" / "distributed.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def make_secrets(tmp_path):
    (block,) = (block for block in BLOCKS if "/dev/urandom" in block)

    def make():
        subprocess.run(["sh", "-euc", block], cwd=tmp_path, check=True)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    return make


def test_the_secrets_are_those_that_compose_mounts(make_secrets, compose):
    wanted = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    made = make_secrets()
    assert set(made) == wanted
    assert len(set(made.values())) == len(wanted)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in made.values())


def test_containers_can_read_them_and_strangers_cannot(make_secrets, tmp_path):
    make_secrets()
    folder = tmp_path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_made_twice_they_stay_and_an_empty_one_is_filled(make_secrets, tmp_path):
    first = make_secrets()
    (tmp_path / "secrets" / "api_key.txt").write_text("")
    second = make_secrets()
    assert second["api_key.txt"] not in ("", first["api_key.txt"])
    assert {**second, "api_key.txt": ""} == {**first, "api_key.txt": ""}


def test_the_table_of_processes_is_that_of_compose(compose):
    for name in ("migrations", "api", "coordinator"):
        assert f"`{' '.join(compose['services'][name]['command'])}`" in GUIDE
    worker = " ".join(compose["services"]["worker"]["command"][:-1])
    assert f"`{worker} N`" in GUIDE


def test_the_broker_s_user_is_that_of_compose(compose):
    (rights,) = re.findall(r"user hpsearch on >PASSWORD (.*)", GUIDE)
    assert rights in compose["services"]["redis"]["command"][-1]


def test_every_block_of_shell_parses():
    assert len(BLOCKS) >= 5
    for block in BLOCKS:
        subprocess.run(["sh", "-n", "-c", block], check=True)


def test_every_variable_of_ours_exists(compose):
    from hpsearch.settings import Settings

    known = {f"HPSEARCH_{name}".upper() for name in Settings.model_fields}
    used = set(
        re.findall(r"HPSEARCH_[A-Z_]+", (PROJECT / "docker-compose.yml").read_text() + GUIDE)
    )
    # Compose's own: they are filled into the file and reach no process.
    own = {"VERSION", "WORKER_CONCURRENCY", "BACKUP_DAYS", "PRUNE_OLDER_THAN"}
    assert used - known == {f"HPSEARCH_{name}" for name in own}
