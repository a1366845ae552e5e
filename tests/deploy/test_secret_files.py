"""Passwords that lie in files and complete the addresses of the servers."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.url import parse_url

from hpsearch.errors import Misconfigured
from hpsearch.settings import load

DATABASE = "postgresql+psycopg://hpsearch@postgres:5432/hpsearch"
BROKER = "redis://hpsearch@redis:6379/0"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "DATABASE_PASSWORD_FILE", "REDIS_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"HPSEARCH_{name}", raising=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("secrets") / "password"


@given(password=st.text(st.characters(exclude_characters="\n\0", codec="utf-8"), min_size=1))
def test_both_drivers_read_back_what_the_file_holds(file, password):
    file.write_bytes(f"{password}\n".encode())
    found = load(
        database_url=DATABASE, database_password_file=file,
        redis_url=BROKER, redis_password_file=file,
    )  # fmt: skip
    url = sa.make_url(found.database)
    assert (url.username, url.password, url.host, url.port) == (
        "hpsearch", password, "postgres", 5432,
    )  # fmt: skip
    broker = parse_url(found.broker)
    assert (broker["userid"], broker["password"]) == ("hpsearch", password)
    assert (broker["hostname"], broker["port"], broker["virtual_host"]) == ("redis", 6379, "0")


def test_without_a_user_and_over_a_socket(file):
    file.write_text("secret")
    found = load(redis_url="redis://redis:6379/0", redis_password_file=file)
    assert found.broker == "redis://:secret@redis:6379/0"
    found = load(database_url="postgresql+psycopg://me@/db?host=/run", database_password_file=file)
    url = sa.make_url(found.database)
    assert (url.password, url.database, url.query["host"]) == ("secret", "db", "/run")


def test_the_variables_of_the_environment(file, monkeypatch):
    file.write_text("secret\n")
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    monkeypatch.setenv("HPSEARCH_DATABASE_PASSWORD_FILE", str(file))
    assert load().database == DATABASE.replace("@", ":secret@")


def test_without_a_file_the_address_stays_as_it_is():
    assert load(database_url=DATABASE).database == DATABASE


FAULTS = {
    "no address": ({}, "needs DATABASE_URL"),
    "sqlite": ({"database_url": "sqlite:////data/hpsearch.db"}, "needs DATABASE_URL"),
    "no url": ({"database_url": "postgres"}, "needs DATABASE_URL"),
    "two": ({"database_url": DATABASE.replace("@", ":other@")}, "keep one"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_address_that_cannot_take_a_password(file, fault):
    settings, said = FAULTS[fault]
    file.write_text("secret")
    with pytest.raises(Misconfigured, match=said) as caught:
        load(database_password_file=file, **settings)
    assert "HPSEARCH_DATABASE_PASSWORD_FILE" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "other" not in str(caught.value).replace("another", "")


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_file_that_holds_no_password(file, content):
    file.unlink(missing_ok=True)
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match="HPSEARCH_REDIS_PASSWORD_FILE"):
        load(redis_url=BROKER, redis_password_file=file)
