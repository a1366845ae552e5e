"""The proxies' files of deploy/proxy, run as they are before two APIs of this machine.

Names, ports and certificates are replaced. Kept connections between proxy and API may be turned off.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.absent import absent
from support.ports import free_port
from support.waiting import until

PROXIES = Path(__file__).resolve().parents[2] / "deploy" / "proxy"
HOST = "search.example.org"
NGINX, HAPROXY = "nginx", "haproxy"
_NGINX = "daemon off; pid nginx.pid; error_log stderr;"
ARGUMENTS = {
    NGINX: ("-p", ".", "-g", _NGINX + (" user root;" if os.geteuid() == 0 else ""), "-c"),
    HAPROXY: ("-f",),
}
_LOCAL_NGINX = """
    access_log off;
    client_body_temp_path body; proxy_temp_path proxied; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
"""


def configured(text: str, *, listen: int, apis: tuple[int, int], kept: bool = True) -> str:
    """A proxy's file for this machine: its own port without TLS, and the APIs' ports.

    kept
        Whether connections to the APIs are used for more than one request.
    """
    for number, port in zip(("11", "12"), apis, strict=True):
        text = text.replace(f"10.0.0.{number}:8080", f"127.0.0.1:{port}")
    text = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{listen};", text)
    text = re.sub(r"\n *ssl_\w+ [^;]+;", "", text)
    text = text.replace("http {", "http {" + _LOCAL_NGINX)
    text = re.sub(r"bind :443 ssl crt \S+", f"bind 127.0.0.1:{listen}", text)
    if kept:
        return text
    text, nginx = re.subn(r"\n *keepalive(_timeout)? [^;]+;", "", text)
    text = text.replace('Connection "";', "Connection close;")
    text, haproxy = re.subn(r"(defaults\n)", r"\1    option http-server-close\n", text)
    assert nginx or haproxy, "nothing keeps connections in this file"
    return text


def program(name: str) -> str | None:
    """Where a proxy is installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def front(name: str, apis: tuple[int, int], folder: Path, *, kept: bool = True) -> Iterator[str]:
    """The address of a running proxy before the APIs on these ports, its files in a new folder."""
    found = program(name)
    if found is None:
        absent(f"{name} (apt-get install nginx-light haproxy)")
    (file,) = PROXIES.glob(f"{name}.*")
    port = free_port()
    folder.mkdir()
    copy = folder / file.name
    copy.write_text(configured(file.read_text(), listen=port, apis=apis, kept=kept))
    log = folder / "log"
    with log.open("wb") as said:
        arguments = [found, *ARGUMENTS[name], str(copy)]
        process = subprocess.Popen(arguments, cwd=folder, stdout=said, stderr=said)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(url) or process.poll() is not None, what=name)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", headers={"Host": HOST}).status_code == 200
    except httpx.TransportError:
        return False
