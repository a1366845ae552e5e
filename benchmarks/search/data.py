"""The folder of the benchmark data: HPSEARCH_BENCH_DATA, or `shared/data` beside the project."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def folder(name: str) -> Path:
    """The folder `name` of the benchmark data; SystemExit says how to get it."""
    root = Path(os.environ.get("HPSEARCH_BENCH_DATA", PROJECT.parent / "shared" / "data"))
    if not (root / name).is_dir():
        raise SystemExit(f"no {name}/ in {root}; point HPSEARCH_BENCH_DATA at the benchmark data")
    return root / name
