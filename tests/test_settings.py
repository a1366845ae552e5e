"""The environment: defaults, overrides, and messages that name the variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kombu.connection import Connection
from kombu.utils.url import url_to_parts
from sqlalchemy import make_url

from hpsearch.errors import Misconfigured
from hpsearch.settings import KEY_MIN_LENGTH, SOCKET_PATH_MAX, complaints, load


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in list(os.environ):
        if name.startswith("HPSEARCH_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)


def test_embedded_mode_needs_nothing(tmp_path):
    settings = load(home=tmp_path)
    assert settings.embedded
    assert settings.database == f"sqlite:///{tmp_path}/hpsearch.db"
    assert settings.datasets_url == str(tmp_path / "data")
    assert settings.cache == tmp_path / "cache"
    assert settings.broker == f"redis+socket://{settings.socket}"
    assert settings.bootstrap_key() is None
    assert (settings.host, settings.port, settings.job_size) == ("127.0.0.1", 8080, 32)


def test_the_caps_of_the_design():
    settings = load()
    assert (settings.max_trials, settings.max_trials_per_round) == (100_000, 10_000)
    assert (settings.max_rounds, settings.max_epochs) == (50, 1_000)
    assert (settings.max_hidden_layers, settings.max_units) == (10, 4_096)
    assert (settings.max_parameters, settings.max_upload_bytes) == (20_000_000, 256_000_000)


def test_distributed_mode_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://db/x")
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379/0")
    monkeypatch.setenv("HPSEARCH_DATA_URL", "s3://bucket")
    monkeypatch.setenv("HPSEARCH_JOB_SIZE", "7")
    monkeypatch.setenv("HPSEARCH_PORT", "")  # empty: as if it were not set
    settings = load()
    assert not settings.embedded
    assert (settings.database, settings.broker) == (
        "postgresql+psycopg://db/x", "redis://cache:6379/0",
    )  # fmt: skip
    assert (settings.datasets_url, settings.job_size, settings.port) == ("s3://bucket", 7, 8080)


@pytest.mark.parametrize("prefix", ["", "HPSEARCH_", "hpsearch_"])
def test_an_address_is_read_with_the_prefix_and_without(monkeypatch, prefix):
    monkeypatch.setenv(f"{prefix}DATABASE_URL", "postgresql+psycopg://db/x")
    monkeypatch.setenv(f"{prefix}REDIS_URL", "redis://cache:6379/0")
    settings = load()
    assert settings.database_url == "postgresql+psycopg://db/x"
    assert settings.redis_url == "redis://cache:6379/0"


def test_of_two_addresses_the_one_without_the_prefix_counts_unless_it_is_empty(monkeypatch):
    monkeypatch.setenv("HPSEARCH_DATABASE_URL", "sqlite:///with.db")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///without.db")
    assert load().database == "sqlite:///without.db"
    assert load(database_url="sqlite:///given.db").database == "sqlite:///given.db"
    monkeypatch.setenv("DATABASE_URL", "")
    assert load().database == "sqlite:///with.db"


def test_what_is_given_counts_before_the_environment_in_letters_of_any_case(monkeypatch):
    monkeypatch.setenv("hpsearch_Port", "9000")
    assert load().port == 9000
    assert load(port=9001).port == 9001
    assert load(HPSEARCH_PORT=9002).port == 9000, "a variable's name is no keyword"


def test_a_tilde_in_the_standard_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    # Some versions pass on what XDG_DATA_HOME holds.
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: Path("~/data") / name)
    assert load().home == tmp_path / "data" / "hpsearch"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HPSEARCH_PORT", "many"), ("HPSEARCH_PORT", "70000"), ("HPSEARCH_NUMERICS", "exact"),
        ("HPSEARCH_LEASE_SECONDS", "0"), ("HPSEARCH_JOB_SIZE", "0"),
        ("HPSEARCH_ALLOW_REMOTE", "perhaps"), ("HPSEARCH_WEBHOOK_SECONDS", "61"),
        ("HPSEARCH_WEBHOOK_HOSTS", "hooks.example.org/path"), ("HPSEARCH_PUBLIC_URL", "here"),
        ("HPSEARCH_TRANSACTION_SECONDS", "inf"), ("HPSEARCH_TRANSACTION_SECONDS", "1e9"),
        ("HPSEARCH_TRUSTED_PROXIES", "10.0.0.1/8"), ("HPSEARCH_TRUSTED_PROXIES", "proxy"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_work_names_its_variable(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        load()


@pytest.mark.parametrize("keyword", ["database_url", "DATABASE_URL"])
def test_a_variable_without_the_prefix_is_named_without_it(keyword):
    with pytest.raises(Misconfigured, match=r"^DATABASE_URL: "):
        load(**{keyword: 5})


@pytest.mark.parametrize(
    "name", ["a#b", "a;b", "a%20b", "a?b=c", "u:p@h", "a b", "a&b=c", "é", "[x]"]
)
def test_a_home_of_any_name_is_the_same_in_every_address(tmp_path, name):
    settings = load(home=tmp_path / name)
    assert make_url(settings.database).database == str(tmp_path / name / "hpsearch.db")
    path = url_to_parts(Connection(settings.broker).hostname).path
    assert f"/{path}" == str(settings.socket)


def test_a_long_home_still_has_a_short_socket(tmp_path):
    short = load(home=Path("/h"))
    assert short.socket == Path("/h/run/broker.sock")
    homes = [tmp_path / ("x" * 120), tmp_path / ("y" * 120)]
    sockets = [load(home=home).socket for home in homes]
    assert all(len(os.fsencode(s)) <= SOCKET_PATH_MAX for s in sockets)
    assert sockets[0] != sockets[1]
    assert str(os.getuid()) in str(sockets[0])


def test_hosts_of_webhooks_are_https_unless_they_say_so():
    hosts = "hooks.example.org, Other.example.org:8443,http://127.0.0.1:9000,http://[::1]:80"
    assert load(webhook_hosts=hosts).webhook_origins == {
        "https://hooks.example.org:443", "https://other.example.org:8443",
        "http://127.0.0.1:9000", "http://[::1]:80",
    }  # fmt: skip
    assert load().webhook_origins == frozenset()


class TestWebhookSecret:
    SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"

    def test_from_the_variable_and_from_a_file(self, tmp_path):
        path = tmp_path / "secret"
        path.write_text(self.SECRET + "\n")
        for settings in (load(webhook_secret=self.SECRET), load(webhook_secret_file=path)):
            assert settings.webhook_key() == b"012345678901234567890123"
        assert "MDEy" not in repr(load(webhook_secret=self.SECRET))
        assert load().webhook_key() is None

    @pytest.mark.parametrize("secret", [SECRET[6:], "whsec_MDEy", "whsec_" + "?" * 40])
    def test_another_form_is_refused_without_being_shown(self, secret):
        with pytest.raises(Misconfigured, match="whsec_ and 24 to 64 bytes") as caught:
            load(webhook_secret=secret)
        assert secret not in str(caught.value)


class TestBootstrapKey:
    def test_from_the_variable(self):
        settings = load(api_key="k" * KEY_MIN_LENGTH)
        assert settings.bootstrap_key() == "k" * KEY_MIN_LENGTH
        assert "kkk" not in repr(settings)

    def test_from_a_file(self, tmp_path):
        path = tmp_path / "key"
        path.write_text("f" * 40 + "\n")
        assert load(api_key_file=path).bootstrap_key() == "f" * 40

    def test_a_short_key_is_refused_without_being_shown(self):
        with pytest.raises(Misconfigured, match="has 6 characters, it needs 32 or more") as caught:
            load(api_key="abcdef").bootstrap_key()
        assert "abcdef" not in str(caught.value)

    def test_a_file_that_cannot_be_read(self, tmp_path):
        with pytest.raises(Misconfigured, match=r"HPSEARCH_API_KEY_FILE: .*No such file"):
            load(api_key_file=tmp_path / "nowhere").bootstrap_key()
        (tmp_path / "binary").write_bytes(b"\xff\xfe" * 40)
        with pytest.raises(Misconfigured, match="HPSEARCH_API_KEY_FILE: "):
            load(api_key_file=tmp_path / "binary").bootstrap_key()


def test_what_a_training_process_needs_in_its_environment():
    native = load().child_environment()
    assert native.pop("MKL_CBWR") == "AUTO"
    assert native.pop("HPSEARCH_ENGINE") == "numpy"
    assert set(native.values()) == {"1"}
    assert {"OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"} <= set(native)
    portable = load(numerics="portable").child_environment()
    assert portable["OPENBLAS_CORETYPE"] == "Haswell"
    assert "X86_V4" in portable["NPY_DISABLE_CPU_FEATURES"]
    assert portable["MKL_CBWR"] == "COMPATIBLE"
    assert load(engine="compiled").child_environment()["HPSEARCH_ENGINE"] == "compiled"
    assert native.items() <= portable.items()


class TestPasswordsInFiles:
    """Containers get their secrets as files; the address alone is in the environment."""

    URL = "postgresql+psycopg://me@db:5432/x"

    def secret(self, folder: Path, text: str) -> Path:
        path = folder / "password"
        path.write_text(text)
        return path

    def test_complete_the_address_escaped(self, tmp_path):
        path = self.secret(tmp_path, "p/w@:#%\n")
        settings = load(database_url=self.URL, database_password_file=path,
                        redis_url="redis://cache:6379/0", redis_password_file=path)  # fmt: skip
        assert settings.database == "postgresql+psycopg://me:p%2Fw%40%3A%23%25@db:5432/x"
        assert settings.broker == "redis://:p%2Fw%40%3A%23%25@cache:6379/0"

    @pytest.mark.parametrize("url", [None, "sqlite:///x.db", "nonsense"])
    def test_need_a_server_to_belong_to(self, tmp_path, url):
        path = self.secret(tmp_path, "secret")
        with pytest.raises(Misconfigured, match="DATABASE_PASSWORD_FILE needs DATABASE_URL"):
            load(database_url=url, database_password_file=path)

    def test_two_passwords_are_one_too_many(self, tmp_path):
        path = self.secret(tmp_path, "secret")
        with pytest.raises(Misconfigured, match="DATABASE_URL holds a password") as caught:
            load(database_url="postgresql://me:hidden@db/x", database_password_file=path)
        assert "hidden" not in str(caught.value)

    def test_an_empty_or_missing_file_is_named(self, tmp_path):
        with pytest.raises(Misconfigured, match="REDIS_PASSWORD_FILE names an empty file"):
            load(redis_url="redis://c/0", redis_password_file=self.secret(tmp_path, "\n"))
        with pytest.raises(Misconfigured, match=r"HPSEARCH_REDIS_PASSWORD_FILE: .*No such file"):
            load(redis_url="redis://c/0", redis_password_file=tmp_path / "nowhere")


# What looks like a setting, and is none


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HPSEARCH_HOMES", "HPSEARCH_HOME"),
        ("HPSEARCH_MAX_TRAILS", "HPSEARCH_MAX_TRIALS"),
        ("HPSEARCH_WORKER", "HPSEARCH_WORKERS"),
        ("HPSEARCH_APIKEY_FILE", "HPSEARCH_API_KEY_FILE"),
    ],
)
def test_a_misspelled_variable_is_named_with_the_one_that_is_meant(name, meant):
    (sentence,) = complaints({name: "1", "HPSEARCH_PORT": "1", "PATH": "/bin"})
    assert sentence == f"{name} is set, and there is no such setting; did you mean {meant}?"


def test_variables_that_tools_set_are_no_settings():
    assert complaints({
        "HPSEARCH_TRIAL": "3-1", "HPSEARCH_TRIAL_ID": "3-1", "HPSEARCH_TRIAL_TOKEN": "x",
        "HPSEARCH_SERVICE_HOST": "10.0.0.1", "HPSEARCH_SERVICE_PORT": "80",
        "HPSEARCH_API_SERVICE_PORT_HTTP": "80", "HPSEARCH_API_PORT": "tcp://10.0.0.1:80",
        "HPSEARCH_PORT_80_TCP_ADDR": "10.0.0.1", "HPSEARCH_WORKERS": "2",
    }) == []  # fmt: skip
    assert complaints({"HPSEARCH_API_PORT": "8080"})  # a user's mistake


def test_a_port_that_kubernetes_sets_is_told_from_a_wrong_one(monkeypatch):
    monkeypatch.setenv("HPSEARCH_PORT", "tcp://10.96.0.1:8080")
    with pytest.raises(Misconfigured, match="enableServiceLinks"):
        load()


# Paths and secrets, as users write them


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text("k" * 40)
    for name, value in (("HOME", "~/hp"), ("API_KEY_FILE", "~/key"), ("DATA_URL", "~/data")):
        monkeypatch.setenv(f"HPSEARCH_{name}", value)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///~/db/x.db")
    settings = load()
    assert (settings.home, settings.bootstrap_key()) == (tmp_path / "hp", "k" * 40)
    assert settings.datasets_url == f"{tmp_path}/data"
    assert settings.database == f"sqlite:///{tmp_path}/db/x.db"
    assert load(home="~").home == tmp_path
    with pytest.raises(Misconfigured, match="no such user's home folder"):
        load(home="~nobody-of-this-name/x")


SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
KEY = "k" * KEY_MIN_LENGTH


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\t{} ", "\ufeff{}\n"])
def test_what_was_pasted_around_a_secret_does_no_harm(tmp_path, around):
    for text, field in ((KEY, "api_key"), (SECRET, "webhook_secret")):
        (tmp_path / field).write_text(around.format(text))
        of_file = load(**{f"{field}_file": tmp_path / field})
        of_variable = load(**{field: around.format(text).lstrip("\ufeff")})
        assert of_file.client_key() == of_variable.client_key()
        assert of_file.webhook_key() == of_variable.webhook_key()
    (tmp_path / "utf16").write_text(KEY, encoding="utf-16")
    assert load(api_key_file=tmp_path / "utf16").bootstrap_key() == KEY


@pytest.mark.parametrize("bad", ["", " \n", KEY + " " + KEY, KEY + "\n" + KEY, KEY + "\N{EN DASH}"])
def test_what_is_no_key_is_refused_wherever_it_comes_from(tmp_path, bad):
    (tmp_path / "key").write_text(bad)
    for given in ({"api_key": bad}, {"api_key_file": tmp_path / "key"}):
        with pytest.raises(Misconfigured, match=r"^HPSEARCH_API_KEY(_FILE)?: the key ") as caught:
            load(**given).client_key()
        assert KEY not in str(caught.value)


def test_white_space_around_an_address_does_no_harm(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", " postgresql+psycopg://db/x\n")
    monkeypatch.setenv("REDIS_URL", "  ")
    settings = load()
    assert (settings.database, settings.embedded) == ("postgresql+psycopg://db/x", True)
