"""`python -m benchmarks.files.compare`: whole searches with defaults against peers, on the same rows.

Each split is the file with its rows in another seeded order, uploaded with the parameters of the
list; the product seals a part of it by the content. The peers get the same training rows and the
same test rows, columns by columns as the product stored them. Every result is kept on disk, so
that a run goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.files import listed
from benchmarks.files.listed import File
from benchmarks.files.shuffled import shuffle
from hpsearch import errors
from hpsearch.client import Client
from hpsearch.data import DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.settings import ONE_THREAD

SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
}
"""The space of the tutorial; all else is as the product has it."""

MOST = 3000  # rows
PEERS = ("linear", "trees", "realmlp")


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.files.compare", description=__doc__)
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    options.add_argument("--url", help="a running service; without one, peers alone")
    options.add_argument("--key", type=Path, help="file with the key of the service")
    options.add_argument("--peers", type=Path, help="interpreter with scikit-learn and pytabkit")
    options.add_argument("--splits", type=int, nargs="+", default=[0])
    options.add_argument(
        "--build", default="head", help="name of the product's build, for the cache"
    )
    options.add_argument("ids", nargs="*")
    chosen = options.parse_args()
    every = listed.files(chosen.ids)
    places = listed.fetch(every, chosen.cache)
    for split in chosen.splits:
        for file in sorted(every, key=lambda one: places[one.id].stat().st_size):
            try:
                _one(file, places[file.id], split, chosen)
            except errors.HpsearchError as error:
                print(f"{file.id} {split}: {str(error)[:300]}", flush=True)


def _one(file: File, path: Path, split: int, chosen: argparse.Namespace) -> None:
    results = chosen.cache / "results" / file.id / str(split)
    wanted = [name for name in PEERS if chosen.peers and not (results / f"{name}.json").exists()]
    ours = results / f"ours-{chosen.build}.json"
    search = bool(chosen.url) and not ours.exists()
    if not wanted and not search:
        return
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        sent = shuffle(file, path, Path(home, "file"), seed=split, most=MOST)
        words = file.words(dependent=False)
        words["filename"] = sent.name
        if wanted:
            rows = _rows(sent, words, Path(home))
            for name in wanted:
                _keep(file, split, results / f"{name}.json", _peer(name, rows, chosen.peers))
        if search:
            _keep(file, split, ours, _search(file, sent, words, split, chosen))


def _keep(file: File, split: int, path: Path, answer: dict[str, Any]) -> None:
    path.write_text(json.dumps(answer))
    print(file.id, split, path.stem, {k: round(v, 2) for k, v in answer.items()}, flush=True)


def _rows(sent: Path, words: dict[str, Any], home: Path) -> Path:
    """Store the file as the service does, and write its parts for the peers."""
    store = DatasetStore(str(home / "store"), home / "cache")
    info = store.ingest_upload(sent, "application/octet-stream", reading_of(words))
    parts = {
        name.removesuffix(".npy"): np.load(store.file(info, name))
        for name in ("train_x.npy", "train_y.npy", "test_x.npy", "test_y.npy")
    }
    is_word = [bool(c.levels) and c.kind == "category" for c in info.columns]
    parts["words"] = np.array(is_word or [False] * info.features)
    np.savez(home / "rows.npz", **parts)
    return home / "rows.npz"


def _peer(name: str, rows: Path, interpreter: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("peers.py")
    environment = os.environ | dict.fromkeys(ONE_THREAD, "1")
    done = subprocess.run(
        [str(interpreter), str(script), name, str(rows)],
        env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _search(
    file: File, sent: Path, words: dict[str, Any], split: int, chosen: argparse.Namespace
) -> dict[str, Any]:
    """Upload, search with defaults, and return the sealed score of the recommended model."""
    key = chosen.key.read_text().strip()
    name = f"{file.id}-{split}"
    spec: dict[str, Any] = {"dataset": name, "space": SPACE}
    with Client(chosen.url, key=key) as client:
        client.put_dataset(name, sent, **_named(words))
        status = client.submit(spec)
        status = client.wait(status)
        result = client.result(status)
    metric = "accuracy" if file.task == "classification" else "r2"
    metrics = result.test.metrics or {}
    value = metrics[metric].value
    return {"score": 100 * (float("nan") if value is None else value)}


def _named(words: dict[str, Any]) -> dict[str, Any]:
    """Return parameters under the names that the client has, which sends the file's own name."""
    named = {"kinds" if name == "kind" else name: value for name, value in words.items()}
    named.pop("filename")
    return named


if __name__ == "__main__":
    sys.exit(main())
