"""`python -m benchmarks.files.compare`: whole searches with defaults, for the table beside the peers.

Each split is the file with its rows in another seeded order, uploaded with the parameters of the
list; the product seals a part of it by the content. `benchmarks.files.peer_scores` has the peers'
scores on the same training rows and the same test rows. Every result is kept on disk, so that a
run goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.files import here, listed
from benchmarks.files.halves import HALVES, within
from benchmarks.files.listed import File
from benchmarks.files.shuffled import MOST, shuffle, stored_split
from hpsearch import errors
from hpsearch.client import Client
from hpsearch.data import LOCAL, DatasetStore

SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
}
"""The space of the tutorial; all else is as the product has it."""


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.files.compare", description=__doc__)
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    options.add_argument("--url", help="a running service; without one, the search runs here")
    options.add_argument("--key", type=Path, help="file with the key of the service")
    options.add_argument("--splits", type=int, nargs="+", default=[0])
    options.add_argument(
        "--build", default="head", help="name of the product's build, for the cache"
    )
    options.add_argument("--half", choices=HALVES, help="the files of one half")
    options.add_argument("ids", nargs="*")
    chosen = options.parse_args()
    every = within(listed.files(chosen.ids), chosen.half)
    places = listed.fetch(every, chosen.cache)
    for split in chosen.splits:
        for file in sorted(every, key=lambda one: min(one.rows, MOST)):
            try:
                _one(file, places[file.id], split, chosen)
            except errors.HpsearchError as error:
                print(f"{file.id} {split}: {str(error)[:300]}", flush=True)


def _one(file: File, path: Path, split: int, chosen: argparse.Namespace) -> None:
    kept = chosen.cache / "results" / file.id / str(split) / f"ours-{chosen.build}.json"
    if kept.exists():
        return
    search = _served if chosen.url else _here
    answer = search(file, path, split, chosen)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(answer))
    print(file.id, split, {k: round(v, 2) for k, v in answer.items()}, flush=True)


def _here(file: File, path: Path, split: int, chosen: argparse.Namespace) -> dict[str, float]:
    """Search in this process, and return the sealed score of the recommended model."""
    with tempfile.TemporaryDirectory() as home:
        store = DatasetStore(f"{home}/store", Path(home, "cache"), uploads=LOCAL)
        info = stored_split(store, file, path, split)
        searched = here.search(store, info, {"dataset": file.id, "space": SPACE})
    return {"score": 100 * searched.value(_metric(file)), "seconds": searched.seconds}


def _served(file: File, path: Path, split: int, chosen: argparse.Namespace) -> dict[str, float]:
    """Search on a service, and return the sealed score of the recommended model."""
    key, name = chosen.key.read_text().strip(), f"{file.id}-{split}"
    with tempfile.TemporaryDirectory() as home, Client(chosen.url, key=key) as client:
        sent = shuffle(file, path, Path(home), seed=split, most=MOST)
        client.put_dataset(name, sent, **_named(file.words(dependent=False)))
        result = client.result(client.wait(client.submit({"dataset": name, "space": SPACE})))
    value = (result.test.metrics or {})[_metric(file)].value
    return {"score": 100 * (float("nan") if value is None else value)}


def _metric(file: File) -> str:
    return "accuracy" if file.task == "classification" else "r2"


def _named(words: dict[str, Any]) -> dict[str, Any]:
    """Return parameters under the names that the client has, which sends the file's own name."""
    named = {"kinds" if name == "kind" else name: value for name, value in words.items()}
    named.pop("filename")
    return named


if __name__ == "__main__":
    sys.exit(main())
