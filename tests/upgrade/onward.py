"""Runs the searches of an old database to their end, and prints what came of them.

    python -P -m upgrade.onward HOME DATABASE_URL [HELD] > OUTCOME

`HELD` is, as JSON, the trial that a trainer of the old build holds; without it the searches have
ended and are read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golden.inside import Inside, inside
from golden.play import ENDED, Trainer, rounds_of, work
from support.waiting import until

from hpsearch.errors import Conflict

# Whoever held a job is gone, and it need not be waited for.
QUICK = {"heartbeat_seconds": 0.05, "tick_seconds": 0.05, "retry_seconds": 0.0}


def ids(service: Inside) -> dict[str, str]:
    """The searches by their names."""
    return {s["name"]: s["id"] for s in service.call("GET", "/searches?limit=100")["items"]}


def onward(service: Inside, held: Mapping[str, Any]) -> dict[str, Any]:
    """Resume what is paused and run every search to its end."""
    searches = ids(service)
    trainer = Trainer(service, held["search"], order=held, epoch=1)
    trainer.finish()  # under the lease that the old build gave
    service.call("POST", f"/searches/{searches['paused']}/resume")

    def over() -> bool:
        service.reap()
        service.advance()
        work(service, [])
        work(service, [trainer])
        states = [service.call("GET", f"/searches/{one}")["state"] for one in searches.values()]
        return all(state in ENDED for state in states)

    until(over, seconds=200, what="the end of every old search")
    return told(service)


def told(service: Inside) -> dict[str, Any]:
    """What users are told of searches that have ended."""
    searches = ids(service)
    results = {
        name: service.call("GET", f"/searches/{search}/result") for name, search in searches.items()
    }
    return {
        "states": {name: result["state"] for name, result in results.items()},
        "digests": {name: result["digest"] for name, result in results.items()},
        "withheld": {name: result["digest_reason"] for name, result in results.items()},
        "reasons": {name: reasons(service, search) for name, search in searches.items()},
    }


def reasons(service: Inside, search: str) -> list[dict[str, str]]:
    """The reason of every decision of a search as it is shown, by round."""
    return [
        {name: d["reason"] for name, d in r["decisions"].items()}
        for r in rounds_of(service, search)
    ]


def replayed(service: Inside) -> dict[str, list[str]]:
    """Words of replays on every decision and on old training: differences, or a refusal."""
    return {
        f"{name}, {'training' if training else 'decisions'}": _replayed(service, search, training)
        for name, search in ids(service).items()
        for training in (False, True)
    }


def _replayed(service: Inside, search: str, training: bool) -> list[str]:
    try:
        return service.replayed(search, training=training)
    except Conflict as refused:
        return [str(refused)]


def main() -> None:
    """Run to the end and replay, or read alone, and print what came of it."""
    home, url, *held = sys.argv[1:]
    with inside(Path(home), database_url=url, **QUICK) as service:
        if held:
            outcome = {**onward(service, json.loads(held[0])), "replayed": replayed(service)}
        else:
            outcome = told(service)
    json.dump(outcome, sys.stdout)


if __name__ == "__main__":
    main()
