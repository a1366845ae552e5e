"""`python -m worker run|loop|replay|check`: sets the environment before NumPy loads, then works."""

from __future__ import annotations

import argparse
import os
import sys

from hpsearch import logs
from hpsearch.errors import HpsearchError
from hpsearch.settings import Settings, load


def main(arguments: list[str] | None = None) -> int:
    """Run one of the worker's processes; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load()
        # The linear algebra counts its threads when NumPy loads, which has not happened yet.
        os.environ.update(settings.child_environment())
        logs.configure(settings.log_level, process=options.command)
        return int(options.start(settings, options))
    except HpsearchError as error:
        print(f"hpsearch: {error}", file=sys.stderr)  # noqa: T201  # a person started this process
        return error.exit_code


def _run(settings: Settings, options: argparse.Namespace) -> int:
    from worker import tasks
    from worker.app import FINAL, JOBS, make

    app = make(settings)
    tasks.register(app, settings)
    app.worker_main(
        ["worker", "--pool=prefork", f"--concurrency={options.concurrency}",
         f"--queues={options.queues or f'{JOBS},{FINAL}'}", f"--loglevel={settings.log_level}",
         "--without-gossip", "--without-mingle", "--without-heartbeat"]
    )  # fmt: skip
    return 0


def _loop(settings: Settings, options: argparse.Namespace) -> int:
    from hpsearch.wiring import build
    from worker import loop

    with build(settings) as services:
        loop.run(services)
    return 0


def _replay(settings: Settings, options: argparse.Namespace) -> int:
    from hpsearch.wiring import build
    from worker import replay

    with build(settings) as services:
        return replay.run(services, options.id, decisions=options.decisions, as_json=options.json)


def _check(settings: Settings, options: argparse.Namespace) -> int:
    from worker import check

    return check.run(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train jobs")
    run.add_argument("--concurrency", type=int, default=os.cpu_count() or 1, metavar="N")
    run.add_argument("--queues", help="jobs, final, or both (the default)")
    run.set_defaults(start=_run)
    loop = commands.add_parser("loop", help="decide, publish, take back what was lost")
    loop.set_defaults(start=_loop)
    replay = commands.add_parser("replay", help="train a completed search again and compare")
    replay.add_argument("id")
    replay.add_argument(
        "--decisions", action="store_true", help="recompute decisions, train nothing"
    )
    replay.add_argument("--json", action="store_true")
    replay.set_defaults(start=_replay)
    check = commands.add_parser("check", help="can a worker work here? JSON for hpsearch doctor")
    check.set_defaults(start=_check)
    return parser


if __name__ == "__main__":
    sys.exit(main())
