"""A receiver of webhooks on the loopback: answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DRIPPING = 0  # in place of a status: an answer that never comes to an end


@dataclass(frozen=True)
class Sent:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are given in turn, the last one for ever."""

    origin: str
    answers: Sequence[int]
    location: str = "/elsewhere"
    sent: list[Sent] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens; the path is the receiver's secret."""
        return f"{self.origin}/hook/s3cret"

    def take(self, sent: Sent) -> int:
        """Keep a request; the answer to it."""
        self.sent.append(sent)
        return self.answers[min(len(self.sent), len(self.answers)) - 1]


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    """A receiver, closed in the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = Sent(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            status = found.take(sent)
            if status == DRIPPING:
                self.drip()
                return
            self.send_response(status)
            self.send_header("Location", found.location)
            self.send_header("Set-Cookie", "who=me")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def drip(self) -> None:
            """One header after another, for ever."""
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not found.over.wait(0.05):
                    self.wfile.write(b"X-More: x\r\n")
            except OSError:
                pass  # the sender has had enough
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}", answers or (204,))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            found.over.set()
            server.shutdown()
            thread.join()
