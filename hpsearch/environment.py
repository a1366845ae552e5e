"""The environment before it becomes settings: names, secrets, and files as users write them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hpsearch.errors import Misconfigured, with_question

PREFIX = "HPSEARCH_"
# What bounds the threads of OpenBLAS, OpenMP, MKL, BLIS and Apple's Accelerate.
ONE_THREAD = (
    *("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
# Read by others than `Settings`, and by whom.
OTHER_NAMES = {
    "WORKERS": "`hpsearch serve`: processes that train; unset: as many as there are cores.",
    "VERSION": "docker-compose.yml: tag of the image.",
    "WORKER_CONCURRENCY": "docker-compose.yml: jobs that a worker's container trains at once (2).",
    "BACKUP_DAYS": "docker-compose.yml: days for which backups are kept (14).",
    "PRUNE_OLDER_THAN": "docker-compose.yml: age of the searches that `prune` removes (365d).",
    "BENCH_DATA": "Tests, benchmarks and `hpsearch lab`: folder of public data sets.",
}
# Variables that describe a trial to its trainer, and those that Kubernetes and Docker set for a
# service whose name begins with ours.
_OF_TOOLS = re.compile(
    r"TRIAL(_\w+)?|(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_\w+)?"
)
_LINK = re.compile(r"(tcp|udp|sctp)://")


def unknown_settings(environment: Mapping[str, str], fields: Iterable[str]) -> Iterator[str]:
    """A sentence about each variable that looks like a setting of ours, and that nothing reads."""
    known = {name.upper() for name in (*fields, *OTHER_NAMES)}
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if name in ("", variable) or name in known or _OF_TOOLS.fullmatch(name):
            continue
        if not _LINK.match(environment[variable]):
            sentence = f"{variable} is set, and there is no such setting"
            yield with_question(sentence, name, known).replace("mean ", f"mean {PREFIX}")


def decoded(raw: bytes) -> str:
    """The text of a file, by the mark that it begins with, if any; else it is UTF-8."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16")
    return raw.decode("utf-8-sig")


def secret_of_file(name: str, file: Path) -> str:
    """The content of the file that variable `name` holds the path of.

    Raises
    ------
    Misconfigured
        It cannot be read.
    """
    try:
        return decoded(file.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}: {error}") from error


def token(name: str, text: str) -> str:
    """A key from the variable `name` or its file, without the white space around it.

    Raises
    ------
    Misconfigured
        Nothing is left of it, or it holds what no key holds.
    """
    key = text.strip()
    if not key:
        raise Misconfigured(f"{name}: the key is empty; take the variable away, or give a key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise Misconfigured(
            f"{name}: the key holds white space or other characters that no key has; "
            "was it pasted whole, and alone?"
        )
    return key
