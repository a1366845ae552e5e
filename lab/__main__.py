"""`python -m lab`: the environment comes first, then NumPy, then the experiments."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch import streams
from hpsearch.cli import INTERRUPTED
from hpsearch.errors import HpsearchError, InvalidRequest
from hpsearch.settings import Settings, load

if TYPE_CHECKING:
    from lab.report import Done


def main(arguments: list[str] | None = None) -> int:
    """Run experiments, write the report; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load()
        # The linear algebra counts its threads when NumPy loads, which has not happened yet.
        os.environ.update(settings.child_environment())
        return _run(settings, options)
    except HpsearchError as error:
        _say(f"hpsearch: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(settings: Settings, options: argparse.Namespace) -> int:
    from lab import data, report, running

    names = running.chosen(options.only)
    output: Path = options.output
    if not output.absolute().parent.is_dir():
        raise InvalidRequest(f"{output} cannot be written: its folder does not exist")
    started = time.perf_counter()
    mnist = None if options.quick else data.find_mnist(settings)
    with tempfile.TemporaryDirectory(prefix="hpsearch-lab-") as folder:
        dataset = data.store(Path(folder), mnist)
        words = report.described(dataset.open())
        _say(f"{len(names)} experiments on {dataset.name}")
        done = running.run_all(
            names, dataset, options.seed,
            quick=options.quick, processes=os.cpu_count() or 1, on_done=_report_done,
        )  # fmt: skip
    date = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores {platform.machine()}"
    setting = report.Setting(date, machine, words, options.seed, options.quick)
    try:
        output.write_text(report.html(setting, done), encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{output} cannot be written: {error.strerror}") from error
    seconds = time.perf_counter() - started
    if options.json:
        contents = report.to_json(setting, done)
        print(json.dumps({"output": str(output), "seconds": round(seconds, 1), **contents}))  # noqa: T201
    else:
        _table(done)
        print(f"{output}: {len(done)} experiments in {seconds:.0f} s")  # noqa: T201
    return 0


def _report_done(one: Done) -> None:
    _say(f"  {one.name}: {one.seconds:.1f} s")


def _table(done: list[Done]) -> None:
    """Every claim with its verdict, as text."""
    for one in done:
        for finding in one.findings:
            print(f"{one.name:16} {finding.verdict:14} {finding.claim}")  # noqa: T201


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # progress is for people


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="small samples of digits")
    parser.add_argument("--output", type=Path, default=Path("lab.html"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(streams.guard(main))
