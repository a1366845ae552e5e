"""The data folder: who uses it now, where its service answers, and its own API key."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hpsearch.errors import Conflict, Misconfigured

KEY_BYTES = 32
LOCK_PATIENCE = 0.5  # seconds; a service that is just ending gives the lock back


@dataclass(frozen=True, slots=True)
class Announced:
    """A running embedded service: its process and its address."""

    pid: int
    url: str


def key_file(home: Path) -> Path:
    """Where the embedded service keeps the key that it made for itself."""
    return home / "api.key"


def announced(home: Path) -> Announced | None:
    """The service that runs, or lately ran, on this data folder."""
    try:
        found = json.loads(_service_file(home).read_text())
        return Announced(int(found["pid"]), str(found["url"]))
    except (OSError, ValueError, KeyError, TypeError):  # none, or cut off by a full disk
        return None


def private_folder(path: Path) -> None:
    """Make `path` a folder that its owner alone can enter.

    Raises
    ------
    Misconfigured
        It cannot be made, is no folder, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()  # not followed: a link in a shared folder may lead anywhere
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Misconfigured(f"{path} must be a folder of user {os.geteuid()}, and no link")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}; set HPSEARCH_HOME elsewhere") from error


@contextmanager
def exclusive(home: Path) -> Iterator[bool]:
    """Hold the data folder for one service; True where the last one left without goodbye.

    Raises
    ------
    Conflict
        Another service holds it; the message names its process and address.
    """
    private_folder(home / "run")
    with (home / "run" / "lock").open("a+") as lock:
        _take(lock.fileno(), home)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        left = _service_file(home).exists()
        try:
            yield left
        finally:
            _service_file(home).unlink(missing_ok=True)


def held(home: Path) -> bool:
    """Whether a service holds the data folder now, whatever an older one left there."""
    try:
        with (home / "run" / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no folder, no file, or another user's
        return False
    return False


def announce(home: Path, url: str) -> None:
    """Leave word of the address, for the command line and for the next to come."""
    _write(_service_file(home), json.dumps(asdict(Announced(os.getpid(), url))) + "\n")


def embedded_key(home: Path) -> Path:
    """The file with the service's own key, made on the first start and readable by its owner.

    Call it while holding the folder.
    """
    path = key_file(home)
    try:
        if not path.exists():
            _write(path, secrets.token_urlsafe(KEY_BYTES) + "\n")
        elif stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    return path


def _take(lock: int, home: Path) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Conflict(f"already running on {home}: {_holder(home)}") from None
            time.sleep(0.05)
        else:
            return


def _holder(home: Path) -> str:
    running = announced(home)
    if running is not None:
        return f"process {running.pid} at {running.url}"
    pid = (home / "run" / "lock").read_text().strip()
    return f"process {pid or 'unknown'}, still starting or ending"


def _service_file(home: Path) -> Path:
    return home / "run" / "service.json"


def _write(path: Path, text: str) -> None:
    """Replace `path` in one step by a file of mode 0600."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
