"""Processor time of commands of the command line, of two builds in turns, beside `import typer`.

    python benchmarks/commands.py OLD NEW [--rounds 9]

OLD and NEW are checkouts with a virtual environment each (`make .venv/.dev`). The commands speak with
a server in this process. Medians of user and system time of the process; the byte code of all that is imported
has been written by a run that is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMAND = ("-P", "-m", "hpsearch.cli")
# The least that a command of typer takes: pydantic, which reads its words, is loaded for any.
EMPTY = """
import typer
app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(lambda: None)
app(args=[], standalone_mode=False)
"""


class _Empty(BaseHTTPRequestHandler):
    """Answers every question with a page without items."""

    def do_GET(self) -> None:
        body = json.dumps({"items": [], "next": None}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("builds", nargs=2, type=Path, metavar="BUILD")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with _server() as url, tempfile.TemporaryDirectory() as home:
        works = {
            "import typer": ("-c", "import typer"),
            "a command of typer that does nothing": ("-c", EMPTY),
            "hpsearch --help": (*COMMAND, "--help"),
            "hpsearch list": (*COMMAND, "list", "--url", url),
            "hpsearch datasets list": (*COMMAND, "datasets", "list", "--url", url),
        }
        took: dict[tuple[Path, str], list[float]] = {}
        for number in range(options.rounds + 1):
            for build in options.builds if number % 2 else reversed(options.builds):
                for name, words in works.items():
                    seconds = _processor(build.absolute(), words, home)
                    took.setdefault((build, name), []).extend([seconds] if number else [])
    old, new = options.builds
    yardstick = {build: statistics.median(took[build, "import typer"]) for build in (old, new)}
    print(
        "| | old, ms | new, ms | old / import typer | new / import typer |\n|---|---|---|---|---|"
    )
    for name in works:
        before, after = (statistics.median(took[build, name]) for build in (old, new))
        ratios = f"{before / yardstick[old]:.2f} | {after / yardstick[new]:.2f}"
        print(f"| {name} | {1000 * before:.0f} | {1000 * after:.0f} | {ratios} |")


@contextmanager
def _server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _processor(build: Path, words: Sequence[str], home: str) -> float:
    """Seconds of user and system time of one process."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "PYTHON"))}
    process = subprocess.Popen(
        [build / ".venv" / "bin" / "python", *words],
        env={**kept, "HPSEARCH_HOME": home, "PYTHONPATH": str(build)},
        cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {process.returncode}: {said.decode()}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
