"""Results that are expensive to compute, as JSON lines: one file for each benchmark.

A line is appended when a search is done, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Cache:
    """Rows by key; `folder` None keeps them in memory only."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self.path = None if folder is None else folder / f"{name}.jsonl"
        self.rows: dict[str, Row] = {}
        if self.path is not None and self.path.exists():
            for line in self.path.read_text().splitlines():
                row = json.loads(line)
                self.rows[row["key"]] = row

    def get(self, key: str, compute: Callable[[], Row]) -> Row:
        """The row of `key`, computed with its CPU seconds if it is not there yet."""
        if key not in self.rows:
            started = time.process_time()
            row = {"key": key, **compute()}
            row["cpu"] = round(time.process_time() - started, 3)
            self.rows[key] = row
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a") as file:
                    file.write(json.dumps(row) + "\n")
        return self.rows[key]
