"""Parsing without the start of a child, in a process that has imported what children import.

A child costs a third of a second, one that loads scikit-learn more than one. What it is for, limits
that bite and a death that is explained, is tested in tests/data/test_data_child.py, with children
as the service starts them.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from hpsearch.data import DatasetInfo, DatasetStore, Limits, child
from hpsearch.data.parse.__main__ import answer
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.request import Request
from hpsearch.service import Services


def in_this_process(request: Request, limits: Limits) -> DatasetInfo:
    """As `hpsearch.data.child.run`: request and answer go through JSON as they do there."""
    return _read(_answered(_written(request, limits)))


def without_children(services: Services) -> Services:
    """Services that parse in this process."""
    services.files._parse = in_this_process
    return services


PR_SET_PDEATHSIG = 1


class Parsers:
    """A process that forks a parser, under its limits, for everybody who connects to a socket."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "parsers.sock"
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self._path))
        server.listen()
        self.pid = os.fork()
        if not self.pid:
            _serve(server)
        server.close()

    def take_over(self) -> None:
        """Let every store that this process makes from now on parse there."""
        defaults = DatasetStore.__init__.__kwdefaults__
        assert defaults["parse"] is child.run
        defaults["parse"] = self._parse

    def _parse(self, request: Request, limits: Limits) -> DatasetInfo:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(limits.seconds)
            client.connect(str(self._path))
            client.sendall(_written(request, limits))
            client.shutdown(socket.SHUT_WR)
            return _read(_received(client))


def _serve(server: socket.socket) -> NoReturn:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    arrow("csv")
    import_module("hpsearch.data.parse.kinds")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        client, _ = server.accept()
        if not os.fork():
            asked = _received(client)
            Limits.from_json(json.loads(asked)["limits"]).apply()
            client.sendall(_answered(asked))
            os._exit(0)
        client.close()


def _received(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def _written(request: Request, limits: Limits) -> bytes:
    return json.dumps({"request": request.to_json(), "limits": limits.to_json()}).encode()


def _answered(asked: bytes) -> bytes:
    message = json.loads(asked)
    request = Request.from_json(message["request"])
    return json.dumps(answer(request, Limits.from_json(message["limits"]))).encode()


def _read(reply: bytes) -> DatasetInfo:
    return child._answer(json.loads(reply))
