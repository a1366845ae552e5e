"""gunicorn, started from Python: one process, threads, settings from the environment."""

from __future__ import annotations

import argparse
import ctypes
import logging
import math
import mmap
import os
import re
import selectors
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask_openapi3.openapi import OpenAPI
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from api.app import create_app
from api.guards import is_loopback
from api.runtime import EXTENSION, THREADS, Runtime
from hpsearch import logs
from hpsearch.errors import HpsearchError, Misconfigured
from hpsearch.settings import Settings, complaints, load
from hpsearch.wiring import build

GRACE_SECONDS = 10
# A client that sends nothing for so long in the middle of a request loses its thread.
_SILENCE_SECONDS = 10
_SO_ATTACH_FILTER = 26  # of Linux; Python has no name for it
_HANDSHAKE_SECONDS = 0.1  # that the rest of a connection's beginning takes, at the most
# Requests that never wait for those of others. Only whole ones without a body: of a head that comes
# byte by byte, a few would hold every thread that there is for them.
PROBES = 4  # threads
_PROBED = (b"GET /healthz ", b"GET /readyz ", b"HEAD /healthz ", b"HEAD /readyz ")
_PEEKED = 4096  # bytes of a request that are looked at
_HAS_BODY = re.compile(rb"\n(?:transfer-encoding|content-length(?!:[ \t]*0\r))", re.IGNORECASE)
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  # gunicorn makes its file there with mkstemp


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit code of a refusal to start."""
    parser = argparse.ArgumentParser(prog="python -P -m api", description="Serve the HTTP API.")
    parser.add_argument("--host", help="address to bind; default HPSEARCH_HOST or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default HPSEARCH_PORT or 8080; 0 picks one")
    overrides = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    try:
        settings = load(**overrides)
        key = check(settings)
    except HpsearchError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    logs.configure(settings.log_level, process="api", secret=key)
    for sentence in complaints():
        logging.getLogger(__name__).warning(sentence)
    Server(settings).run()
    return 0


def check(settings: Settings) -> str | None:
    """The bootstrap key of settings that are safe to serve with.

    Raises
    ------
    Misconfigured
        No key in distributed mode, or an address that others reach without a key and without
        HPSEARCH_ALLOW_REMOTE.
    """
    key = settings.bootstrap_key()
    if key is None and not settings.embedded:
        raise Misconfigured(
            "no API key: set HPSEARCH_API_KEY or HPSEARCH_API_KEY_FILE (32 characters or more)"
        )
    if not is_loopback(settings.host) and not (settings.allow_remote and key is not None):
        raise Misconfigured(
            f"HPSEARCH_HOST {settings.host!r} is not this machine's loopback; others would reach "
            "it. Set HPSEARCH_ALLOW_REMOTE=1 and a key (HPSEARCH_API_KEY or _FILE), name the "
            "service in HPSEARCH_ALLOWED_HOSTS, and put a proxy with TLS in front"
        )
    return key


def options(settings: Settings) -> dict[str, Any]:
    """The server's settings. Nothing of gunicorn's own environment or files is read."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    in_memory = os.access(_MEMORY_FOLDER, os.W_OK | os.X_OK)
    return {
        "bind": f"{host}:{settings.port}",
        "workers": 1,
        "worker_class": Worker,
        "threads": THREADS,
        "worker_connections": 1000,
        "graceful_timeout": math.ceil(settings.drain) + GRACE_SECONDS,
        "keepalive": 5,
        # The heartbeat file must not wait for a disk.
        "worker_tmp_dir": str(_MEMORY_FOLDER) if in_memory else None,
        "control_socket_disable": True,
        "logger_class": ServerLogger,
        "proc_name": "hpsearch-api",
        "limit_request_line": 4094,
        "limit_request_fields": 50,
        "limit_request_field_size": 8190,
        # Headers that claim another scheme or address are believed from nobody.
        "forwarded_allow_ips": "",
    }


def is_probe(start: bytes) -> bool:
    """True of the first bytes of a request where they are all of it, and it asks how the process is."""
    head, end, _ = start.partition(b"\r\n\r\n")
    return bool(end) and head.startswith(_PROBED) and not _HAS_BODY.search(head + end)


def _refuse_new(listener: socket.socket) -> None:
    """Let the kernel begin no more connections on a listening socket, and finish those that it began.

    Linux drops the first packet of a connection, which its sender repeats after a second; by then
    the port is closed, and the sender is refused. A connection that was accepted by the kernel
    between our last look and the end of the socket would be reset.
    """
    # BPF: load the byte of TCP's flags; drop SYN without ACK, keep all else.
    program = (
        (0x30, 0, 0, 13),
        (0x54, 0, 0, 0x12),
        (0x15, 0, 1, 0x02),
        (6, 0, 0, 0),
        (6, 0, 0, 2**32 - 1),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    with suppress(OSError):  # not Linux
        filtered = struct.pack("HP", len(program), ctypes.addressof(code))
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filtered)


