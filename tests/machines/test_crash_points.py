"""A process that dies at the edge of any commit: nothing is lost, and the digest is the same.

Each point is a commit of one use case; the process ends just before or just after it, and a new
one goes on with what the database and the broker hold. `make crash-points` plays every point
with both edges on both databases; the default run a part of them.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import cache

import pytest
from support.bench import OWNER, formula
from support.checker import digests, verify
from support.world import TICK

from hpsearch.trials import Hint, RoundKind

POINTS = (
    "advance 0", "advance 1", "advance 2", "complete", "mark", "claim explore", "claim final",
    "give back", "reap", "open test", "finish explore", "finish last", "finish final",
)  # fmt: skip
ALL = os.environ.get("CRASH_POINTS") == "all"
# After the commit is where a naive retry counts twice; before it, where one forgets.
BEFORE = ("advance 1", "mark", "finish explore", "open test")
PLAYED = [(p, e) for p in POINTS for e in ("before", "after") if ALL or e == "after" or p in BEFORE]
ON_POSTGRES = [
    (p, e) for p, e in PLAYED if ALL or (p, e) in (("advance 1", "after"), ("finish last", "after"))
]


class Killed(BaseException):
    """The process is gone. No handler of the code under test may see it."""


def die():
    raise Killed


class Process:
    """Loop and worker in one, which takes a search to its end; it can be killed once."""

    def __init__(self, world, point=None, edge=None):
        self.world = world.restarted(die)
        self.point, self.edge = point, edge
        self.broker: list[Hint] = []
        self.killed = 0

    def close(self):
        """Let go of the database."""
        self.world.close()

    def run(self):
        """Turn until the search has ended; a killed process is started again."""
        for _ in range(200):
            try:
                self.turn()
            except Killed:
                self.killed += 1
                self.point = None
                self.world = self.world.restarted(die)
            if self.world.searches()[0].state == "completed":
                return
        raise AssertionError("the search does not end")

    def at(self, point, call):
        """One use case; armed, its commit is the last thing that this process does."""
        commits = self.world.commits
        commits.armed = self.edge if point == self.point else None
        done = call()
        commits.armed = None
        return done

    def turn(self):
        world, work = self.world, self.world.services.jobs
        world.clock.forward(TICK)
        silent = any(j.state == "running" and j.lease_until < world.clock.now for j in world.jobs())
        self.at("reap" if silent else "look", work.reap)
        (search,) = world.searches()
        final = search.state == "finalizing"
        self.at("complete" if final else f"advance {search.round}", work.advance_due)
        hints = work.hints()
        self.broker += hints
        if hints:
            self.at("mark", lambda: work.published(hints))
        while self.broker:
            self.job(self.broker.pop(0))

    def job(self, hint):
        work = self.world.services.jobs
        rows = {j.id: j for j in self.world.jobs()}
        row = rows[hint.job_id]
        order = self.at(f"claim {row.kind}", lambda: work.claim(hint, worker_run="run"))
        if order is None:
            return
        if (row.round, row.number, hint.attempt) == (1, 0, 1):
            self.at("give back", lambda: work.give_back(hint, "failed", worker_run="run"))
            return
        if (row.round, row.number, hint.attempt) == (1, 1, 1):
            return  # this worker falls silent
        if order.kind is RoundKind.FINAL:
            assert self.at("open test", lambda: work.open_test(hint, worker_run="run"))
        left = sum(j.state in ("queued", "running") and j.round == row.round for j in rows.values())
        name = f"finish {'last' if left == 1 and row.kind == 'explore' else row.kind}"
        self.at(name, lambda: work.finish(hint, formula(order), worker_run="run"))


@cache
def reference(worlds):
    """The digest of a run without faults."""
    with worlds.copy("submitted") as world, closing(Process(world)) as process:
        process.run()
        verify(world.url, intact=False)
        return digests(world.url)


def killed_at(worlds, point, edge):
    expected = reference(worlds)
    assert expected["search"] is not None
    with worlds.copy("submitted") as world, closing(Process(world, point, edge)) as process:
        process.run()
        assert process.killed == 1, "the point must have been reached"
        counts = verify(world.url, expected_digests=expected)
        assert (counts.finals, counts.advances, counts.requeued) == (1, 2, 0)
        status = process.world.services.searches.status
        search_id = process.world.searches()[0].id
        shown = {search_id: status(search_id, owner=OWNER).model_dump(mode="json")}
        verify(world.url, shown=shown, replan=False, intact=False)


@pytest.mark.parametrize(("point", "edge"), PLAYED)
def test_killed_at_a_commit_on_sqlite(worlds, point, edge):
    killed_at(worlds, point, edge)


@pytest.mark.parametrize(("point", "edge"), ON_POSTGRES)
def test_killed_at_a_commit_on_postgres(postgres_worlds, point, edge):
    killed_at(postgres_worlds, point, edge)
