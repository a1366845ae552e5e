"""`python -m worker replay`: one search again, for a person or a program to read."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from hpsearch.errors import Unavailable
from hpsearch.service import Services, replay

SHOWN = 20  # differences printed for a person


def run(services: Services, search_id: str, *, decisions: bool, as_json: bool) -> int:
    """Replay and print; 0 where everything agrees, 1 where something differs."""
    faults = {part: state for part, state in services.ready().items() if state != "ok"}
    if faults:
        raise Unavailable(
            "the database is not ready "
            f"({', '.join(f'{k}: {v}' for k, v in faults.items())}); "
            "replay reads it on the service's own machine: set HPSEARCH_HOME or DATABASE_URL"
        )
    if decisions:
        found = replay.decisions(services, search_id)
    else:
        found = replay.again(services, search_id, progress=None if as_json else _progress)
    if as_json:
        _print(json.dumps({**asdict(found), "agrees": not found.differences}))
        return 1 if found.differences else 0
    for difference in found.differences[:SHOWN]:
        _print(f"differs: {difference}")
    if len(found.differences) > SHOWN:
        _print(f"and {len(found.differences) - SHOWN} more differences")
    what = f"every decision and the draws of {found.trials} trials computed again"
    if not decisions:
        what = f"{found.trials} trials trained again"
    if found.differences:
        _print(f"search {search_id} does NOT agree with what is stored")
        return 1
    _print(f"search {search_id} agrees: {what}, digest {found.digest}")
    return 0


def _progress(number: int, epochs: int) -> None:
    print(f"round {number}, {epochs} epochs a trial ...", file=sys.stderr)  # noqa: T201  # for people


def _print(line: str) -> None:
    print(line)  # noqa: T201  # the command's answer
