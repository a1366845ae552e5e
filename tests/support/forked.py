"""The command line without its start: a process that has imported it forks for each command.

`python -m support.forked SOCKET` serves; the script of `install` takes the place of `hpsearch` and
hands over its arguments, environment, folder and standard streams. What runs is the real command.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

from hpsearch.cli.commands import COMMANDS

# What nearly every command loads, and what those of the data folder load besides.
LOADED = (
    "hpsearch.cli.app", "hpsearch.cli.live_status", "hpsearch.cli.result_output",
    "hpsearch.cli.tables", "hpsearch.client", "hpsearch.wiring",
)  # fmt: skip
_SCRIPT = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({path!r})
socket.send_fds(server, [b"+"], [0, 1, 2])
asked = dict(words=sys.argv[1:], cwd=os.getcwd(), environment=dict(os.environ))
server.sendall(json.dumps(asked).encode() + b"\\n")
sys.exit(int(server.recv(8) or b"70"))
"""


def install(folder: Path, path: Path) -> None:
    """Put an `hpsearch` into `folder` that asks the server at `path`."""
    script = folder / "hpsearch"
    script.write_text(_SCRIPT.format(python=sys.executable, path=str(path)))
    script.chmod(0o755)


def main(path: str) -> None:
    """Serve until killed."""
    for name in (*LOADED, *(f"hpsearch.cli.{entry.module}" for entry in COMMANDS.values())):
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                _run(client)
            client.close()


def _run(client: socket.socket) -> None:
    from hpsearch import cli

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with client.makefile() as lines:
        asked = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    code = cli.run(asked["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(str(code).encode())
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
