"""A service of one's own for a benchmark: `hpsearch serve` in a folder that is thrown away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpsearch.client import Client
from hpsearch.supervisor.home import key_file


def bench_data() -> Path | None:
    """The folder of the benchmark data, if it is there."""
    named = os.environ.get("HPSEARCH_BENCH_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@contextmanager
def service(*, workers: int, mnist: Path | None = None) -> Iterator[tuple[Client, Path]]:
    """A running service: a client for it and its data folder."""
    with tempfile.TemporaryDirectory(prefix="hpsearch-bench-") as folder:
        home = Path(folder)
        if mnist is not None:
            (home / "datasets").mkdir()
            (home / "datasets" / "mnist").symlink_to(mnist)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "hpsearch.cli", "serve", "--json", "--port", "0",
             "--home", folder, "--workers", str(workers)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            with Client(url, key_file(home).read_text().strip()) as client:
                yield client, home
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
