"""Seeded plans: which fault comes when. The same seed gives the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from chaos.faults import FAULTS
from chaos.world import POOLED, POSTGRESQL


class Step(NamedTuple):
    """Wait `gap` seconds, then strike."""

    gap: float
    fault: str


# How often each fault comes in a run on one store: in the full harness, and in the short one.
FULL: Mapping[str, int] = {
    "worker killed": 45,
    "pool child killed": 50,
    "worker's leader killed": 5,
    "killed after claim": 3,
    "killed before finish": 5,
    "killed after finish": 5,
    "killed at COMMIT": 8,
    "frozen before finish": 12,
    "frozen in training": 6,
    "worker frozen": 3,
    "loop killed": 14,
    "coordinator killed before write": 4,
    "coordinator killed before publish": 8,
    "publisher killed before mark": 8,
    "coordinator frozen before write": 3,
    "broker killed": 20,
    "broker flaps": 4,
    "broker frozen": 1,
    "broker demoted": 20,
    "broker busy": 20,
    "broker's disk full": 10,
    "hints forged": 20,
    "broker reset": 3,
    "broker half-open": 1,
    "broker black hole": 1,
    "broker delay": 2,
    "broker cut": 3,
}
FULL_POSTGRESQL: Mapping[str, int] = {
    "PostgreSQL killed": 20,
    "database outage": 1,
    "cut before COMMIT": 10,
    "cut after COMMIT": 10,
    "database reset": 5,
    "database half-open": 1,
    "database black hole": 2,
    "database delay": 2,
    "database cut": 5,
}
FULL_POOLED: Mapping[str, int] = {
    "pooler restarted": 20,
    "PostgreSQL killed": 5,
    "cut before COMMIT": 5,
    "cut after COMMIT": 5,
    "database reset": 5,
    "database black hole": 1,
    "frozen before finish": 4,
    "pool child killed": 10,
    "worker killed": 10,
    "killed at COMMIT": 5,
    "coordinator killed before publish": 3,
    "loop killed": 5,
}
SHORT: Mapping[str, int] = {
    "worker killed": 2,
    "pool child killed": 2,
    "killed at COMMIT": 1,
    "killed after finish": 1,
    "frozen before finish": 2,
    "frozen in training": 1,
    "loop killed": 1,
    "coordinator killed before publish": 1,
    "publisher killed before mark": 1,
    "coordinator frozen before write": 1,
    "broker killed": 1,
    "broker reset": 1,
    "broker demoted": 1,
    "broker busy": 1,
    "broker's disk full": 1,
    "hints forged": 3,
}
SHORT_POSTGRESQL: Mapping[str, int] = {
    "PostgreSQL killed": 1,
    "cut before COMMIT": 1,
    "cut after COMMIT": 1,
    "database reset": 1,
}
SHORT_POOLED: Mapping[str, int] = {
    "pooler restarted": 2,
    "worker killed": 1,
    "killed at COMMIT": 1,
    "cut after COMMIT": 1,
    "PostgreSQL killed": 1,
}
# What the mutant cannot survive: zombies that come back while their round is open.
FREEZES: Mapping[str, int] = {"frozen before finish": 8, "frozen in training": 2}


def plan(
    seed: int, store: str, *, short: bool = False, only: Mapping[str, int] | None = None
) -> list[Step]:
    """The steps of one run.

    From the middle on there are two coordinators.
    """
    rng = Random(f"{seed} {store}")
    if only is not None:
        counts = dict(only)
    elif store == POOLED:
        counts = dict(SHORT_POOLED if short else FULL_POOLED)
    else:
        counts = dict(SHORT if short else FULL)
        if store == POSTGRESQL:
            counts |= SHORT_POSTGRESQL if short else FULL_POSTGRESQL
    unknown = counts.keys() - FAULTS.keys()
    assert not unknown, unknown
    names = [name for name, count in counts.items() for _ in range(count)]
    rng.shuffle(names)
    if only is None:
        names.insert(len(names) // 2, "second coordinator")
    return [Step(round(rng.uniform(0.1, 0.7), 2), name) for name in names]


def listing(steps: list[Step]) -> str:
    """The plan for people, as many steps to a line as fit."""
    lines, line = [], " "
    for step in steps:
        word = f" +{step.gap:.1f} {step.fault};"
        if len(line) + len(word) > 110:
            lines.append(line)
            line = " "
        line += word
    return "\n".join([*lines, line])
