"""Starts the parser in a process of its own and turns its answer, or its death, into a value.

The calling process never reads an uploaded byte: not the zip directory, not an array header.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from hpsearch import errors
from hpsearch.data.info import DatasetInfo
from hpsearch.data.limits import MIB, Limits
from hpsearch.data.parse.request import Request
from hpsearch.environment import ONE_THREAD

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

# One thread: a parser needs no more, and every thread costs address space.
_FIXED = {
    "LANG": "C.UTF-8",
    **dict.fromkeys(ONE_THREAD, "1"),
    "PYTHONDONTWRITEBYTECODE": "1",
    # Arrow's own allocators reserve more address space than a parser has.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
}
# Where the interpreter finds its libraries, and how coverage follows it.
_PASSED = ("LD_LIBRARY_PATH", "TMPDIR", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
# How this site reaches the internet: for a download from OpenML alone.
_NETWORK = (
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "HOME"),
)

_ERRORS: Final[dict[str, type[errors.HpsearchError]]] = {
    "TooLarge": errors.TooLarge,
    "UnsupportedType": errors.UnsupportedType,
    "Unavailable": errors.Unavailable,
    "StorageFull": errors.StorageFull,
}


def run(request: Request, limits: Limits) -> DatasetInfo:
    """Parse in a limited child; the arrays are in `request.out` when this returns.

    Raises
    ------
    errors.InvalidDataset, errors.TooLarge, errors.UnsupportedType, errors.Unavailable,
    errors.StorageFull,
        The parser's own error, or the limit that ended it.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "hpsearch.data.parse"],
            input=json.dumps({"request": request.to_json(), "limits": limits.to_json()}).encode(),
            capture_output=True,
            env=_environment(network=request.network),
            # CPU seconds are counted too; the wall clock catches a parser that waits.
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise errors.TooLarge(_beyond(f"{limits.seconds} seconds")) from error
    if done.returncode != 0:
        raise _death(done.returncode, done.stderr, limits)
    return _answer(json.loads(done.stdout))


def _environment(*, network: bool) -> dict[str, str]:
    names = _PASSED + (_NETWORK if network else ())
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    # The caller's own search path first, so that the child finds what the caller found.
    paths = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(_PACKAGE_ROOT)]
    absolute = os.pathsep.join(path for path in paths if Path(path).is_absolute())
    return {**inherited, **_FIXED, "PYTHONPATH": absolute}


def _death(code: int, stderr: bytes, limits: Limits) -> errors.UserError:
    if code == -signal.SIGXCPU:
        return errors.TooLarge(_beyond(f"{limits.seconds} seconds of processor time"))
    # Libraries in C++ and Rust abort where they get no memory.
    if code in (-signal.SIGKILL, -signal.SIGABRT):
        return errors.TooLarge(_beyond(f"memory ({limits.memory // MIB} MiB at most)"))
    lines = stderr.decode(errors="replace").strip().splitlines()
    last = lines[-1][:200] if lines else "no message"
    return errors.InvalidDataset(
        f"the file ended its parser (exit {code}: {last}); write it again with "
        "numpy.savez_compressed(path, x=x, y=y), or as a CSV file with a header"
    )


def _beyond(what: str) -> str:
    return f"reading the dataset took more than {what}; send fewer rows or columns"


def _answer(reply: dict[str, Any]) -> DatasetInfo:
    if "info" in reply:
        return DatasetInfo.from_json(reply["info"])
    error = reply["error"]
    if error["type"] in _ERRORS:
        raise _ERRORS[error["type"]](error["message"])
    raise errors.InvalidDataset(
        error["message"], [errors.Mistake(path, text) for path, text in error["mistakes"]]
    )
