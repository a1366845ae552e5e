"""A database brought up to date by a process of its own: the program's schema lies outside of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hpsearch.errors import Misconfigured, Unavailable
from hpsearch.supervisor.child import module
from hpsearch.supervisor.restarts import MISCONFIGURED


def migrate(database: str, *, home: Path) -> None:
    """Migrate the database at this address, with `home` for a data folder.

    Raises
    ------
    Misconfigured, Unavailable
        It cannot be migrated; the message ends with the process's last words.
    """
    kept = {k: v for k, v in os.environ.items() if k != "HPSEARCH_DATABASE_PASSWORD_FILE"}
    environment = {**kept, "DATABASE_URL": database, "HPSEARCH_HOME": str(home.absolute())}
    done = subprocess.run(  # noqa: S603  # our own program
        module("migrations", "upgrade"),
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        kind = Misconfigured if done.returncode == MISCONFIGURED else Unavailable
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise kind(f"the database could not be brought up to date: {last[0]}")
