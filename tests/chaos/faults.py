"""The faults, by name. Each acts on the world and returns when it has hit, or raises Missed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from support.proxy import Proxy
from support.refusals import REFUSALS

from chaos import edges
from chaos.world import FREEZE, SQLITE, Missed, World

PATIENCE = 15.0  # seconds in which a fault must find something to hit
MOST_FROZEN = 2  # at one time: the others must be able to do their work again

Fault = Callable[[World], None]


# Workers


def kill_child(world: World) -> None:
    """SIGKILL to a pool process that trains."""
    pid, _ = world.until(world.busy, PATIENCE)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_group(world: World) -> None:
    """SIGKILL to a whole worker while it trains."""
    _, member = world.until(world.busy, PATIENCE)
    member.signal_group(signal.SIGKILL)


def kill_leader(world: World) -> None:
    """SIGKILL to a worker's main process alone: its pool is left behind."""
    _, member = world.until(world.busy, PATIENCE)
    with suppress(ProcessLookupError):
        os.kill(member.pid, signal.SIGKILL)


def freeze_child(world: World) -> None:
    """SIGSTOP to a pool process that trains, for longer than its lease."""
    _some_awake(world)
    pid, _ = world.until(world.busy, PATIENCE)
    world.freeze(pid)


def freeze_group(world: World) -> None:
    """SIGSTOP to a whole worker, for longer than its leases."""
    _some_awake(world)
    _, member = world.until(world.busy, PATIENCE)
    world.freeze(member.pid, group=True)


def _some_awake(world: World) -> None:
    world.until(lambda: len(world.frozen) < MOST_FROZEN, 6 * FREEZE)


def _nobody_holds_sqlite(world: World) -> None:
    """Wait for the zombies: one that stands still in a transaction holds up every other writer.

    Whatever is measured then is its sleep, and not how soon the service follows its broker.
    """
    if world.store == SQLITE:
        with suppress(Missed):
            world.until(lambda: not world.frozen, 7 * FREEZE)


# Edges


def at_edge(edge: str, action: str, world: World) -> None:
    """Whoever comes first to an edge is killed or frozen there."""
    if action == edges.FREEZE:
        _some_awake(world)
    world.edges.arm(edge, action)
    try:
        pid = world.until(lambda: world.edges.taken(edge, action), PATIENCE)
    except Missed:
        if world.edges.disarm(edge, action):
            raise
        pid = world.edges.taken(edge, action)
    if action == edges.FREEZE and pid:
        world.sleeps(pid)


# The loop


def kill_loop(world: World) -> None:
    """SIGKILL to a coordinator, wherever it is."""
    loops = [m for name, m in world.fleet.members.items() if name.startswith("loop")]
    member = world.rng.choice(loops)
    world.until(member.alive, PATIENCE)
    world.wait(world.rng.uniform(0.0, 0.5))
    member.signal_group(signal.SIGKILL)


def second_loop(world: World) -> None:
    """A second coordinator comes, and stays."""
    world.fleet.add("loop-2", "loop")


# The broker


def kill_broker(world: World) -> None:
    """SIGKILL, and an empty one after a moment."""
    _nobody_holds_sqlite(world)
    world.broker.kill()
    world.wait(world.rng.uniform(0.0, 1.0))
    world.restart_broker()


def flap_broker(world: World) -> None:
    """SIGKILL again and again before anybody has recovered."""
    _nobody_holds_sqlite(world)
    for _ in range(3):
        world.broker.kill()
        world.wait(world.rng.uniform(0.1, 0.6))
        world.broker.start()
        world.wait(world.rng.uniform(0.1, 0.6))
    world.broker.kill()
    world.restart_broker()


def freeze_broker(world: World) -> None:
    """A broker that accepts and stays silent, for longer than its clients wait."""
    os.kill(world.broker.pid, signal.SIGSTOP)
    world.wait(15.0)
    os.kill(world.broker.pid, signal.SIGCONT)


def refuse(name: str, world: World) -> None:
    """A broker that answers and says no for a moment; then it is cured."""
    _nobody_holds_sqlite(world)
    with REFUSALS[name](world.broker):
        world.wait(world.rng.uniform(0.3, 1.5))
    world.resume(name)


def forge_hints(world: World) -> None:
    """Five hints that nobody published."""
    jobs = int(world.workload.ask("SELECT count(*) FROM job")[0][0])
    with world.to_redis() as client:
        for _ in range(5):
            world.traffic.forge(client, world.rng, max(jobs, 1))


