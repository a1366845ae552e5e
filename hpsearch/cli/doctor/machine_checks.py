"""Checks of this machine: settings, data folder, disk, key, address, and the embedded broker."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping

from hpsearch import disks
from hpsearch.cli.doctor.findings import Finding, fault, ok, warning
from hpsearch.client import Client
from hpsearch.errors import (
    Conflict,
    Forbidden,
    HpsearchError,
    Unauthenticated,
    Unavailable,
)
from hpsearch.settings import KEY_MIN_LENGTH, Settings, complaints
from hpsearch.supervisor import broker, home
from hpsearch.supervisor.address import reserve, url_of

ROOM_TO_WORK, ROOM_TO_GROW = 100e6, 1e9  # bytes
ANSWER_SECONDS = 5.0


def names(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Find variables that look like settings of ours, and that nothing reads."""
    for sentence in complaints(environment):
        yield warning("settings", sentence, "rename it or take it away")


def folder(settings: Settings) -> Iterator[Finding]:
    """Check that the data folder exists, is ours, writable, and closed to others."""
    path = settings.home
    if not path.is_dir():
        what = "is no folder" if path.exists() else "does not exist"
        yield warning("data folder", f"{path} {what}",
                      "`hpsearch serve` makes it; or set HPSEARCH_HOME to the one that is meant")  # fmt: skip
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if not os.access(path, os.W_OK | os.X_OK):
        yield fault("data folder", f"{path} (mode {mode:04o}) cannot be written by user "
                    f"{os.geteuid()}", f"chown {os.geteuid()} {path}, or run as its owner")  # fmt: skip
    elif mode & 0o077:
        yield warning("data folder", f"{path} has mode {mode:04o}: others can look into it",
                      f"chmod 700 {path}")  # fmt: skip
    else:
        yield ok("data folder", f"{path}, ours alone")


def disk(settings: Settings) -> Iterator[Finding]:
    """Check the room on the disks where the database, datasets and logs grow."""
    devices: set[int] = set()
    for place in disks.places(settings).values():
        there = disks.existing(place)
        device = there.stat().st_dev
        if device in devices:
            continue
        devices.add(device)
        free = disks.free_bytes(there)
        message = f"{free / 1e6:,.0f} MB free at {there}"
        remedy = "make room; `hpsearch prune --older-than 90d` removes old searches"
        if free < ROOM_TO_WORK:
            yield fault("disk", message, remedy)
        elif free < ROOM_TO_GROW:
            yield warning("disk", message, remedy)
        else:
            yield ok("disk", message)


def key(settings: Settings) -> Iterator[Finding]:
    """Check that there is a key, long enough, that others cannot read."""
    if settings.bootstrap_key() is not None:  # a short or unreadable one raises
        yield ok("key", "given by HPSEARCH_API_KEY or its file")
        return
    if not settings.embedded:
        yield warning("key", "neither HPSEARCH_API_KEY nor HPSEARCH_API_KEY_FILE is set here",
                      "the API does not start without; workers need none")  # fmt: skip
        return
    path = home.key_file(settings.home)
    try:
        mode, length = stat.S_IMODE(path.stat().st_mode), len(path.read_text().strip())
    except FileNotFoundError:
        yield ok("key", "made at the first start")
        return
    except OSError as error:
        yield fault("key", f"{path}: {error.strerror}", "run as the service's own user")
        return
    if length < KEY_MIN_LENGTH:
        yield fault("key", f"{path} holds {length} characters, {KEY_MIN_LENGTH} are needed",
                    "remove the file and start the service again, which makes a new key")  # fmt: skip
    elif mode & 0o077:
        yield warning("key", f"{path} has mode {mode:04o}: others can read it",
                      f"chmod 600 {path}, and a new key if somebody may have: remove the file "
                      "and start the service again")  # fmt: skip
    else:
        yield ok("key", str(path))


