"""`hpsearch serve` of two builds, in turns: time to ready, processor time, memory.

    python benchmarks/serve.py OLD NEW [--pairs 5] [--workers 2]

OLD and NEW are checkouts with a virtual environment each (`make .venv/.dev`). Memory is PSS, the
proportional share of every page, summed over all processes of the service (Linux): idle, ten
seconds after it was ready, and the most while the search of `hpsearch demo` runs. Processor time goes from the
start to that idle look. Medians.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SETTLED = 10.0  # seconds, after which all processes wait
LOOK = 0.25  # seconds between two looks at the memory
SPEC = Path(__file__).resolve().parents[1] / "examples" / "digits.json"
ROWS = (
    ("ready after, s", "ready"), ("processor, s", "processor"), ("idle, MB", "idle"),
    ("at the peak, MB", "peak"), ("search, s", "search"),
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("builds", nargs=2, type=Path, metavar="BUILD")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    old, new = options.builds
    figures: dict[Path, list[dict[str, float]]] = {old: [], new: []}
    for pair in range(options.pairs):
        for build in (old, new) if pair % 2 == 0 else (new, old):
            figures[build].append(_measured(build.absolute(), options.workers))
    print("| | old | new | new over old, each pair |\n|---|---|---|---|")
    for title, name in ROWS:
        before, after = ([run[name] for run in figures[build]] for build in (old, new))
        ratios = ", ".join(f"{b / a:.2f}" for a, b in zip(before, after, strict=True))
        print(f"| {title} | {_middle(before)} | {_middle(after)} | {ratios} |")


def _middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g}"


def _measured(build: Path, workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [build / ".venv" / "bin" / "hpsearch", "serve", "--port", "0", "--json"]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "PYTHON"))}
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, "--workers", str(workers), "--home", folder],
            env=kept, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            ready = time.monotonic() - began
            time.sleep(SETTLED)
            idle, processor = _memory(process.pid), _processor(process.pid)
            key = (Path(folder) / "api.key").read_text().strip()
            began = time.monotonic()
            peak = max(_while_it_searches(url, key, process.pid))
            search = time.monotonic() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    return {"ready": ready, "processor": processor, "idle": idle, "peak": peak, "search": search}


def _while_it_searches(url: str, key: str, pid: int) -> Iterator[float]:
    """The memory, again and again, until the search of the demo has ended."""
    search = _asked(f"{url}/api/v1/searches", key, SPEC.read_bytes())["id"]
    while _asked(f"{url}/api/v1/searches/{search}", key)["finished_at"] is None:
        yield _memory(pid)
        time.sleep(LOOK)
    yield _memory(pid)


def _asked(url: str, key: str, body: bytes | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return dict(json.load(answer))


def _tree(pid: int) -> Iterator[Path]:
    """The folders in /proc of a process and all below it."""
    yield Path(f"/proc/{pid}")
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from _tree(int(child))


def _memory(pid: int) -> float:
    """MB of PSS of a process and all below it."""
    total = 0.0
    for folder in _tree(pid):
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3
    return total


def _processor(pid: int) -> float:
    """Seconds of a process, all below it, and those of theirs that have ended."""
    fields = [(at / "stat").read_text().rpartition(")")[2].split()[11:15] for at in _tree(pid)]
    return sum(int(ticks) for one in fields for ticks in one) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