# The network


def reset(which: str, world: World) -> None:
    """RST on every connection of broker or database."""
    _proxy(world, which).reset()


def half_open(which: str, world: World) -> None:
    """The server is gone and nobody is told, until the network says so."""
    _proxy(world, which).half_open()
    world.wait(FREEZE)
    _proxy(world, which).reset()


def black_hole(which: str, world: World) -> None:
    """Nothing comes through for longer than a lease, then all of it."""
    with _proxy(world, which).black_hole():
        world.wait(FREEZE)


def delay(which: str, world: World) -> None:
    """Every piece takes a while."""
    proxy = _proxy(world, which)
    proxy.delay = 0.05
    world.wait(2.0)
    proxy.delay = 0.0


def cut(which: str, world: World) -> None:
    """Every connection breaks in the middle of an answer."""
    _proxy(world, which).cut_after(world.rng.randrange(1, 200))


def _proxy(world: World, which: str) -> Proxy:
    proxy = world.to_broker if which == "broker" else world.to_database
    assert proxy is not None
    return proxy


# The database


def kill_postgres(world: World) -> None:
    """SIGKILL to the server, and its return after a moment."""
    assert world.postgres is not None
    world.postgres.kill()
    world.wait(world.rng.uniform(0.0, 1.0))
    world.restart_postgres()


def restart_pooler(world: World) -> None:
    """SIGKILL to the pooler, and its return after a moment."""
    assert world.pooler is not None
    world.pooler.kill()
    world.wait(world.rng.uniform(0.0, 1.0))
    world.pooler.start()
    world.resume("pooler started")


def outage(world: World) -> None:
    """No database for longer than a lease."""
    assert world.to_database is not None
    world.to_database.refusing = True
    world.to_database.reset()
    world.wait(2 * FREEZE)
    world.to_database.refusing = False


def cut_commit(when: str, world: World) -> None:
    """A connection breaks while it commits: `before` the server hears of it, or `after`."""
    before = world.commits.cut
    world.commits.armed.append(when)
    try:
        world.until(lambda: world.commits.cut > before, PATIENCE)
    finally:
        world.commits.armed.clear()


FAULTS: dict[str, Fault] = {
    "worker killed": kill_group,
    "pool child killed": kill_child,
    "worker's leader killed": kill_leader,
    "killed after claim": partial(at_edge, edges.CLAIMED, edges.KILL),
    "killed before finish": partial(at_edge, edges.TRAINED, edges.KILL),
    "killed after finish": partial(at_edge, edges.FINISHED, edges.KILL),
    "killed at COMMIT": partial(at_edge, edges.COMMITTING, edges.KILL),
    "frozen before finish": partial(at_edge, edges.TRAINED, edges.FREEZE),
    "frozen in training": freeze_child,
    "worker frozen": freeze_group,
    "loop killed": kill_loop,
    "coordinator killed before write": partial(at_edge, edges.DECIDED, edges.KILL),
    "coordinator killed before publish": partial(at_edge, edges.ADVANCED, edges.KILL),
    "publisher killed before mark": partial(at_edge, edges.SENT, edges.KILL),
    "coordinator frozen before write": partial(at_edge, edges.DECIDED, edges.FREEZE),
    "second coordinator": second_loop,
    "broker killed": kill_broker,
    "broker flaps": flap_broker,
    "broker frozen": freeze_broker,
    "broker demoted": partial(refuse, "READONLY"),
    "broker busy": partial(refuse, "BUSY"),
    "broker's disk full": partial(refuse, "MISCONF"),
    "hints forged": forge_hints,
    **{
        f"{which} {name}": partial(fault, which)
        for which in ("broker", "database")
        for name, fault in (
            ("reset", reset), ("half-open", half_open), ("black hole", black_hole),
            ("delay", delay), ("cut", cut),
        )
    },
    "PostgreSQL killed": kill_postgres,
    "pooler restarted": restart_pooler,
    "database outage": outage,
    "cut before COMMIT": partial(cut_commit, "before"),
    "cut after COMMIT": partial(cut_commit, "after"),
}  # fmt: skip


def strike(world: World, name: str) -> None:
    """Carry out one fault and count it."""
    try:
        FAULTS[name](world)
    except Missed:
        world.counts[f"{name} (missed)"] += 1
        return
    world.counts[name] += 1