def _first_bytes(connection: socket.socket) -> bytes:
    """The bytes of a request that are there by now; they stay to be read."""
    try:
        return connection.recv(_PEEKED, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:  # nothing yet, or the connection is gone
        return b""


class ServerLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's messages through our handler instead of its own."""

    def setup(self, cfg: Any) -> None:
        """Replace gunicorn's handlers."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.NOTSET)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker, with an end to silent clients and to waiting ones.

    Probes have threads of their own: where all others wait for a database that is frozen, `/healthz`
    still says that the process lives, and `/readyz` that it is not ready.
    """

    def init_process(self) -> None:
        """Make the threads of the probes besides the others."""
        self._probes = ThreadPoolExecutor(PROBES, thread_name_prefix="probe")
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Give every read and write of a connection a time limit, and choose the threads.

        gunicorn makes the socket blocking and waits for ever; the limit of the socket itself
        holds all the same.
        """
        limit = struct.pack("ll", _SILENCE_SECONDS, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, limit)
        start = _first_bytes(conn.sock)
        if not start and not conn.initialized and not conn.data_ready and self.alive:
            # A new connection that has sent nothing needs no thread: the poller waits for it.
            conn.sock.setblocking(False)
            conn.timeout = time.monotonic() + _SILENCE_SECONDS
            self.pending_conns.append(conn)
            readable = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, readable)
            return
        if not is_probe(start):
            super().enqueue_req(conn)
            return
        done = self._probes.submit(self.handle, conn)
        done.add_done_callback(lambda _: self.method_queue.defer(self.finish_request, conn, done))

    def _cap_keepalive(self, deadline: float) -> None:
        """Wait for connections that have asked nothing no longer than for kept ones."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Serve on for a while, not ready, and then stop; a second signal stops at once."""
        runtime = self._runtime
        seconds = 0.0 if runtime.draining.is_set() else runtime.settings.drain
        runtime.draining.set()
        if not seconds:
            self._leave(sig, frame)
            return
        timer = threading.Timer(seconds, self._leave, (sig, frame))
        timer.daemon = True
        timer.start()

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn calls it
        """Take or refuse connections; a worker that leaves closes its sockets at once.

        gunicorn keeps them open until the last answer is sent. The kernel goes on accepting for it,
        and resets at the end what it has accepted.
        """
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            _refuse_new(listener.sock)
        until = time.monotonic() + _HANDSHAKE_SECONDS
        while time.monotonic() < until:
            for listener in self.sockets:
                before = -1
                while before != self.nr_conns:  # what the kernel has accepted before
                    before = self.nr_conns
                    self.accept(listener)
            time.sleep(_HANDSHAKE_SECONDS / 5)
        for listener in self.sockets:
            listener.close()

    def _leave(self, sig: int, frame: Any) -> None:
        """Answer those who wait for news, then stop as gunicorn does."""
        self._runtime.stopping.set()
        super().handle_exit(sig, frame)

    @property
    def _runtime(self) -> Runtime:
        return cast("Runtime", self.wsgi.extensions[EXTENSION])


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn around `create_app`, which runs in the worker process, after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._resources = ExitStack()
        self._refusal = mmap.mmap(-1, 1)  # shared with the worker process
        super().__init__()

    def run(self) -> None:
        """Serve until told to stop.

        A refusal to start has its own exit code, also where the worker process met the reason.
        """
        arbiter = os.getpid()
        try:
            super().run()
        except SystemExit:
            if self._refusal[0] and os.getpid() == arbiter:  # the worker ends here as well
                sys.exit(self._refusal[0])
            raise

    def load_config(self) -> None:
        """Hand over our settings."""
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", self._close)

    def load(self) -> OpenAPI:
        """The application, with services of its own."""
        limit = self._settings.transaction_seconds
        services = self._resources.enter_context(build(self._settings, limit=limit))
        try:
            app = create_app(services, self._settings)
        except Misconfigured as error:
            logging.getLogger(__name__).error("refused to start: %s", error)  # noqa: TRY400  # no fault of ours
            self._refusal[0] = error.exit_code
            sys.exit(Arbiter.APP_LOAD_ERROR)  # ends the arbiter too, which would try again
        self._resources.callback(cast("Runtime", app.extensions[EXTENSION]).refusals.flush)
        return app

    def _close(self, _arbiter: Any, _worker: Any) -> None:
        self._resources.close()
