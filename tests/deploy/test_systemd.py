"""The units start what docker-compose.yml starts, and may do little besides."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support import postgres as postgreses
from support.absent import absent

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
# By the service of compose; %i is the worker's instance, its number of slots.
SERVICES = {
    "migrations": "hpsearch-migrate.service",
    "api": "hpsearch-api.service",
    "coordinator": "hpsearch-loop.service",
    "worker": "hpsearch-worker@.service",
    "prune": "hpsearch-prune.service",
}
UNITS = [*SERVICES.values(), "hpsearch-backup.service"]
SLOTS = "2"
MOST_EXPOSED = 30  # tenths of systemd's scale, 0 to 100


def unit(name: str) -> dict[str, list[str]]:
    """The lines of a unit by their key; a key may stand several times."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", (FOLDER / name).read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_starts_what_compose_starts(compose, service):
    made, theirs = unit(SERVICES[service]), compose["services"][service]
    (command,) = made["ExecStart"]
    ours = command.replace("/opt/hpsearch/bin/", "").replace("%i", SLOTS).split()
    assert ours == theirs["command"]
    secrets = {line.partition(":")[0] for line in made["LoadCredential"]}
    assert secrets == set(theirs["secrets"])
    for secret in secrets:
        assert (
            f"LoadCredential={secret}:/etc/hpsearch/{secret}"
            in (FOLDER / SERVICES[service]).read_text()
        )
        assert f"HPSEARCH_{secret.upper()}_FILE=%d/{secret}" in made["Environment"]
    if theirs["restart"] == "no":
        assert made["Type"] == ["oneshot"]
    else:
        assert made["Restart"] == ["always"]
        assert made["RestartPreventExitStatus"] == ["78"]
        assert f"{made['TimeoutStopSec'][0]}s" == theirs["stop_grace_period"]


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_denied_the_same(name):
    def denied(other: str) -> str:
        text = (FOLDER / other).read_text()
        return text[text.index("# What the process is denied") :].partition("\n\n")[0].strip()

    assert denied(name) == denied(UNITS[0])
    assert unit(name)["User"] == ["hpsearch"]
    assert unit(name)["EnvironmentFile"] == ["/etc/hpsearch/environment"]
    assert unit(name)["TasksMax"]
    if name != "hpsearch-worker@.service":  # whose share is a core for each of its slots
        assert unit(name)["MemoryMax"]
        assert unit(name)["CPUQuota"]


@pytest.mark.parametrize("name", ["backup", "prune"])
def test_a_task_has_a_timer_that_makes_up_for_what_it_missed(name):
    timer = unit(f"hpsearch-{name}.timer")
    assert timer["Persistent"] == ["yes"]
    assert timer["WantedBy"] == ["timers.target"]
    assert unit(f"hpsearch-{name}.service")["Type"] == ["oneshot"]


@pytest.fixture
def analyze(tmp_path):
    """Run systemd-analyze on the units, with this machine's paths in them."""
    program = shutil.which("systemd-analyze")
    if program is None:
        absent("systemd-analyze (apt-get install systemd)")
    folder = tmp_path / "units"
    folder.mkdir()
    for path in FOLDER.glob("hpsearch-*.*"):
        text = path.read_text()
        text = text.replace("/opt/hpsearch/bin/hpsearch-backup", str(FOLDER / "hpsearch-backup"))
        text = text.replace("/opt/hpsearch/bin/hpsearch ", f"{sys.executable} ")
        text = text.replace("/opt/hpsearch/bin/python", sys.executable)
        (folder / path.name.replace("@.", f"@{SLOTS}.")).write_text(text)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        units = [str(path) for path in sorted(folder.iterdir())]
        return subprocess.run(
            [program, *words, *(u for u in units if words[0] == "verify" or u.endswith(".service"))],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    run.folder = folder  # type: ignore[attr-defined]
    return run


def test_systemd_understands_every_unit(analyze):
    done = analyze("verify")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    file = analyze.folder / "hpsearch-api.service"
    file.write_text(file.read_text().replace("ProtectHome=", "ProtectsHome="))
    assert "ProtectsHome" in analyze("verify").stderr


def test_no_unit_is_exposed(analyze):
    words = ("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager")
    done = analyze(*words)
    assert done.returncode == 0, done.stdout
    assert len(re.findall("Overall exposure level", done.stdout)) == len(UNITS)
    file = analyze.folder / "hpsearch-api.service"
    file.write_text(file.read_text().partition("# What the process is denied")[0])
    assert analyze(*words).returncode != 0


@pytest.mark.parametrize(
    ("driver", "ours"), [("postgresql+psycopg", "prepare_threshold=0"), ("postgresql", "")]
)
def test_the_backup_of_the_timer(tmp_path, postgres, postgres_url, driver, ours):
    folder = postgreses.binaries()
    home, copies, secrets = tmp_path / "home", tmp_path / "copies", tmp_path / "credentials"
    for made in (home / "data", copies, secrets):
        made.mkdir(parents=True)
    (home / "data" / "0123.npz").write_text("a dataset")
    (secrets / "database_password").write_text("unused on a socket\n")
    url = postgres_url.replace("postgresql+psycopg", driver)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}", "HPSEARCH_HOME": str(home),
        "DATABASE_URL": f"{url}{'&' if '?' in url else '?'}{ours}",
        "CREDENTIALS_DIRECTORY": str(secrets),
    }  # fmt: skip
    command = [FOLDER / "hpsearch-backup", copies, "14"]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    (made,) = copies.iterdir()
    assert {path.name for path in made.iterdir()} == {"database.dump", "datasets.tar"}
    with tarfile.open(made / "datasets.tar") as archive:
        assert "data/0123.npz" in archive.getnames()
    bucket = {**environment, "HPSEARCH_DATA_URL": "s3://bucket/prefix"}
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run([command[0], other, "14"], env=bucket, check=True, timeout=60)
    (made,) = other.iterdir()
    assert {path.name for path in made.iterdir()} == {"database.dump"}
