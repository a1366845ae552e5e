"""`python -m benchmarks.files.compare`: whole searches with defaults, for the table beside the peers.

Each split is the file with its rows in another seeded order, uploaded with the parameters of the
list; the product seals a part of it by the content. `benchmarks.files.peer_scores` has the peers'
scores on the same training rows and the same test rows. Every score is a row of the repository, so
that a run goes on where the last one ended; a build whose answers differ begins a folder of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.files import here, listed
from benchmarks.files.halves import HALVES, within
from benchmarks.files.listed import File
from benchmarks.files.shuffled import MOST, shuffle, stored_split
from benchmarks.search.cache import Cache, Row
from hpsearch import errors
from hpsearch.client import Client
from hpsearch.data import LOCAL, DatasetStore

SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-2, "scale": "log"},
}
"""The space of the tutorial; all else is as the product has it."""
ROWS = Path(__file__).with_name("rows")
OURS = "ours"
_DIGITS = 4


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.files.compare", description=__doc__)
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    options.add_argument("--url", help="a running service; without one, the search runs here")
    options.add_argument("--key", type=Path, help="file with the key of the service")
    options.add_argument("--splits", type=int, nargs="+", default=[0])
    options.add_argument("--rows", type=Path, default=ROWS, help="folder of the rows")
    options.add_argument("--half", choices=HALVES, help="the files of one half")
    options.add_argument("ids", nargs="*")
    chosen = options.parse_args()
    every = within(listed.files(chosen.ids), chosen.half)
    places = listed.fetch(every, chosen.cache)
    rows = Cache(chosen.rows, OURS)
    search = _served if chosen.url else _here
    for split in chosen.splits:
        for file in sorted(every, key=lambda one: min(one.rows, MOST)):
            key = f"{file.id}/{split}"
            if key in rows.rows:
                continue
            try:
                row = rows.get(key, partial(search, file, places[file.id], split, chosen))
            except errors.HpsearchError as error:
                print(f"{key}: {str(error)[:300]}", flush=True)
            else:
                print(f"{key} {row['score']:.2f}, {row['cpu']} s", flush=True)


def _here(file: File, path: Path, split: int, chosen: argparse.Namespace) -> Row:
    """Search in this process, and return the sealed score of the recommended model."""
    with tempfile.TemporaryDirectory() as home:
        store = DatasetStore(f"{home}/store", Path(home, "cache"), uploads=LOCAL)
        info = stored_split(store, file, path, split)
        searched = here.search(store, info, {"dataset": file.id, "space": SPACE})
    return {"score": round(100 * searched.value(_metric(file)), _DIGITS)}


def _served(file: File, path: Path, split: int, chosen: argparse.Namespace) -> Row:
    """Search on a service, and return the sealed score of the recommended model."""
    key, name = chosen.key.read_text().strip(), f"{file.id}-{split}"
    with tempfile.TemporaryDirectory() as home, Client(chosen.url, key=key) as client:
        sent = shuffle(file, path, Path(home), seed=split, most=MOST)
        client.put_dataset(name, sent, **_named(file.words(dependent=False)))
        result = client.result(client.wait(client.submit({"dataset": name, "space": SPACE})))
    value = (result.test.metrics or {})[_metric(file)].value
    return {"score": round(100 * (float("nan") if value is None else value), _DIGITS)}


def _metric(file: File) -> str:
    return "accuracy" if file.task == "classification" else "r2"


def _named(words: dict[str, Any]) -> dict[str, Any]:
    """Return parameters under the names that the client has, which sends the file's own name."""
    named = {"kinds" if name == "kind" else name: value for name, value in words.items()}
    named.pop("filename")
    return named


if __name__ == "__main__":
    sys.exit(main())
