"""The data folder: its lock, the address of its service, and its own API key."""

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
class RunningService:
    """A running embedded service: its process and its address."""

    pid: int
    url: str


def key_file(home: Path) -> Path:
    """The file of the key that the embedded service made for itself."""
    return home / "api.key"


def running_service(home: Path) -> RunningService | None:
    """The service that runs, or lately ran, on this data folder."""
    try:
        record = json.loads(_service_file(home).read_text())
        return RunningService(int(record["pid"]), str(record["url"]))
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
        about = path.lstat()  # not followed: a link in a shared folder may lead anywhere
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            raise Misconfigured(f"{path} must be a folder of user {os.geteuid()}, and no link")
        if stat.S_IMODE(about.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}; set HPSEARCH_HOME elsewhere") from error


@contextmanager
def exclusive(home: Path) -> Iterator[bool]:
    """Lock the data folder for one service; yields True where the last one was killed.

    Raises
    ------
    Conflict
        Another service holds it; the message names its process and address.
    """
    private_folder(home / "run")
    with (home / "run" / "lock").open("a+") as lock:
        _lock(lock.fileno(), home)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        killed = _service_file(home).exists()
        try:
            yield killed
        finally:
            _service_file(home).unlink(missing_ok=True)


def is_locked(home: Path) -> bool:
    """True where a service holds the data folder now, whatever files an older one left."""
    try:
        with (home / "run" / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no folder, no file, or another user's
        return False
    return False


def announce(home: Path, url: str) -> None:
    """Write the address down, for the command line and for the next service."""
    _write(_service_file(home), json.dumps(asdict(RunningService(os.getpid(), url))) + "\n")


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


def _lock(lock: int, home: Path) -> None:
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
    running = running_service(home)
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
