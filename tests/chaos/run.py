"""One run from the first search to the verdict."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.checker import check

from chaos.faults import strike
from chaos.plan import Step
from chaos.world import Missed, World
from chaos.world import world as worlds
from hpsearch.errors import Unavailable

SETTLE_SECONDS = 180.0  # within which every search must end once the faults have stopped
DRAIN_SECONDS = 120.0  # for all replayed hints to be read
EARS_SECONDS = 60.0  # for all workers to listen once it is quiet
RESUME_SECONDS = 5.0  # from a server's cure to the next claim, times the yardstick
# What only a broker that refuses can have done to a process, in the words of its log.
REFUSED = re.compile(r"Unrecoverable error.*|^redis\.exceptions\.\w+: .*", re.MULTILINE)
REFUSALS = re.compile(r"ReadOnlyError|ResponseError|READONLY|MISCONF|BUSY")

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What came of a run: figures for the table, and every broken invariant."""

    store: str
    figures: dict[str, object] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def run(
    store: str,
    steps: Sequence[Step],
    *,
    seed: int,
    data_url: str,
    expected: Mapping[str, str | None],
    say: Say,
    mutants: Sequence[str] = (),
    settle: float = SETTLE_SECONDS,
    seconds: float = math.inf,
    keep: bool = False,
) -> Outcome:
    """Carry out a plan, let everything end, replay every hint, and look at what is left.

    No fault comes after `seconds`, however much of the plan is left: the machine is slow.
    """
    outcome = Outcome(store)
    started = time.monotonic()
    # A mutant shows where a zombie writes before its job's next attempt has closed the round.
    with worlds(
        store, seed=seed, data_url=data_url, mutants=mutants, eager=bool(mutants), keep=keep
    ) as world:
        say(f"{store}: logs in {world.folder}")
        with suppress(Missed):
            world.until(world.busy, 60.0)
        for number, step in enumerate(steps, start=1):
            if time.monotonic() - started > seconds:
                say(f"{store}: {number - 1} of {len(steps)} faults, the time is over")
                break
            world.wait(step.gap)
            strike(world, step.fault)
            if number % 25 == 0:
                say(f"{store}: {number} of {len(steps)} faults, {time.monotonic() - started:.0f} s")
        world.workload.stopping = True
        world.wake_all()
        try:
            world.until(lambda: not world.workload.open, settle)
        except Missed:
            outcome.broken.append(f"{len(world.workload.open)} searches did not end")
        if not mutants:
            _all_ears(world, outcome)
            _replay(world, outcome)
        for name, gone in world.fleet.stop().items():
            if not gone:
                outcome.broken.append(f"{name} did not leave when it was asked to")
        world.fleet.close()
        report = check(
            world.services.store.engines.url.render_as_string(hide_password=False),
            expected_digests=expected, home=world.services.settings.home, replan=not mutants,
        )  # fmt: skip
        outcome.broken += report.violations
        outcome.broken += [f"left behind: {path}" for path in _left(world.folder / "tmp")]
        outcome.broken += _late(world)
        outcome.broken += _ended_by_refusals(world)
        outcome.faults = world.counts
        outcome.figures = _figures(world, outcome, time.monotonic() - started)
    return outcome


def _all_ears(world: World, outcome: Outcome) -> None:
    """Every worker waits for hints: one that lives and does not listen would never be missed."""
    workers = sum(name.startswith("worker") for name in world.fleet.members)
    try:
        world.until(lambda: world.listening() == workers, EARS_SECONDS)
    except Missed:
        outcome.broken.append(f"{world.listening()} of {workers} workers listen to the broker")


def _replay(world: World, outcome: Outcome) -> None:
    """Every hint of the run once more: the database must not change by a single row."""
    before = _state(world)
    with world.to_redis() as client:
        world.traffic.replay(client)
    try:
        world.until(lambda: world.queued() == 0, DRAIN_SECONDS)
    except Missed:
        outcome.broken.append(f"{world.queued()} replayed hints were not read")
    world.wait(0.5)  # the last ones are being looked at
    if (after := _state(world)) != before:
        outcome.broken.append(f"replayed hints changed {before} to {after}")


def _state(world: World) -> list[tuple[object, ...]]:
    """What no stale hint may change: every job's fields, and how much history there is."""
    ask = world.workload.ask
    return [
        tuple(ask("SELECT count(*), max(id) FROM event")[0]),
        tuple(ask("SELECT sum(revision), count(*) FROM search")[0]),
        tuple(ask("SELECT count(*), sum(attempt), sum(losses), sum(heartbeats) FROM job")[0]),
    ]


def _late(world: World) -> Iterator[str]:
    """Every cure after which the service took longer to go on than the machine excuses."""
    for one in world.resumed:
        bound = RESUME_SECONDS * world.yardstick.over(one.cured, one.claimed)
        if one.seconds > bound:
            yield (
                f"{one.what}: the next hint was claimed after {one.seconds:.2f} s, "
                f"{bound:.2f} s are allowed"
            )


def _ended_by_refusals(world: World) -> Iterator[str]:
    """Every process that ended, or spoke in tracebacks, because the broker said no."""
    for member in world.fleet.members.values():
        for line in REFUSED.findall(world.fleet.log(member).read_text(errors="replace")):
            if REFUSALS.search(line):
                yield f"{member.name}: {line[:200]}"


def _left(folder: Path) -> list[Path]:
    """Temporary files; not the empty folder that Python's pools make for each killed worker."""
    return sorted(
        path
        for path in folder.iterdir()
        if not (path.name.startswith("pymp-") and path.is_dir() and not any(path.iterdir()))
    )


def _figures(world: World, outcome: Outcome, seconds: float) -> dict[str, object]:
    """The counters of the table, from the history."""
    ask = world.workload.ask
    with suppress(Unavailable):
        kinds = {row[0]: row[1] for row in ask("SELECT kind, count(*) FROM event GROUP BY kind")}
    traffic = world.traffic.counts
    resumed = [one.seconds for one in world.resumed]
    stretched = [world.yardstick.over(one.cured, one.claimed) for one in world.resumed]
    double = ask(
        "SELECT count(*) FROM (SELECT job_id FROM event WHERE kind = 'done' "
        "GROUP BY job_id HAVING count(*) > 1) AS twice"
    )[0][0]
    lost = ask("SELECT count(*) FROM trial WHERE state IN ('pending', 'failed')")[0][0]
    return {
        "seconds": round(seconds),
        "faults": sum(n for name, n in world.counts.items() if "missed" not in name),
        "searches": len(world.workload.names),
        "jobs": ask("SELECT count(*) FROM job")[0][0],
        "trials": ask("SELECT count(*) FROM trial")[0][0],
        "claims": kinds.get("claimed", 0),
        "reaped": kinds.get("lost", 0),
        "fenced": kinds.get("fenced", 0),
        "hints published": traffic["published"],
        "hints duplicated": traffic["duplicated"],
        "hints dropped": traffic["dropped"],
        "hints forged": traffic["forged"],
        "hints replayed": traffic["replayed"],
        "process starts": sum(m.starts for m in world.fleet.members.values()),
        "advances": kinds.get("advanced", 0),
        "finals": kinds.get("final_frozen", 0),
        "lost": lost,
        "double": double,
        "resume s, median": round(sorted(resumed)[len(resumed) // 2], 2) if resumed else "-",
        "resume s, longest": round(max(resumed), 2) if resumed else "-",
        "yardstick, largest": round(max(stretched), 2) if stretched else "-",
        "broken invariants": len(outcome.broken),
    }
