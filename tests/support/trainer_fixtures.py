"""Fixtures of trainers over a socket: the service's loop, a user, and clients of that user."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpsearch.client import Client
from hpsearch.service import Services
from hpsearch.settings import load
from hpsearch.wiring import build


@pytest.fixture
def loop(home: Path) -> Iterator[None]:
    """The service's loop: it reaps and advances until the test is over."""
    over = threading.Event()
    with build(load(home=home, retry_seconds=0.1, sqlite_synchronous="NORMAL")) as services:

        def turn() -> None:
            while not over.wait(0.05):
                services.jobs.reap()
                services.jobs.advance_due()

        thread = threading.Thread(target=turn)
        thread.start()
        yield
        over.set()
        thread.join()


@pytest.fixture
def key(services: Services) -> str:
    """The key of a user who owns nothing yet."""
    name = f"trainer-{secrets.token_hex(4)}"
    return services.keys.create(name=name, owner=name, scopes=["read", "submit"], days=1)[1]


@pytest.fixture
def connect(api: Any, key: str) -> Iterator[Callable[[], Client]]:
    """Another client of that user."""
    made: list[Client] = []

    def one() -> Client:
        made.append(Client(api.url, key))
        return made[-1]

    yield one
    for client in made:
        client.close()


@pytest.fixture
def script(api: Any, key: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """script(TEXT, WORD, ...): a program that is told the address and the key."""
    running: list[subprocess.Popen[str]] = []

    def start(text: str, *words: str) -> subprocess.Popen[str]:
        file = tmp_path / "trainer.py"
        file.write_text(text)
        process = subprocess.Popen(
            [sys.executable, str(file), api.url, key, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
