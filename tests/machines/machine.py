"""The queue beside a model of it: every answer and every row must be what the model says."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.bench import formula
from support.checker import verify
from support.world import TICK, World, Worlds

from hpsearch.records import JobRecord
from hpsearch.store import Written
from hpsearch.trials import Hint, JobOrder, RoundKind

OPEN = ("queued", "running")
WORKING = ("running", "finalizing")
MAX_LOSSES, RETRY, LEASE = 3, 2.0, 30.0
PICK = st.integers(0, 10**6)


@dataclass
class Job:
    """What the model knows of a job."""

    search: str
    round: int
    kind: str
    deadline: float
    state: str = "queued"
    attempt: int = 1
    losses: int = 0
    ready: float = 0.0
    run: str | None = None
    claimed: float = 0.0
    lease_until: float = 0.0
    done_by: tuple[int, str] | None = None
    opened: set[int] = field(default_factory=set)

    def lose(self, now: float) -> None:
        """An attempt came to nothing."""
        self.losses += 1
        if self.losses >= MAX_LOSSES:
            self.state = "failed"
        else:
            self.state, self.attempt, self.run = "queued", self.attempt + 1, None
            self.ready = now + RETRY * 2 ** (self.losses - 1)


@dataclass
class Held:
    """A job in the hands of a worker, who may have been frozen, or have answered before."""

    hint: Hint
    order: JobOrder
    run: str


class QueueMachine(RuleBasedStateMachine):
    """Workers that crash, freeze, answer late or twice; hints that are lost, doubled, forged."""

    state = "exploring"  # where its worlds start

    def __init__(self, worlds: Worlds) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.world: World = self._stack.enter_context(worlds.copy(self.state))
        self.work = self.world.services.jobs
        self.broker: list[Hint] = []
        self.held: list[Held] = []
        self.answered: list[Held] = []
        self.runs = 0
        self.searches = {s.id: s.state for s in self.world.searches()}
        self.jobs: dict[int, Job] = {}
        self.learn()

    # --- the model -----------------------------------------------------------------------

    def learn(self) -> None:
        """Add the jobs that the model has not seen yet."""
        for j in self.world.jobs():
            if j.id not in self.jobs:
                assert (j.state, j.attempt, j.losses) == ("queued", 1, 0)
                self.jobs[j.id] = self.known(j)

    def known(self, row: JobRecord) -> Job:
        """A row's fixed part."""
        return Job(row.search_id, row.round, row.kind, row.deadline_seconds)

    def claimable(self, hint: Hint) -> bool:
        job = self.jobs.get(hint.job_id)
        return (
            job is not None
            and (job.state, job.attempt) == ("queued", hint.attempt)
            and job.ready <= self.world.clock.now
            and self.searches.get(job.search) in WORKING
        )

    def ours(self, held: Held) -> bool:
        job = self.jobs[held.hint.job_id]
        return (job.state, job.attempt, job.run) == ("running", held.hint.attempt, held.run)

    def open_in(self, search: str, number: int) -> list[Job]:
        return [j for j in self.jobs.values()
                if (j.search, j.round) == (search, number) and j.state in OPEN]  # fmt: skip

    def fail(self, job: Job) -> None:
        """What the third loss of a job does to its search."""
        if job.state == "failed" and job.kind == "final":
            self.searches[job.search] = "failed"

    @invariant()
    def rows_are_what_the_model_says(self) -> None:
        told = {i: (j.state, j.attempt, j.losses) for i, j in self.jobs.items()}
        rows = {j.id: (j.state, j.attempt, j.losses) for j in self.world.jobs()}
        assert rows == told
        assert {s.id: s.state for s in self.world.searches()} == self.searches

    # --- hints ---------------------------------------------------------------------------

    @rule(lost=st.booleans(), mark=st.booleans())
    def publish(self, lost: bool, mark: bool) -> None:
        """The loop sends hints, and may be killed before it has marked them."""
        hints = list(self.work.hints())
        wanted = {(i, j.attempt) for i, j in self.jobs.items()
                  if self.claimable(Hint(i, j.attempt))}  # fmt: skip
        assert {(h.job_id, h.attempt) for h in hints} <= wanted
        self.broker += [] if lost else hints
        if mark:
            self.work.published(hints)

    @rule()
    def broker_dies(self) -> None:
        self.broker.clear()

    def receive(self, hint: Hint, run: str) -> None:
        expected = self.claimable(hint)
        order = self.work.claim(hint, worker_run=run)
        assert (order is not None) == expected, (hint, self.jobs.get(hint.job_id))
        if order is not None:
            self.begun(Held(hint, order, run))

    def begun(self, held: Held) -> None:
        """A worker has a job."""
        now = self.world.clock.now
        job = self.jobs[held.hint.job_id]
        job.state, job.run = "running", held.run
        job.claimed, job.lease_until = now, now + LEASE
        self.held.append(held)

    @precondition(lambda self: self.broker)
    @rule(pick=PICK, twice=st.booleans())
    def deliver(self, pick: int, twice: bool) -> None:
        """A worker that is free takes a hint; the broker may deliver it again."""
        hint = self.broker[pick % len(self.broker)]
        if not twice:
            self.broker.remove(hint)
        self.runs += 1
        self.receive(hint, f"run {self.runs}")

    @rule(pick=PICK)
    def take(self, pick: int) -> None:
        """A hint that comes straight through."""
        job_id = sorted(self.jobs)[pick % len(self.jobs)]
        self.runs += 1
        self.receive(Hint(job_id, self.jobs[job_id].attempt), f"run {self.runs}")

    @rule(patience=st.sampled_from([0.0, 1e9]), most=st.integers(1, 3))
    def stay(self, patience: float, most: int) -> None:
        """A worker that is done takes the next short jobs without a hint."""
        suited = {(i, j.attempt) for i, j in self.jobs.items()
                  if j.kind != "final" and j.deadline <= patience
                  and self.claimable(Hint(i, j.attempt))}  # fmt: skip
        waiting = {(h.job_id, h.attempt) for h in self.work.hints()} & suited
        self.runs += 1
        taken, hints = self.work.take(
            worker_run=f"run {self.runs}", seconds=patience, most=lambda *_: most
        )
        assert taken or not waiting, "work was left lying"
        assert len(taken) <= most
        assert len({(order.search_id, order.round) for _, order in taken}) <= 1
        for hint, order in taken:
            assert (hint.job_id, hint.attempt) in suited
            assert hint.job_id not in {h.job_id for h in hints}, "sent, and taken as well"
            assert len(taken) == 1 or not self.jobs[hint.job_id].losses, (
                "beside what may be a culprit"
            )
            self.begun(Held(hint, order, f"run {self.runs}"))
        self.broker += hints

    @rule(job_id=st.integers(0, 12), attempt=st.integers(0, 4))
    def forge(self, job_id: int, attempt: int) -> None:
        """Anybody can write to the broker; all it can do is start what SQL wants."""
        self.runs += 1
        self.receive(Hint(job_id, attempt), f"run {self.runs}")

    # --- workers -------------------------------------------------------------------------

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def heartbeat(self, pick: int) -> None:
        held = self.held[pick % len(self.held)]
        ours = self.ours(held)
        assert self.work.heartbeat(held.hint, worker_run=held.run) == ours
        if ours:
            self.jobs[held.hint.job_id].lease_until = self.world.clock.now + LEASE

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def finish(self, pick: int) -> None:
        """A worker answers, whether it has been frozen past its lease or not."""
        held = self.held.pop(pick % len(self.held))
        self.answer(held)
        self.answered.append(held)

    @precondition(lambda self: self.answered)
    @rule(pick=PICK)
    def finish_again(self, pick: int) -> None:
        self.answer(self.answered[pick % len(self.answered)])

    @precondition(lambda self: self.several())
    @rule(pick=PICK)
    def finish_together(self, pick: int) -> None:
        """A worker answers for all that it has taken at once; a part of it may be another's by now."""
        runs = self.several()
        together = runs[pick % len(runs)]
        ours = [self.ours(held) for held in together]
        lossy = self.lossy_if(all(ours))
        written = self.work.finish_together(
            [(held.hint, formula(held.order)) for held in together], worker_run=together[0].run
        )
        for held, mine, answer in zip(together, ours, written, strict=True):
            job = self.jobs[held.hint.job_id]
            if mine:
                job.state, job.done_by = "done", (held.hint.attempt, held.run)
                over = not self.open_in(job.search, job.round)
                fresh = Written.ROUND_OVER if over else Written.DONE
                assert answer == (Written.REPEATED if lossy else fresh)
            elif job.done_by == (held.hint.attempt, held.run):
                assert answer == Written.REPEATED
            else:
                assert answer == Written.FENCED
            self.held.remove(held)
            self.answered.append(held)

    def several(self) -> list[list[Held]]:
        """What each worker holds that has taken several jobs."""
        runs: dict[tuple[str, str, int], list[Held]] = {}
        for held in self.held:
            if held.order.kind is not RoundKind.FINAL:
                key = (held.run, held.order.search_id, held.order.round)
                runs.setdefault(key, []).append(held)
        return [held for held in runs.values() if len(held) > 1]

    def answer(self, held: Held) -> None:
        job, ours = self.jobs[held.hint.job_id], self.ours(held)
        if ours and held.order.kind is RoundKind.FINAL and held.hint.attempt not in job.opened:
            for _ in range(2):  # asked again, as after a lost answer, it counts nothing
                assert self.work.open_test(held.hint, worker_run=held.run)
            job.opened.add(held.hint.attempt)
        lossy = self.lossy_if(ours)
        written = self.work.finish(held.hint, formula(held.order), worker_run=held.run)
        if ours:
            job.state, job.done_by = "done", (held.hint.attempt, held.run)
            over = not self.open_in(job.search, job.round)
            fresh = Written.ROUND_OVER if over else Written.DONE
            assert written == (Written.REPEATED if lossy else fresh)
        elif job.done_by == (held.hint.attempt, held.run):
            assert written == Written.REPEATED
        else:
            assert written == Written.FENCED

    def lossy_if(self, commits: bool) -> bool:
        """Whether the answer to the commit that follows gets lost."""
        if not commits:
            self.world.commits.armed = None
        return self.world.commits.armed == "after"

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def give_back(self, pick: int) -> None:
        """A worker could not do its job, or only says so: it may answer later all the same."""
        held = self.held[pick % len(self.held)]
        job, ours = self.jobs[held.hint.job_id], self.ours(held)
        lossy = self.lossy_if(ours)
        written = self.work.give_back(
            held.hint, "it failed", worker_run=held.run, losses=job.losses
        )
        if not ours:
            assert written == Written.FENCED
            return
        job.lose(self.world.clock.now)
        self.fail(job)
        over = (
            job.state == "failed"
            and job.kind != "final"
            and not self.open_in(job.search, job.round)
        )
        fresh = Written.ROUND_OVER if over else Written.DONE
        assert written == (Written.FENCED if lossy else fresh)
        self.receive(Hint(held.hint.job_id, job.attempt), "too early")

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def hand_back(self, pick: int) -> None:
        """A job is returned, as trainers elsewhere do: the next attempt at once, and no loss."""
        held = self.held[pick % len(self.held)]
        job, ours = self.jobs[held.hint.job_id], self.ours(held)
        lossy = self.lossy_if(ours)
        store = self.world.services.store
        returned = store.write(lambda tx: tx.queue.put_back(held.hint, worker_run=held.run))
        assert returned == (ours and not lossy)
        if ours:
            job.state, job.attempt, job.run, job.ready = "queued", job.attempt + 1, None, 0.0

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def never_ends(self, pick: int) -> None:
        """A job hangs, and its worker goes on to send heartbeats."""
        self.world.commits.armed = None
        held = self.held[pick % len(self.held)]
        while self.ours(held):
            self.heartbeat(self.held.index(held))
            self.time_passes(3)

    @precondition(lambda self: self.held)
    @rule(pick=PICK, then=st.sampled_from(["heartbeat", "give_back", "finish", "nothing"]))
    def freeze(self, pick: int, then: str) -> None:
        """A worker is stopped past its lease, another one takes the job, the first wakes up."""
        held = self.held[pick % len(self.held)]
        self.time_passes(5)
        self.time_passes(1)
        self.runs += 1
        attempt = self.jobs[held.hint.job_id].attempt
        self.receive(Hint(held.hint.job_id, attempt), f"run {self.runs}")
        if then != "nothing":
            getattr(self, then)(self.held.index(held))

    @rule(pick=PICK)
    def freeze_with_several(self, pick: int) -> None:
        """The same with a worker that has taken several jobs: it answers for what is another's."""
        self.stay(1e9, 3)
        if not (runs := self.several()):
            return
        place = pick % len(runs)
        lost = runs[place][pick % len(runs[place])].hint
        self.time_passes(5)
        self.time_passes(1)
        self.runs += 1
        self.receive(Hint(lost.job_id, self.jobs[lost.job_id].attempt), f"run {self.runs}")
        self.finish_together(place)

    @rule(pick=PICK)
    def unlucky(self, pick: int) -> None:
        """Whoever takes this job gives it back, until nobody may."""
        job_id = sorted(self.jobs)[pick % len(self.jobs)]
        for _ in range(MAX_LOSSES):
            self.time_passes(2)
            self.receive(Hint(job_id, self.jobs[job_id].attempt), "unlucky")
            if self.held and self.held[-1].run == "unlucky":
                self.give_back(len(self.held) - 1)
                self.held.pop()

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def crash(self, pick: int) -> None:
        """A worker is gone, and nobody hears of it."""
        self.held.pop(pick % len(self.held))

    @rule(when=st.sampled_from(["before", "after"]))
    def connection_breaks(self, when: str) -> None:
        """The next commit fails, or succeeds and nobody is told."""
        self.world.commits.armed = when

    # --- time ----------------------------------------------------------------------------

    @rule(ticks=st.sampled_from([1, 1, 3, 8]))
    def time_passes(self, ticks: int) -> None:
        self.world.commits.armed = None
        for _ in range(ticks):
            self.world.clock.forward(TICK)
            self.reap()

    def reap(self) -> None:
        """The loop takes back what is silent or overdue, and nothing else."""
        running = {i: j for i, j in self.jobs.items() if j.state == "running"}
        self.work.reap()
        rows = {j.id: j for j in self.world.jobs()}
        now = self.world.clock.now
        for i, job in running.items():
            row, age = rows[i], now - job.claimed
            if (row.state, row.attempt) != ("running", job.attempt):
                assert now > job.lease_until or age > job.deadline, "reaped too early"
                job.lose(now)
                self.fail(job)
            else:
                assert now <= job.lease_until + 2 * TICK, "a silent job was left"
                assert age <= job.deadline + 3 * TICK, "a job that never ends was left"

    # --- the end -------------------------------------------------------------------------

    def open_jobs(self) -> Iterable[tuple[int, Job]]:
        return [(i, j) for i, j in self.jobs.items() if j.state in OPEN]

    def finish_all(self) -> None:
        """Healthy workers do what is open; time passes until lost jobs come back."""
        self.held.clear()
        for _ in range(MAX_LOSSES + 2):
            while True:
                ready = [Hint(i, j.attempt) for i, j in self.open_jobs()
                         if self.claimable(Hint(i, j.attempt))]  # fmt: skip
                if not ready:
                    break
                for hint in ready:
                    self.receive(hint, "healthy")
                    self.answer(self.held.pop())
            self.time_passes(8)

    def settle(self) -> None:
        """What has to be true when all is done."""
        self.finish_all()
        left = [j for _, j in self.open_jobs() if self.searches[j.search] in WORKING]
        assert not left, "work that nobody can do"

    def teardown(self) -> None:
        try:
            self.world.commits.armed = None
            self.settle()
            self.rows_are_what_the_model_says()
            self.counts = verify(self.world.url, ended=False, replan=False, intact=False)
        finally:
            self._stack.close()


def run(
    machine: Any,
    worlds: Worlds,
    *,
    examples: int,
    steps: int = 30,
    shrink: bool = True,
    repeatable: bool = False,
) -> None:
    """Play a machine on copies of prepared worlds; `repeatable` plays the same every time.

    So does CI, where a failure has to be one of the change; everywhere else new games are played.
    """
    repeatable = repeatable or "CI" in os.environ
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else [])]
    logging.getLogger("hpsearch").setLevel(logging.ERROR)  # its warnings are what is played
    try:
        run_state_machine_as_test(
            lambda: machine(worlds),
            settings=settings(
                max_examples=examples, stateful_step_count=steps, deadline=None, print_blob=True,
                suppress_health_check=list(HealthCheck), database=None, phases=phases, derandomize=repeatable,
            ),
        )  # fmt: skip
    finally:
        logging.getLogger("hpsearch").setLevel(logging.NOTSET)
