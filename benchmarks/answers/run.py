"""Computes the rows that are missing, in the order of the list; goes on where it stopped.

    python -m benchmarks.answers.run [--only defaults,worse,nulls,conditional] [--venvs DIR] [--until HH:MM]

`--until` (UTC) begins no search after that time.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # before NumPy loads

from benchmarks.answers import conditional, defaults, listed, nulls, worse  # noqa: E402
from benchmarks.answers.tables import Tables  # noqa: E402
from benchmarks.search.cache import Cache, Row  # noqa: E402
from benchmarks.search.peers.run import late  # noqa: E402

ROWS = Path(__file__).with_name("rows")
PARTS = ("defaults", "worse", "nulls", "conditional")


def searches(part: str, tables: Tables, venvs: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """The searches of a part in their order: the key of the row, and what computes it."""
    if part == "defaults":
        for table, seed in listed.defaults():
            yield f"{table}/{seed}", partial(defaults.searched, tables, table, seed)
    elif part == "worse":
        for seed in (*range(len(listed.LOOKED_AT), listed.SEEDS), *listed.LOOKED_AT):
            for table in listed.TABLES:
                yield f"{table}/{seed}", partial(worse.searched, tables, table, seed)
    elif part == "nulls":
        for kind, table, seed in listed.nulls():
            yield f"{kind}/{table}/{seed}", partial(nulls.searched, tables, kind, table, seed)
    else:
        for one, problem, seed in listed.conditional():
            if one == listed.OURS or conditional.installed(venvs, one):
                compute = partial(conditional.searched, tables, venvs, one, problem, seed)
                yield f"{one}/{problem}/{seed}", compute


def main() -> None:
    """Everything that is missing, or what is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(PARTS), help="comma-separated: %(default)s")
    parser.add_argument("--rows", type=Path, default=ROWS, help="folder of the rows")
    parser.add_argument("--cache", type=Path, default=Path("var/files"), help="of public files")
    parser.add_argument("--venvs", type=Path, default=Path("var/bench/venvs"),
                        help="folder of benchmarks.search.peers.install")  # fmt: skip
    parser.add_argument("--until", metavar="HH:MM", help="UTC")
    asked = parser.parse_args()
    parts = [name for name in asked.only.split(",") if name]
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    warnings.filterwarnings("ignore")  # the peer's own
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="hpsearch-bench-") as home:
        tables = Tables(Path(home), asked.cache)
        for part in parts:
            store = Cache(asked.rows, part)
            for key, compute in searches(part, tables, asked.venvs):
                if key in store.rows:
                    continue
                if late(asked.until):
                    return
                row = store.get(key, compute)
                print(f"{part} {key} {row['cpu']} s", flush=True)


if __name__ == "__main__":
    main()
