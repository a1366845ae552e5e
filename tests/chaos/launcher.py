"""Starts the project's processes for the harness, quickly: everything is imported once.

It reads one JSON object a line, `{"arguments", "environment", "log"}`, forks a process that
runs `worker.__main__.main` in a session of its own, and answers with its id. Killed processes
disappear at once, since nobody waits for them here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos import edges
from chaos.mutants import MUTANTS
from worker import (
    __main__ as entry,
)
from worker import (
    loop,  # noqa: F401  # imported here, once for all
    tasks,  # noqa: F401
)


def main() -> None:
    """Serve until the harness closes the pipe."""
    folder, *mutants = sys.argv[1:]
    edges.watch(Path(folder))
    for name in mutants:
        MUTANTS[name]()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(wanted)
        print(pid, flush=True)
    os._exit(0)  # nothing here is worth a slow goodbye


def _become(wanted: Mapping[str, Any]) -> None:
    """Turn into the process that was asked for; never returns."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.environ.update(wanted["environment"])
        code = entry.main(wanted["arguments"])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:  # whatever it was, the launcher's loop must not run twice
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