def embedded_broker(settings: Settings) -> Iterator[Finding]:
    """Check that the embedded broker runs with its service, and that no older one is left."""
    path, running = settings.socket, home.is_locked(settings.home)
    answers = broker.answers(path)
    if running and not answers:
        yield fault("broker", f"nobody answers at {path}",
                    f"look at {settings.home / 'logs' / 'broker.log'}; start the service again")  # fmt: skip
    elif running:
        yield ok("broker", f"answers at {path}")
    elif answers:
        yield warning("broker", f"one without its service answers at {path}",
                      "the next `hpsearch serve` ends it")  # fmt: skip
    elif path.exists():
        yield warning("broker", f"a killed service left its socket {path}",
                      "nothing: the next `hpsearch serve` takes its place")  # fmt: skip
    else:
        yield ok("broker", "starts with the service")


def address(
    settings: Settings, token: str | None, installation: Callable[[], str]
) -> Iterator[Finding]:
    """Check that our service answers and accepts our key; while none runs, that its port is free.

    Another installation on the same address is none of ours, and does not see the key.

    installation
        Reads the id of our database's installation.
    """
    running = home.running_service(settings.home) if home.is_locked(settings.home) else None
    url = running.url if running is not None else url_of(settings.host, settings.port)
    if running is None and not _is_hpsearch(url):
        yield from _free_port(settings)
        return
    try:
        theirs = _installation_at(url)
    except HpsearchError as error:
        yield fault("service", f"{url}: {error}",
                    f"look at {settings.home / 'logs' / 'api.log'} and the other findings")  # fmt: skip
        return
    if running is None:  # else its lock on the data folder tells
        try:
            ours = installation()
        except HpsearchError as error:
            yield fault("service", f"one is ready at {url}, and nobody can tell whose: {error}",
                        "set HPSEARCH_HOME and DATABASE_URL as the service has them")  # fmt: skip
            return
        if theirs != ours:
            yield _stranger(settings, url, theirs, ours)
            return
    yield ok("service", f"ready at {url}")
    if token is not None:
        yield from _key_opens(url, token)


def _installation_at(url: str) -> object:
    """Ask a service for its installation, without a key: it may be somebody else's."""
    with Client(url, timeout=ANSWER_SECONDS) as client:
        return client.ready().get("installation")


def _key_opens(url: str, token: str) -> Iterator[Finding]:
    with Client(url, token, timeout=ANSWER_SECONDS) as client:
        try:
            list(client.list(limit=1))
        except (Unauthenticated, Forbidden) as error:
            yield fault("key", f"{url} does not take the key that is set here: {error}",
                        "set the service's own key, or make one: hpsearch keys create NAME")  # fmt: skip


def _stranger(settings: Settings, url: str, theirs: object, ours: str) -> Finding:
    named = f"installation {theirs}" if isinstance(theirs, str) else "an older hpsearch"
    start = "hpsearch serve" if settings.embedded else "python -P -m api"
    return fault("service", f"{url} belongs to {named}, ours is {ours} and does not run there",
                 f"start ours ({start}) on a free HPSEARCH_PORT; or, if the one that answers is meant, "
                 "set HPSEARCH_HOME and DATABASE_URL as that has them")  # fmt: skip


def _free_port(settings: Settings) -> Iterator[Finding]:
    try:
        reserve(settings.host, settings.port)
    except Conflict as error:
        yield fault("port", str(error), "end that program, or set HPSEARCH_PORT to a free one")
        return
    if settings.embedded:
        yield fault("service", f"no service runs on {settings.home}", "start it: hpsearch serve")
    else:
        where = url_of(settings.host, settings.port)
        yield warning("service", f"no API runs here at {where}",
                      "start it where it belongs: python -P -m api; if it has another port, set "
                      "HPSEARCH_PORT for the doctor too")  # fmt: skip


def _is_hpsearch(url: str) -> bool:
    """True where an hpsearch answers, whoever has it, ready or not."""
    with Client(url, timeout=ANSWER_SECONDS) as client:
        try:
            return client.ready().get("status") == "ready"
        except Unavailable as error:
            return "not ready" in str(error)
        except HpsearchError:
            return False
