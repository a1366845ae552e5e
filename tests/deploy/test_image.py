"""The image's recipe and the wheel inside it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hpsearch.errors import NotFound

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("hpsearch", "worker", "api", "migrations")
BASE = "python:3.13.11-slim-trixie"


def words(stage, instruction):
    return [rest for name, rest in stage if name == instruction]


@pytest.fixture
def build(stages):
    return stages[0]


@pytest.fixture
def final(stages):
    return stages[-1]


def test_it_starts_the_api_as_an_ordinary_user(final, compose):
    assert words(final, "USER") == ["10001:10001"]
    assert final[-1][0] == "CMD"
    assert json.loads(final[-1][1]) == compose["services"]["api"]["command"]
    assert words(final, "ENTRYPOINT") == []


def test_the_linear_algebra_has_one_thread_before_anything_loads(final):
    found = dict(word.split("=", 1) for rest in words(final, "ENV") for word in shlex.split(rest))
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        assert found[name] == "1"
    assert found["HPSEARCH_HOME"] == "/data"
    assert found["PATH"].startswith("/opt/hpsearch/bin:")


def test_dependencies_are_installed_by_hash_and_nothing_is_compiled(build):
    first, *_, last = [rest for rest in words(build, "RUN") if "pip install" in rest]
    assert "--require-hashes --only-binary :all: -r requirements/run.txt" in first
    assert "--no-deps --no-build-isolation ." in last
    assert "uninstall --yes hatchling" in last


def test_the_last_stage_installs_nothing(stages, final):
    assert [words(stage, "FROM")[0].split()[0] for stage in stages] == [BASE, BASE]
    for command in words(final, "RUN"):
        assert not re.search(r"apt|gcc|make|pip install|curl|wget", command)


def test_it_names_no_package_index_and_no_secret():
    text = (PROJECT / "Dockerfile").read_text()
    assert not re.search(r"://|index-url|extra-index|trusted-host|TOKEN|PASSWORD", text)


def copied(stages):
    """What is copied out of the project."""
    for stage in stages:
        for rest in words(stage, "COPY"):
            if not rest.startswith("--from"):
                yield from rest.split()[:-1]


def test_every_file_that_is_copied_exists_and_reaches_the_build(stages):
    sources = set(copied(stages))
    assert sources >= {*PACKAGES, "pyproject.toml", "requirements/run.txt"}
    assert [name for name in sources if not (PROJECT / name).exists()] == []
    rules = (PROJECT / ".dockerignore").read_text().splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == sources


def test_the_healthcheck_lies_where_compose_looks_for_it(final, compose):
    path = compose["services"]["worker"]["healthcheck"]["test"][3]
    assert f"deploy/check.py {path}" in words(final, "COPY")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PROJECT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("hpsearch-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def wheel(built):
    """The names of the files in the wheel."""
    with zipfile.ZipFile(built) as file:
        return set(file.namelist())


def test_the_wheel_holds_all_four_packages_whole(wheel):
    expected = {
        str(path.relative_to(PROJECT))
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - wheel == set()


def test_the_wheel_holds_what_is_no_python(wheel):
    for name in (
        "migrations/script.py.mako",
        "api/templates/search.html",
        "api/static/site.css",
        "hpsearch/cli/digits.json",
        "hpsearch/py.typed",
    ):
        assert name in wheel, name
    assert any(name.startswith("migrations/versions/") for name in wheel)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_the_wheel_holds_nothing_else(wheel):
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == set(PACKAGES)


def test_the_wheel_says_where_the_experiments_are(built, tmp_path):
    with zipfile.ZipFile(built) as file:
        file.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hpsearch.cli", "lab", "--quick"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == NotFound.exit_code == 5
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    assert said.startswith("hpsearch: the experiments are not part of the installed package; ")
    assert "checkout of the project" in said
