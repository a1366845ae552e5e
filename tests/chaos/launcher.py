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
from pathlib import Path

from support.launcher import become, load

from chaos import edges
from chaos.mutants import MUTANTS


def main() -> None:
    """Serve until the harness closes the pipe."""
    folder, *mutants = sys.argv[1:]
    load()
    edges.watch(Path(folder))
    for name in mutants:
        MUTANTS[name]()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            become(wanted)
        print(pid, flush=True)
    os._exit(0)  # nothing here is worth a slow goodbye


if __name__ == "__main__":
    main()
