"""The proxy does to real connections what it says."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading

import pytest
from support import proxy as proxies
from support.waiting import until


class Echo(socketserver.ThreadingTCPServer):
    """Says everything back."""

    daemon_threads = True
    allow_reuse_address = True

    class RequestHandlerClass(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                while data := self.request.recv(4096):
                    self.server.heard.append(data)
                    self.request.sendall(data)
            self.server.left.set()

    def __init__(self):
        self.heard, self.left = [], threading.Event()
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)


@pytest.fixture
def echo():
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo):
    with proxies.before(echo.server_address) as made:
        yield made


@pytest.fixture
def client(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as made:
        assert said(made, b"hello") == b"hello"
        yield made


def said(client, data):
    client.sendall(data)
    return client.recv(4096)


def test_a_reset_is_an_rst(proxy, client, echo):
    assert proxy.reset() == 1
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert echo.left.wait(10)
    until(lambda: proxy.connections == 0, what="the end of the link")


def test_a_black_hole_holds_everything_back(proxy, client, echo):
    with proxy.black_hole():
        client.sendall(b"lost?")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert echo.heard == [b"hello"]
    client.settimeout(10)
    assert client.recv(4096) == b"lost?"


def test_a_half_open_connection_is_never_answered(proxy, client, echo):
    assert proxy.half_open() == 1
    assert echo.left.wait(10)
    client.sendall(b"anybody?")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    assert proxy.connections == 1
    proxy.reset()
    client.settimeout(10)
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def read_on(client, got):
    while data := client.recv(1):
        got += data


def test_a_cut_after_some_bytes(proxy, client, echo):
    proxy.cut_after(3)
    client.sendall(b"abcdef")
    got = bytearray()
    with pytest.raises(ConnectionResetError):
        read_on(client, got)
    assert got in (b"abc", b"")  # the kernel may drop what was not read before the RST
    until(lambda: echo.heard == [b"hello", b"abcdef"], what="the server to hear it all")


def test_a_cut_before_the_first_byte(proxy, client, echo):
    """The server has heard and acted; the client cannot know."""
    proxy.cut_after(0)
    client.sendall(b"COMMIT")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert echo.heard == [b"hello", b"COMMIT"]


def test_a_delay(proxy, client):
    import time

    proxy.delay = 0.1
    started = time.monotonic()
    assert said(client, b"slow") == b"slow"
    assert time.monotonic() - started >= 0.2  # there and back


def refused(proxy):
    with (
        pytest.raises(ConnectionResetError),  # by connect, or by the first read
        socket.create_connection(("127.0.0.1", proxy.port), 10) as late,
    ):
        late.recv(1)
    return True


def test_who_is_refused_and_who_finds_nobody(proxy, client, tmp_path):
    proxy.refusing = True
    assert refused(proxy)
    assert said(client, b"still here") == b"still here"
    proxy.refusing = False
    proxy.target = tmp_path / "nobody.sock"
    assert refused(proxy)


def test_a_tap_changes_what_the_server_hears(echo):
    def loud():
        return lambda link, data: data.upper()

    with (
        proxies.before(echo.server_address, tap=loud) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), 10) as client,
    ):
        assert said(client, b"hello") == b"HELLO"


def test_a_client_that_leaves_takes_its_link_along(proxy, client, echo):
    client.close()
    assert echo.left.wait(10)
    until(lambda: proxy.connections == 0, what="the end of the link")
