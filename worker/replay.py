"""`python -m worker replay`: a search trained again, with its differences for people or programs."""

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
        outcome = replay.decisions(services, search_id)
    else:
        outcome = replay.again(services, search_id, progress=None if as_json else _progress)
    if as_json:
        _print(json.dumps({**asdict(outcome), "agrees": not outcome.differences}))
        return 1 if outcome.differences else 0
    for difference in outcome.differences[:SHOWN]:
        _print(f"differs: {difference}")
    if len(outcome.differences) > SHOWN:
        _print(f"and {len(outcome.differences) - SHOWN} more differences")
    summary = f"every decision and the draws of {outcome.trials} trials computed again"
    if not decisions:
        summary = f"{outcome.trials} trials trained again"
    if outcome.differences:
        _print(f"search {search_id} does NOT agree with what is stored")
        return 1
    _print(f"search {search_id} agrees: {summary}, digest {outcome.digest}")
    if outcome.statement is not None:
        _print(f"its statement agrees byte for byte, SHA-256 of the Markdown {outcome.statement}")
    return 0


def _progress(number: int, epochs: int) -> None:
    print(f"round {number}, {epochs} epochs a trial ...", file=sys.stderr)  # noqa: T201  # for people


def _print(line: str) -> None:
    print(line)  # noqa: T201  # the command's answer
