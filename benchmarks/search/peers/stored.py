"""The peers' rows: one JSON file for each peer, a search a line, made to be read in a diff.

A row belongs to a version of its package. Rows of another version, or of other arguments, are not
used: they are computed anew.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.search.peers.install import wanted
from benchmarks.search.peers.listed import BY_KEY, Job, Peer

ROWS = Path(__file__).with_name("rows")
DIGITS = 6  # decimals of an accuracy that are kept
SHOWN = ("numpy", "scipy", "torch", "scikit-learn", "botorch", "gpytorch", "ConfigSpace")

Key = tuple[str, float, int | str, int]  # problem, noise, task, seed


def key_of(job: Job) -> Key:
    """The key of a search among those of its contender."""
    return job.problem, job.noise, job.task, job.seed


@dataclass
class PeerRows:
    """A peer's searches: true values of its recommendations, with what made them.

    head
        Package, version, arguments, threads, machine, and the versions of what it computes with.
    rows
        Key -> values (budgets,), trials, CPU seconds and date.
    failed
        Key -> the error that ended the search.
    """

    peer: Peer
    head: dict[str, Any]
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    failed: dict[Key, str] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, folder: Path = ROWS) -> PeerRows:
        """The stored rows of a peer; none where they belong to other requirements or arguments."""
        peer, path = BY_KEY[key], folder / f"{key}.json"
        empty = cls(peer, asked_of(peer))
        if not path.exists():
            return empty
        data = json.loads(path.read_text())
        if any(data.get(name) != value for name, value in empty.head.items()):
            return empty
        head = {k: v for k, v in data.items() if k not in ("rows", "failed")}
        rows = {
            (problem, noise, task, seed): {
                "values": values,
                "trials": trials,
                "cpu": cpu,
                "date": date,
            }
            for problem, noise, task, seed, values, trials, cpu, date in data["rows"]
        }
        failed = {tuple(line[:4]): line[4] for line in data["failed"]}
        return cls(peer, head, rows, failed)

    def add(self, job: Job, result: Mapping[str, Any]) -> None:
        """Keep the result of a search."""
        versions = result["versions"]
        self.head["version"] = versions.get(self.peer.package) if self.peer.package else None
        self.head["with"] = {name: versions[name] for name in SHOWN if name in versions}
        self.head["machine"], self.head["python"] = machine(), platform.python_version()
        self.rows[key_of(job)] = {
            "values": rounded(result["values"]), "trials": result["trials"], "cpu": result["cpu"],
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
        }  # fmt: skip

    def write(self, folder: Path = ROWS) -> None:
        """Write the file, rows in order."""
        lines = [
            json.dumps([*key, row["values"], row["trials"], row["cpu"], row["date"]])
            for key, row in sorted(self.rows.items(), key=lambda item: str(item[0]))
        ]
        failed = [
            json.dumps([*key, reason]) for key, reason in sorted(self.failed.items(), key=str)
        ]
        head = json.dumps(self.head, indent=1)[2:-2]
        body = ",\n  ".join(lines)
        bad = ",\n  ".join(failed)
        text = f'{{\n{head},\n "rows": [\n  {body}\n ],\n "failed": [\n  {bad}\n ]\n}}\n'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.peer.key}.json").write_text(text)


def rounded(values: list[float]) -> list[float]:
    """Accuracies as they are stored."""
    return [round(value, DIGITS) for value in values]


def asked_of(peer: Peer) -> dict[str, Any]:
    """What a row depends on: a file with another head is of no use."""
    requirements = [] if peer.venv is None else list(wanted()[peer.venv])
    return {
        "peer": peer.name, "package": peer.package, "requirements": requirements,
        "arguments": dict(peer.arguments), "threads": 1,
    }  # fmt: skip


@cache
def machine() -> str:
    """The processor, in words."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (
        f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()
    )
