"""A CA of one's own: believed by client and command line, on the loopback too; strangers are refused."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.certificates import make_certificate

from hpsearch import cli
from hpsearch.client import Client
from hpsearch.errors import Misconfigured, Unavailable


class Answer(BaseHTTPRequestHandler):
    """A service without searches."""

    def do_GET(self):
        ready = b'{"status": "ready", "version": "1", "database": "ok", "migrations": "ok"}'
        body = ready if self.path == "/readyz" else b'{"items": [], "next": null}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """An address of TLS on the loopback, and the file of the certificate that vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "IP:127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", folder / "ca.pem"
    server.shutdown()
    thread.join()
    server.server_close()


def test_ours_is_believed_on_the_loopback(service, monkeypatch, capsys):
    url, file = service
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with Client(url, "k" * 43) as client:
        assert client.ready()
    assert cli.run(["list", "--url", url]) == 0


def test_a_stranger_s_is_refused_at_once(service, monkeypatch, capsys):
    url, _ = service
    with (
        Client(url, patience=60.0) as client,
        pytest.raises(Misconfigured, match=r"not trusted here .*SSL_CERT_FILE"),
    ):
        client.ready()
    assert cli.run(["list", "--url", url]) == 78


def test_another_host_s_is_refused(service, monkeypatch):
    url, file = service
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with (
        Client(url.replace("127.0.0.1", "localhost")) as client,
        pytest.raises(Misconfigured, match="mismatch"),
    ):
        client.ready()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_that_is_none_is_named(tmp_path, monkeypatch, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(Misconfigured, match=f"SSL_CERT_FILE={file}"):
        Client("https://127.0.0.1:1")
    with Client("http://127.0.0.1:1") as client, pytest.raises(Unavailable):
        client.ready()
