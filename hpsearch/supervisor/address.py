"""The address of the API, checked before anything is started."""

from __future__ import annotations

import errno
import socket
import time

from hpsearch.errors import Conflict, Misconfigured

LEFTOVER_SECONDS = 5.0  # for which the processes of a killed service may still hold the port


def reserve(host: str, port: int, *, patience: float = 0.0) -> int:
    """A port on `host` that can be bound: `port` itself, or any free one where it is 0.

    Raises
    ------
    Conflict
        Another program holds it, for longer than `patience` seconds.
    Misconfigured
        `host` is no address of this machine, or the port is not for this user.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Misconfigured(f"cannot listen on {host} port {port}: {error}") from error
            if time.monotonic() > deadline:
                raise Conflict(
                    f"port {port} on {host} is taken by another program; "
                    "choose another with --port (0: any free one)"
                ) from error
        time.sleep(0.1)


def url_of(host: str, port: int) -> str:
    """The address for a client on this machine."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _bound(host: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return int(probe.getsockname()[1])
