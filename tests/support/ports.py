"""A TCP port of the loopback that nobody uses."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Ask the system for a port, and give it back."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
