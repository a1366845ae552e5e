"""Scores of the peers, kept in the repository: they cost hours, and a change of hpsearch moves none.

`python -m benchmarks.files.peer_scores --peers PYTHON` goes on where the last run ended, the smallest files
first. It runs each peer on the training and test rows that the product stores of a file's split.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.files import listed
from benchmarks.files.listed import File
from benchmarks.files.shuffled import MOST, stored_split
from hpsearch import errors
from hpsearch.data import LOCAL, DatasetStore
from hpsearch.settings import ONE_THREAD

STORED: Final = Path(__file__).with_name("peer_scores.json")
PEERS: Final = ("linear", "trees", "realmlp")
Key = tuple[str, int]


def stored(path: Path = STORED) -> Mapping[Key, Mapping[str, float]]:
    """Return the scores of the peers by file and split."""
    kept = json.loads(path.read_text())["scores"] if path.exists() else {}
    return {(file, int(split)): scores for file, by in kept.items() for split, scores in by.items()}


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.files.peer_scores", description=__doc__)
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    options.add_argument("--peers", type=Path, required=True, help="interpreter that has the peers")
    options.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--lay", action="store_true", help="write the peers' rows, and stop there")
    options.add_argument("--out", type=Path, default=STORED)
    options.add_argument("ids", nargs="*")
    chosen = options.parse_args()
    every = listed.files(chosen.ids)
    places = listed.fetch(every, chosen.cache)
    every.sort(key=lambda one: (min(one.rows, MOST), one.rows))
    with _peers(chosen.peers) as (process, versions):
        for split in chosen.splits:
            for file in every:
                known = dict(stored(chosen.out).get((file.id, split), {}))
                if len(known) == len(PEERS):
                    continue
                rows = chosen.cache / "rows" / f"{file.id}-{split}.npz"
                try:
                    known = _scores(lay(file, places[file.id], split, rows), process)
                except errors.HpsearchError as error:
                    print(file.id, split, str(error)[:200], flush=True)
                    continue
                print(file.id, split, known, flush=True)
                _keep(chosen.out, file.id, split, known, versions)


def lay(file: File, path: Path, split: int, rows: Path) -> Path:
    """Store a split as the service does, and write its parts for the peers to `rows`."""
    if rows.exists():
        return rows
    rows.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        store = DatasetStore(f"{home}/store", Path(home, "cache"), uploads=LOCAL)
        info = stored_split(store, file, path, split)
        parts = {
            name.removesuffix(".npy"): np.load(store.file(info, name))
            for name in ("train_x.npy", "train_y.npy", "test_x.npy", "test_y.npy")
        }
        is_word = [bool(c.levels) and c.kind == "category" for c in info.columns]
        parts["words"] = np.array(is_word or [False] * info.features)
        half = rows.with_suffix(".half.npz")
        np.savez(half, **parts)
        half.replace(rows)
    return rows


def _scores(rows: Path, process: subprocess.Popen[str]) -> dict[str, float]:
    return {name: round(_asked(process, f"{name} {rows}")["score"], 3) for name in PEERS}


@contextmanager
def _peers(interpreter: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start the process of the peers."""
    with subprocess.Popen(
        [str(interpreter), str(Path(__file__).with_name("peers.py"))],
        env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())


def _asked(process: subprocess.Popen[str], line: str) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def _keep(
    path: Path, file: str, split: int, scores: Mapping[str, float], versions: Mapping[str, str]
) -> None:
    """Add the scores of a split, one file a line."""
    before = json.loads(path.read_text()) if path.exists() else {"scores": {}}
    kept = before["scores"]
    kept.setdefault(file, {})[str(split)] = dict(scores)
    made = before.get("made", {}) | {
        "versions": dict(versions),
        "machine": f"{platform.machine()}, one thread, Python {platform.python_version()}",
        "arguments": "those of peers.py; RealMLP with tuned defaults, random_state 0",
        "rows": f"{MOST} at most, in the order of the split's seed",
    }
    lines = [f"    {json.dumps(one)}: {json.dumps(kept[one])}" for one in sorted(kept)]
    text = f'{{"made": {json.dumps(made, indent=2)},\n  "scores": {{\n' + ",\n".join(lines)
    new = path.with_suffix(".new")
    new.write_text(text + "\n  }\n}\n")
    new.replace(path)


if __name__ == "__main__":
    main()
