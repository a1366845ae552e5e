"""REDIS_URL: what it may say, and that a broker behind TLS is asked for its certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from support.certificates import make_certificate

from hpsearch.errors import Misconfigured
from worker.app import make
from worker.broker_address import checked
from worker.broker_faults import faults, sentence


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a key, and the certificate of a broker named `localhost` (ca.pem)."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "DNS:localhost")
    return folder


@pytest.fixture
def listener(folder):
    """The port of a server behind TLS that writes down what clients say, and what they said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    said: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with suppress(OSError), connection:  # ssl.SSLError is one
                connection.settimeout(10)
                with context.wrap_socket(connection, server_side=True) as inside:
                    said.append(inside.recv(1000))

    thread = threading.Thread(target=listen)
    thread.start()
    yield server.getsockname()[1], said
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def asked(configured, url: str) -> str:
    """What a process of ours says of a broker that never answers."""
    app = make(configured(redis_url=url))
    with app.connection_for_write() as connection, pytest.raises(faults(app)) as caught:
        connection.default_channel.queue_declare(queue="jobs")
    return sentence(caught.value)


def test_a_stranger_is_not_given_the_password(configured, listener, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    port, heard = listener
    said = asked(configured, f"rediss://u:hunter22@localhost:{port}/0")
    assert "the broker's certificate is not trusted" in said
    assert "ssl_ca_certs" in said
    assert not any(heard)


def test_a_certificate_of_another_name_is_refused(configured, listener, folder):
    port, heard = listener
    url = f"rediss://u:hunter22@127.0.0.1:{port}/0?ssl_ca_certs={folder}/ca.pem"
    assert "the broker's certificate is not trusted" in asked(configured, url)
    assert not any(heard)


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_ca_of_one_s_own_is_believed(configured, listener, folder, monkeypatch, by_variable):
    port, heard = listener
    url = f"rediss://u:hunter22@localhost:{port}/0"
    if by_variable:
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    else:
        url += f"?ssl_ca_certs={folder}/ca.pem"
    asked(configured, url)
    assert any(b"hunter22" in words for words in heard)


def test_what_needs_no_care_stays_as_it_is():
    for url in ("redis://u@h:6379/0?health_check_interval=5", "redis+socket:///run/b.sock"):
        assert checked(url) == url


def test_each_address_of_several_is_verified():
    for url in checked("rediss://a/0;rediss://b/0?health_check_interval=5").split(";"):
        assert parse_qs(urlsplit(url).query)["ssl_cert_reqs"] == ["required"]


REFUSED = {
    "ssl_cert_reqs=none": "would give the password to any server",
    "ssl_cert_reqs=requird": "would give the password to any server",
    "ssl_ca_cert=/etc/ca.pem": "no option ssl_ca_cert; there are ssl_ca_certs",
    "ssl_ca_certs=/nowhere/ca.pem": "ssl_ca_certs=/nowhere/ca.pem: No such file",
    "ssl_certfile=/nowhere/a.pem": "ssl_certfile=/nowhere/a.pem",
    "ssl_check_hostname=no": "neither true nor false",
}


@pytest.mark.parametrize("option", REFUSED)
def test_tls_that_cannot_work_is_one_sentence(option):
    with pytest.raises(Misconfigured, match=r"^REDIS_URL: ") as caught:
        checked(f"rediss://:hunter22@h/0?{option}")
    assert REFUSED[option] in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_a_file_that_is_no_certificate_is_named(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(Misconfigured, match=f"ssl_ca_certs={file}"):
        checked(f"rediss://h/0?ssl_ca_certs={file}")


def test_options_of_tls_want_tls():
    with pytest.raises(Misconfigured, match=r"ssl_ca_certs is for rediss://"):
        checked("redis://h/0?ssl_ca_certs=/etc/ca.pem")
