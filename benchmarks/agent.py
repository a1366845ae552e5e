"""Overhead of `hpsearch agent` for a trial, against the bare command: the median of pairs.

    python benchmarks/agent.py [TRIALS]

A service with a data folder of its own runs beside it. Each trial is claimed, run and reported; right behind it the same
command runs by itself. The difference holds the claim, the supervisor, and the report.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hpsearch.agent import Agent, Options, Template
from hpsearch.client import Client

CODE = "import sys; print('score=' + sys.argv[1])"
COMMAND = [sys.executable, "-c", CODE, "{x}"]


def measure(client: Client, trials: int) -> list[tuple[float, float]]:
    """Seconds of each trial, and of the bare command behind it."""
    spec = {
        "objective": "external", "space": {"x": {"low": 0.0, "high": 1.0}}, "rounds": 1,
        "trials_per_round": trials, "epochs": {"first": 1, "last": 1}, "final": {"models": 1},
    }  # fmt: skip
    pairs, since = [], time.perf_counter()

    def bare(*_: Any) -> None:
        nonlocal since
        begun = time.perf_counter()
        subprocess.run([*COMMAND[:-1], "0.5"], stdout=subprocess.PIPE, check=True)
        ended = time.perf_counter()
        pairs.append((begun - since, ended - begun))
        since = ended

    search = client.submit(spec)
    Agent(client, search.id, Template.of(COMMAND), Options(), say=bare, warn=print).run()
    return pairs[1:trials]


def main() -> None:
    """Print the medians in milliseconds."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as home:
        serve = subprocess.Popen(
            [sys.executable, "-P", "-m", "hpsearch.cli", "serve", "--port", "0", "--json", "--home", home],
            env={**os.environ, "HPSEARCH_WORKERS": "0"}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert serve.stdout is not None
            url = json.loads(serve.stdout.readline())["url"]
            with Client(url, (Path(home) / "api.key").read_text()) as client:
                pairs = measure(client, trials)
        finally:
            serve.terminate()
            serve.wait()
    more = statistics.median(trial - alone for trial, alone in pairs)
    alone = statistics.median(alone for _, alone in pairs)
    print(
        f"{len(pairs)} pairs: bare command {1e3 * alone:.1f} ms, {1e3 * more:.1f} ms more as a trial"
    )


if __name__ == "__main__":
    main()
