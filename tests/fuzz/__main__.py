"""`python -m fuzz`: all suites, a table, exit code 1 on a broken invariant."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from api import create_app
from fuzz import contract, raw, server, uploads
from fuzz.outcome import HEAD, SHOWN, Outcome
from fuzz.world import World
from hpsearch import logs
from hpsearch.settings import load
from hpsearch.wiring import build

GROWTH_BYTES = 200_000_000
WARM_REQUESTS = 200  # before memory is measured: everything is imported by then


def main() -> int:
    """Run the suites; what they count is printed, whatever happens."""
    options = _options()
    logs.configure("error", process="fuzz")
    with tempfile.TemporaryDirectory(prefix="hpsearch-fuzz-") as folder:
        home = Path(folder)
        settings = server.environment(home)
        os.environ.update(settings)
        with server.running(home, settings) as api, build(load()) as services:
            return _run(api, World(services, home), options)


def _run(api: server.Server, world: World, options: argparse.Namespace) -> int:
    # In this process, without a socket: twice as many requests for the time, and every byte
    # that the generator itself takes counts as growth.
    app = create_app(world.services, world.services.settings)
    schema = contract.document(app)
    contract.run(schema, world, requests_wanted=WARM_REQUESTS, number=options.seed + 1)
    ours, theirs, began = server.resident(os.getpid()), api.resident(), time.monotonic()
    outcomes: list[Outcome] = []
    print(f"seed {options.seed}\n{HEAD}", flush=True)
    with httpx.Client(base_url=api.url, timeout=120) as client:
        suites: list[Callable[[], Outcome]] = [
            lambda: contract.run(
                schema, world, requests_wanted=options.requests, number=options.seed
            ),
            lambda: raw.run(api.address, world, requests_wanted=options.raw, number=options.seed),
            lambda: uploads.run(client, world, files_wanted=options.files, number=options.seed),
        ]
        for suite in suites:
            outcomes.append(suite())
            print(outcomes[-1].row(), flush=True)
    growth = {
        "in process": server.resident(os.getpid()) - ours,
        "server": api.resident() - theirs,
    }
    faults = api.faults()
    grown = ", ".join(f"{name} {size / 1e6:+.1f} MB" for name, size in growth.items())
    print(
        f"{time.monotonic() - began:.0f} s; memory {grown} (limit {GROWTH_BYTES / 1e6:.0f}); "
        f"faults in the log {len(faults)}; {'alive' if api.answers() else 'DEAD'}"
    )
    problems = [f"{o.name}: {problem}" for o in outcomes for problem in o.problems]
    for line in [*problems[:SHOWN], *faults[:SHOWN]]:
        print(f"  {line}")
    broken = problems or faults or max(growth.values()) > GROWTH_BYTES or not api.answers()
    return int(bool(broken))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="from the OpenAPI document")
    parser.add_argument("--raw", type=int, default=2_000, help="raw requests on a socket")
    parser.add_argument("--files", type=int, default=500, help="hostile files")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
