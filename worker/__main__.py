"""`python -m worker run|loop|replay|check`: sets the environment before NumPy loads, then works."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from hpsearch import logs, streams
from hpsearch.database_address import PROCESS
from hpsearch.errors import HpsearchError
from hpsearch.settings import Settings, complaints, load

MOST_PROCESSES = 1024
_log = logging.getLogger(__name__)
LASTING = ("run", "loop")  # commands that deploy/check.py watches
EXIT_BROKEN = 70  # as EX_SOFTWARE: no fault of settings or servers, start it again


def main(arguments: list[str] | None = None) -> int:
    """Run one of the worker's processes; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load()
        # The linear algebra counts its threads when NumPy loads, which has not happened yet.
        os.environ.update(settings.child_environment())
        if PROCESS in os.environ and options.command not in LASTING:
            # A replay beside a worker trains for minutes without a word, and is none of its pool.
            os.environ[PROCESS] += f"-{options.command}"
        logs.configure(settings.log_level, process=options.command)
        for sentence in complaints():
            logging.getLogger(__name__).warning(sentence)
        return int(options.start(settings, options))
    except HpsearchError as error:
        print(f"hpsearch: {error}", file=sys.stderr)  # noqa: T201  # a person started this process
        return error.exit_code


def _run(settings: Settings, options: argparse.Namespace) -> int:
    from celery.apps import worker as celery_worker

    from worker import tasks
    from worker.app import FINAL, JOBS, make

    app = make(settings)
    tasks.register(app, settings)
    # Celery says "worker: Warm shutdown" from within a signal's handler, past all logging.
    celery_worker.safe_say = lambda *_: None
    worker = app.Worker(
        quiet=True,
        pool_cls="prefork",
        concurrency=options.concurrency,
        queues=options.queues or f"{JOBS},{FINAL}",
        loglevel=settings.log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    # Not `app.worker_main`: it loses the exit code, and a worker that broke would look finished.
    worker.start()
    _log.info("stopped", extra={"pid": os.getpid()})
    return EXIT_BROKEN if worker.exitcode else 0


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
    run.add_argument(
        "--concurrency", type=_processes, default=os.cpu_count() or 1, metavar="N",
        help="processes that train, one for each core without it",
    )  # fmt: skip
    run.add_argument("--queues", type=_queues, help="jobs, final, or both (the default)")
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


def _processes(text: str) -> int:
    count = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= count <= MOST_PROCESSES:
        raise argparse.ArgumentTypeError(
            f"{text[:20]!r} is not a number of processes: 1 to {MOST_PROCESSES}"
        )
    return count


def _queues(text: str) -> str:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in ("jobs", "final")]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no queue {unknown[0][:40]!r}; there are jobs and final, or both as jobs,final"
        )
    return ",".join(names)


if __name__ == "__main__":
    sys.exit(streams.guard(main))
