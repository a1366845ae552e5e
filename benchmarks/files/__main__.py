"""`python -m benchmarks.files`: fetch the listed files, upload each, and write what came of it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.files import listed, report
from benchmarks.files.compare import ROWS
from benchmarks.files.judge import Verdict, upload
from benchmarks.files.listed import File
from benchmarks.files.page import page, page_with_scores
from hpsearch.data import DatasetStore

_BELOW = "## Why"


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.files", description=__doc__)
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    options.add_argument("--out", type=Path, help="page to write; else it is printed")
    options.add_argument("--rows", type=Path, default=ROWS, help="folder of the product's scores")
    options.add_argument(
        "--scores", action="store_true", help="write the page's scores anew, alone"
    )
    options.add_argument("ids", nargs="*", help="some files alone")
    chosen = options.parse_args()
    every = listed.files(chosen.ids)
    compared = report.scores(every, chosen.rows, report.earlier())
    if chosen.scores and chosen.out:
        text = page_with_scores(chosen.out.read_text(), compared, _written(chosen.out))
    else:
        text = page(_uploaded(every, chosen.cache), compared, _written(chosen.out))
    print(text)
    if chosen.out:
        chosen.out.write_text(text)


def _uploaded(every: Sequence[File], cache: Path) -> list[Verdict]:
    places = listed.fetch(every, cache)
    with tempfile.TemporaryDirectory() as home:
        store = DatasetStore(f"{home}/store", Path(home, "cache"))
        return [upload(file, places[file.id], store) for file in every]


def _written(out: Path | None) -> str:
    """Return what people wrote below the tables of a page: the heading `_BELOW`, and on."""
    old = out.read_text() if out and out.exists() else ""
    at = old.find(_BELOW)
    return "" if at < 0 else "\n" + old[at:]


if __name__ == "__main__":
    main()
