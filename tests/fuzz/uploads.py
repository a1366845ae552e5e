"""Hostile files, uploaded like any other."""

from __future__ import annotations

import httpx

from fuzz.files import hostile
from fuzz.outcome import Outcome
from fuzz.world import World

# Taken (some of what is odd can be trained on), or refused in one of these ways.
EXPECTED = frozenset({201, 400, 413, 415, 422})
NAME = "hostile"


def run(client: httpx.Client, world: World, *, files_wanted: int, number: int) -> Outcome:
    """Upload `files_wanted` files, drawn from seed `number`, as the owner."""
    outcome = Outcome("files")
    headers = {"Authorization": world.owner["Authorization"]}
    for file in hostile(number, files_wanted):
        answer = client.put(
            f"/api/v1/datasets/{NAME}",
            content=file.content,
            headers={**headers, "Content-Type": file.media_type},
        )
        outcome.answered(answer.status_code, f"{file.kind}: {answer.text[:200]}")
        if answer.status_code not in EXPECTED:
            outcome.problems.append(f"{answer.status_code} for {file.kind}: {answer.text[:300]}")
        elif answer.status_code != 201 and not answer.json().get("detail"):
            outcome.problems.append(f"{file.kind}: refused without a reason")
    return outcome
