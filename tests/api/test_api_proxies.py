"""The proxies' files, run as they are: names, ports and certificates are replaced, and nothing else.

No request is lost while the APIs behind them restart in turn.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.absent import absent
from support.beginnings import beginnings
from support.ports import free_port
from support.waiting import until

PROXIES = Path(__file__).resolve().parents[2] / "deploy" / "proxy"
KEY = "bootstrap-key-of-the-proxies-0123456789"
HOST = "search.example.org"
HEADERS = {"Host": HOST, "Authorization": f"Bearer {KEY}"}
SEARCHES = "/api/v1/searches"
NGINX = "daemon off; pid nginx.pid; error_log stderr;"
ARGUMENTS = {
    "nginx": ("-p", ".", "-g", NGINX + (" user root;" if os.geteuid() == 0 else ""), "-c"),
    "haproxy": ("-f",),
}
LOCAL_NGINX = """
    access_log off;
    client_body_temp_path body; proxy_temp_path proxied; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
"""


def configured(text: str, *, listen: int, apis: tuple[int, int]) -> str:
    """A proxy's file for this machine: its own port without TLS, and the APIs' ports."""
    for number, port in zip(("11", "12"), apis, strict=True):
        text = text.replace(f"10.0.0.{number}:8080", f"127.0.0.1:{port}")
    text = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{listen};", text)
    text = re.sub(r"\n *ssl_\w+ [^;]+;", "", text)
    text = text.replace("http {", "http {" + LOCAL_NGINX)
    return re.sub(r"bind :443 ssl crt \S+", f"bind 127.0.0.1:{listen}", text)


@dataclass
class Service:
    """Two APIs on one database."""

    begin: Callable[[int], Any]
    ports: tuple[int, int]
    running: dict[int, Any]

    def restart(self, port: int, proxies: Iterable[str]) -> None:
        """Stop one as its supervisor does, start it anew, and wait until every proxy asks it again."""
        assert self.running[port].stop() == 0
        self.running[port] = self.begin(port)
        for url in proxies:
            with httpx.Client(base_url=url, headers=HEADERS, timeout=60) as client:
                until(lambda: len(beginnings(client)) == 2, what=f"both APIs by {url}")


@pytest.fixture
def service(start: Any, fresh: Path) -> Iterator[Service]:
    """What the proxies stand before; they drain for two looks of HAProxy and more."""
    ports = (free_port(), free_port())
    settings = {
        "HPSEARCH_API_KEY": KEY, "HPSEARCH_TRUSTED_PROXIES": "127.0.0.1",
        "HPSEARCH_ALLOWED_HOSTS": HOST, "HPSEARCH_DRAIN_SECONDS": "4",
        "HPSEARCH_MAX_ACTIVE_SEARCHES": "100000",
    }  # fmt: skip

    def begin(port: int) -> Any:
        return start(fresh, HPSEARCH_PORT=str(port), **settings)

    made = Service(begin, ports, {port: begin(port) for port in ports})
    yield made
    for api in made.running.values():
        api.process.send_signal(signal.SIGTERM)  # both at once: each drains for seconds


@contextmanager
def proxy(name: str, ports: tuple[int, int], folder: Path) -> Iterator[str]:
    """The address of a running proxy."""
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        absent(f"{name} (apt-get install nginx-light haproxy)")
    (file,) = PROXIES.glob(f"{name}.*")
    port = free_port()
    folder.mkdir()
    copy = folder / file.name
    copy.write_text(configured(file.read_text(), listen=port, apis=ports))
    log = folder / "log"
    with log.open("wb") as said:
        arguments = [program, *ARGUMENTS[name], str(copy)]
        process = subprocess.Popen(arguments, cwd=folder, stdout=said, stderr=said)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(url) or process.poll() is not None, what=name)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture
def proxies(service: Service, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The address of each proxy."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(proxy(name, service.ports, tmp_path / name))
            for name in ARGUMENTS
        }


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", headers={"Host": HOST}).status_code == 200
    except httpx.TransportError:
        return False


def ask_without_end(
    url: str, spec: dict[str, Any], made: list[str], faults: list[str], done: threading.Event
) -> None:
    """Submit searches, about twelve a second."""
    with httpx.Client(headers=HEADERS, timeout=60) as client:
        while not done.wait(0.05):
            key = {"Idempotency-Key": str(uuid.uuid4())}
            try:
                answer = client.post(url + SEARCHES, json=spec, headers=key)
            except httpx.TransportError as error:
                faults.append(repr(error))
                return
            if answer.status_code == 201:
                made.append(answer.json()["id"])
            else:
                faults.append(f"{answer.status_code} {answer.text[:200]}")


def test_no_request_is_lost_while_the_apis_restart(
    proxies: dict[str, str], service: Service, spec: dict[str, Any]
) -> None:
    made: dict[str, list[str]] = {name: [] for name in proxies}
    faults: dict[str, list[str]] = {name: [] for name in proxies}
    done = threading.Event()
    askers = [
        threading.Thread(target=ask_without_end, args=(url, spec, made[name], faults[name], done))
        for name, url in proxies.items()
        for _ in range(2)
    ]
    for asker in askers:
        asker.start()
    for port in service.ports:
        before = {name: len(ids) for name, ids in made.items()}
        service.restart(port, proxies.values())
        until(lambda: all(len(made[name]) > count for name, count in before.items()))  # noqa: B023
    done.set()
    for asker in askers:
        asker.join()
    assert faults == {name: [] for name in proxies}
    with httpx.Client(headers=HEADERS, timeout=60) as client:
        stored, cursor = [], {}
        while cursor is not None:
            page = client.get(proxies["nginx"] + SEARCHES, params={"limit": 100, **cursor}).json()
            stored += [item["id"] for item in page["items"]]
            cursor = {"cursor": page["next"]} if page["next"] else None
    assert sorted(stored) == sorted(id for ids in made.values() for id in ids)
    for url, network in zip(proxies.values(), ("198.51.100", "203.0.113"), strict=True):
        check_passing(url, network)


def check_passing(url: str, network: str) -> None:
    """The client's address and a large upload reach the service."""
    wrong = {"Host": HOST, "Authorization": "Bearer wrong", "X-Forwarded-For": f"{network}.1"}
    codes = [httpx.get(url + SEARCHES, headers=wrong).status_code for _ in range(45)]
    assert (codes[0], codes[-1]) == (401, 429)  # of two processes, each with its own count
    # 127.0.0.1 is the client that the proxy saw, and itself trusted: so the one before it counts.
    wrong["X-Forwarded-For"] = f"{network}.2"
    assert httpx.get(url + SEARCHES, headers=wrong).status_code == 401
    rows = b"a,b,label\n" + b"".join(b"%d,%d,%d\n" % (i, i * i, i % 2) for i in range(200_000))
    put = httpx.put(
        f"{url}/api/v1/datasets/large",
        params={"dry_run": "true"},
        content=rows,
        headers={**HEADERS, "Content-Type": "text/csv"},
        timeout=120,
    )
    assert put.status_code == 200, put.text
