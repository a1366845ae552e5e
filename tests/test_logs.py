"""No secret survives in a log line, wherever it was put."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import string

import pytest
import structlog
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hpsearch.logs import configure, redact

SECRET = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60)
PASSWORD = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=%/@:#?", min_size=6)
AROUND = st.text(max_size=30)


@given(AROUND, SECRET, AROUND, st.text("0123456789abcdef", min_size=1, max_size=16))
@example("key", "A" * 43, "", "0f")
@example("_", "A" * 43, "", "0f")
def test_a_planted_key_never_survives(before, secret, after, key_id):
    assume(secret not in before + after)
    assert secret not in redact(f"{before}hps_{key_id}_{secret}{after}")


@given(AROUND, PASSWORD, AROUND, st.text(string.ascii_lowercase, max_size=6))
@example("", "p/w@x:y@z", " tail", "user")
@example("", "secret", "", "")
def test_a_planted_password_never_survives(before, password, after, user):
    assume(password not in f"{before}{user}hostpostgresql{after}:***@/5432db")
    url = f"postgresql://{user}:{password}@host:5432/db"
    assert password not in redact(f"{before} {url} {after}")


@given(AROUND, SECRET, st.sampled_from(["Bearer", "bearer", "BEARER"]), st.sampled_from(" \t"))
def test_a_planted_header_never_survives(before, secret, scheme, space):
    assume(secret not in before)
    assert secret not in redact(f"{before} Authorization: {scheme}{space}{secret}")


@given(st.text(string.ascii_letters + " .,:/-_()", max_size=80))
def test_what_is_no_secret_is_left_alone(text):
    assume("bearer" not in text.lower())
    assume("hps_" not in text)
    assert redact(text) == text


def test_what_remains_still_says_where():
    assert redact("redis://:pw@cache:6379/0 is down") == "redis://:***@cache:6379/0 is down"
    assert redact("postgresql://me:pw@db/x") == "postgresql://me:***@db/x"
    assert redact(f"key hps_0f_{'a' * 43} is unknown") == "key hps_0f_*** is unknown"
    assert redact("https://t0ken@mlflow.example/x") == "https://***@mlflow.example/x"
    said = "postgresql://db/x?user=me&password=p/w&sslmode=require"
    assert redact(said) == "postgresql://db/x?user=me&password=***&sslmode=require"
    assert redact("Authorization: Bearer abc") == "Authorization: Bearer ***"
    assert redact("http://127.0.0.1:8080/healthz") == "http://127.0.0.1:8080/healthz"


class Terminal(io.StringIO):
    def __init__(self, *, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.fixture
def stderr(request) -> Terminal:
    return Terminal(tty=getattr(request, "param", False))


def begin(stream: Terminal, level: str, *, process: str) -> None:
    """Configure logging while `stream` is standard error; the handler keeps it."""
    with contextlib.redirect_stderr(stream):
        configure(level, process=process)


def lines(stream: Terminal) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


URL = "redis://:topsecret@cache:6379/0"


def test_every_line_is_json_with_its_process(stderr):
    begin(stderr, "info", process="worker")
    logging.getLogger("any.library").info("connected to %s", URL, extra={"job": 7, "url": URL})
    structlog.get_logger().warning("late", seconds=1.5, job=None, ok=True)
    first, second = lines(stderr)
    assert first["event"] == "connected to redis://:***@cache:6379/0"
    assert (first["level"], first["process"], first["job"]) == ("info", "worker", 7)
    assert first["url"] == "redis://:***@cache:6379/0"
    assert (second["event"], second["seconds"], second["job"], second["ok"]) == (
        "late", 1.5, None, True,
    )  # fmt: skip
    assert second["timestamp"].endswith("Z")


class Broker:
    def __repr__(self) -> str:
        return f"<Broker {URL}>"


def test_no_secret_in_nested_values_or_tracebacks(stderr):
    begin(stderr, "debug", process="loop")
    try:
        raise ConnectionError(URL)
    except ConnectionError:
        logging.getLogger("kombu").exception("lost")
        structlog.get_logger().error("lost too", exc_info=True)
    extra = {"args_of": [URL, {"at": (URL,), URL: 1}], "broker": Broker(), "error": OSError(URL)}
    logging.getLogger("x").error("nested", extra=extra)
    structlog.get_logger().error("nested", **extra)
    text = stderr.getvalue()
    assert "topsecret" not in text
    assert text.count("ConnectionError") >= 2
    assert lines(stderr)[2]["broker"] == "<Broker redis://:***@cache:6379/0>"
    assert lines(stderr)[2]["args_of"][1]["at"] == ["redis://:***@cache:6379/0"]


@pytest.mark.parametrize("stderr", [True], indirect=True)
def test_a_terminal_gets_lines_for_people(stderr):
    begin(stderr, "info", process="api")
    logging.getLogger("x").info("hello %s", URL)
    text = stderr.getvalue()
    assert "hello redis://" in text
    assert "topsecret" not in text
    with pytest.raises(json.JSONDecodeError):
        lines(stderr)


def test_levels(stderr):
    begin(stderr, "warning", process="api")
    logging.getLogger("x").info("quiet")
    logging.getLogger("alembic").warning("loud")
    begin(stderr, "debug", process="api")
    logging.getLogger("celery.app.trace").info("chatty")
    logging.getLogger("x").debug("wanted")
    assert [line["event"] for line in lines(stderr)] == ["loud", "wanted"]


def test_configuring_twice_prints_once(stderr):
    begin(stderr, "info", process="a")
    begin(stderr, "info", process="b")
    logging.getLogger("x").info("once")
    assert [line["process"] for line in lines(stderr)] == ["b"]
